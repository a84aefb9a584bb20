"""A fair sample of test examples with the answers given."""

from __future__ import annotations

from stepwell.report.facts import Facts
from stepwell.report.gallery import gallery
from stepwell.report.markup import render

ORDER = 60
TITLE = "Sample predictions"


def section(facts: Facts) -> str | None:
    """Pictures; None where there are none, or none may be shown."""
    pictures = facts.gallery.get("samples", ())
    if not pictures:
        return None
    return render(
        "<p>{{ n }} test examples drawn by chance, right and wrong ones as they came.</p>{{ pictures }}",
        n=len(pictures),
        pictures=gallery(pictures),
    )
