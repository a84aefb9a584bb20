"""The worst answers on the test part, worst first: what to look at before anything else is tried."""

from __future__ import annotations

from stepwell.report.facts import Facts
from stepwell.report.gallery import gallery
from stepwell.report.markup import render

ORDER = 70
TITLE = "Worst errors"


def section(facts: Facts) -> str | None:
    """Pictures; None where there are none, or none may be shown."""
    pictures = facts.gallery.get("worst", ())
    if not pictures:
        return None
    about = facts.scores.metrics.get(facts.worst) if facts.scores and facts.worst else None
    return render(
        """<p>The {{ n }} test examples answered worst{% if by %} by {{ by }}{% endif %}, worst first; where errors
are few, right answers of little certainty follow. Look for wrong labels, unreadable examples and kinds that are rare in
training.</p>
{{ pictures }}""",
        n=len(pictures),
        by=about.title if about else "",
        pictures=gallery(pictures),
    )
