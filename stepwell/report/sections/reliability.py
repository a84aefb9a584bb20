"""Whether the network is as often right as it is sure."""

from __future__ import annotations

import numpy as np

from stepwell.report import charts, wording
from stepwell.report.charts import Line
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 46
TITLE = "How sure, and how right"

_DIAGONAL = np.array([0.0, 1.0])
_FEW = 10


def section(facts: Facts) -> str | None:
    """The reliability curve over the diagonal, and the answers in each bin; None where it was not measured."""
    scores = facts.scores
    curve = scores.curves.get("reliability") if scores is not None else None
    if scores is None or not curve or not curve["confidence"]:
        return None
    title = scores.metrics["reliability"].title
    x, y, counts = (np.asarray(curve[name]) for name in ("confidence", "right", "count"))
    shown = counts >= min(_FEW, counts.max())
    axis = charts.linear_axis(0.0, 1.0, words=lambda one: f"{100 * one:.0f} %")
    drawn = [Line(title, _DIAGONAL, _DIAGONAL, faint=True), Line(title, x[shown], y[shown])]
    error = scores.scores.get("ece")
    measured = ""
    if error is not None:
        about = scores.metrics["ece"]
        measured = f"{about.title} {wording.value(error.value, about, error.n)} ({wording.interval(error, about)})"
    return render(
        _TEMPLATE,
        picture=charts.lines(drawn, axis, axis, None, f"{title}. {measured}"),
        measured=measured,
        n=wording.count(scores.n),
        part=scores.part,
        few=_FEW,
        rows=[
            (wording.percent(one), wording.percent(two), wording.count(three))
            for one, two, three in zip(x, y, counts, strict=True)
        ],
    )


_TEMPLATE = """
<p>{% if measured %}{{ measured[:1]|upper }}{{ measured[1:] }}: by so much the network's confidence and the share of
right
answers differ on average. {% endif %}All on {{ n }} {{ part }} examples.</p>
<figure class="panel">
{{ picture }}
<figcaption>Across: how sure the network was; up: how often it was right then. On the thin diagonal both are equal;
below
it the network is surer than it may be. Bins of fewer than {{ few }} answers are left out of the line.</figcaption>
</figure>
<details><summary>Every bin with its n</summary>
<table><thead><tr><th class="num">how sure</th><th class="num">right</th><th class="num">n</th></tr></thead><tbody>
{% for sure, right, count in rows %}
<tr><td class="num">{{ sure }}</td><td class="num">{{ right }}</td><td class="num">{{ count }}</td></tr>
{% endfor %}
</tbody></table></details>
"""
