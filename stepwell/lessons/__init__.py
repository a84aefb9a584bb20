"""Lessons, one a file: a fault, had on purpose, beside the same network without it.

The docstring is the lesson's text: its first line the title, then paragraphs, the last of which says what to remember.
`DIAGNOSIS` names what infects the network that `SETTINGS` describe; `PICTURES` what is drawn of both (see `teaching`).
"""
