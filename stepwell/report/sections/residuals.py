"""How far the answers lie from the truth, over the answers themselves."""

from __future__ import annotations

import numpy as np

from stepwell.report import charts, wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 40
TITLE = "What is left unexplained"


def section(facts: Facts) -> str | None:
    """A dot an example; None where residuals were not measured."""
    scores = facts.scores
    curve = scores.curves.get("residuals") if scores is not None else None
    if scores is None or not curve or not curve["prediction"]:
        return None
    x, y = np.asarray(curve["prediction"]), np.asarray(curve["residual"])
    far = np.quantile(np.abs(y), 0.995) if len(y) > 100 else np.abs(y).max()  # a few far ones would flatten the rest
    kept = np.abs(y) <= far
    above = float((y > 0).mean())
    alt = f"Residuals of {wording.count(len(x))} examples; {wording.percent(above)} of the answers are too high"
    return render(
        _TEMPLATE,
        picture=charts.scatter(x[kept], y[kept], alt),
        shown=wording.count(int(kept.sum())),
        beyond=wording.count(int((~kept).sum())) if not kept.all() else "",
        n=wording.count(scores.n),
        part=scores.part,
        above=wording.percent(above),
    )


_TEMPLATE = """
<figure>
{{ picture }}
<figcaption>A dot is one of {{ shown }} of {{ n }} {{ part }} examples: across what the network answered, up how far
that is
above the truth (below 0: too low). {{ above }} of the answers are too high. A bend or a funnel shows what the network
has
not learned.{% if beyond %} {{ beyond }} that lie further out are not drawn.{% endif %}</figcaption>
</figure>
"""
