"""English words that say little of what a text is about or how it is meant; negations are not among them."""

from __future__ import annotations

_LIST = """
a about above after again all also am an and any are as at be because been before being below between both by did do
does doing down during each few for from further had has have having he her here hers herself him himself his how i
if in into is it it's its itself just me more most my myself of off on once only or other our ours ourselves out
over own same she so some such than that the their theirs them themselves then there these they this those through
to too under until up was we were what when where which while who whom why will with you your yours yourself
yourselves i'm i've i'd i'll you're you've you'd you'll he's she's we're we've they're they've that's there's what's
let's
"""

ENGLISH: tuple[str, ...] = tuple(_LIST.split())
"""The usual list (that of the Snowball project) without no, not, nor, never, cannot, against, very, but, could, should
and would, on which the mood of a sentence hangs."""
