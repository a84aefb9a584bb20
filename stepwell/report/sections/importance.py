"""What the answers rest on: what shuffling each column costs, and how answers follow the foremost columns."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from stepwell.judge.scores import Dependence
from stepwell.report import charts, wording
from stepwell.report.charts import Line
from stepwell.report.dots import Row, axis_for, difference_row, dots
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 56
TITLE = "What the answers rest on"

_DRAWN = 20
_FOLLOWED = 4
"""Answers drawn in one picture: more lines than that cannot be told apart."""


def section(facts: Facts) -> str | None:
    """Permutation importance and partial dependence; None where neither was measured."""
    scores = facts.scores
    if scores is None or (scores.importance is None and not scores.dependence):
        return None
    about, found = scores.metrics[scores.headline], scores.importance
    picture = None
    if found is not None and found.columns:
        rows = [
            difference_row(name, score, about, strong=score.low > 0)
            for name, score in list(found.columns.items())[:_DRAWN]
        ]
        low, high = min(0.0, *(one.low for one in rows)), max(0.0, *(one.high for one in rows))
        picture = dots(rows, axis_for(low, high, about, difference=True), zero=True)
    return render(
        _TEMPLATE,
        picture=picture,
        about=about,
        n=wording.count(found.n) if found else "",
        repeats=found.repeats if found else 0,
        columns=wording.count(len(found.columns)) if found else "",
        more=len(found.columns) > _DRAWN if found else False,
        drawn=_DRAWN,
        passed_over=wording.count(found.passed_over) if found and found.passed_over else "",
        panels=[_panel(one) for one in scores.dependence],
    )


def _panel(one: Dependence) -> Markup:
    names = list(one.mean)[:_FOLLOWED]
    if all(isinstance(value, int | float) for value in one.at):
        picture = _lines(one, names)
    else:
        first = names[0]
        rows = [
            Row(str(at), wording.plain(mean), low, mean, high)
            for at, mean, low, high in zip(one.at, one.mean[first], one.low[first], one.high[first], strict=True)
        ]
        low, high = min(one.low[first]), max(one.high[first])
        margin = 0.08 * (high - low)
        picture = dots(rows, charts.linear_axis(low - margin, high + margin))
        names = [first]
    return render(_PANEL, column=one.column, picture=picture, answer=", ".join(names), n=wording.count(one.n))


def _lines(one: Dependence, names: list[str]) -> Markup:
    x = np.asarray(one.at, dtype=np.float64)
    drawn = [
        Line(name, x, np.asarray(values), faint=faint)
        for name in names
        for values, faint in ((one.low[name], True), (one.high[name], True), (one.mean[name], False))
    ]
    every = np.concatenate([line.y for line in drawn])
    return charts.lines(
        drawn,
        charts.linear_axis(float(x.min()), float(x.max())),
        charts.axis_of(every),
        None,
        f"Answers over {one.column}",
    )


_PANEL = """
<figure class="panel"><h3>{{ column }} <small>{{ answer }}</small></h3>
{{ picture }}
<figcaption>The mean answer for {{ n }} examples, were this column the same for all of them; thin: its
interval.</figcaption>
</figure>
"""

_TEMPLATE = """
{% if picture %}
<figure>
{{ picture }}
<figcaption>What the {{ about.title }} loses when a column is shuffled among {{ n }} examples ({{ repeats }} times
each), with
its interval; colored where the loss is more than chance. Where two columns say the same, each alone may seem
unimportant.
{% if more %}The first {{ drawn }} of {{ columns }} columns.{% endif %}
{% if passed_over %}{{ passed_over }} further columns were not looked at.{% endif %}</figcaption>
</figure>
{% endif %}
{% if panels %}
<h3>How answers follow a column</h3>
<div class="panels">{% for panel in panels %}{{ panel }}{% endfor %}</div>
<p class="small">This describes the network, not the world: it does not say what would happen if somebody changed the
column.</p>
{% endif %}
"""
