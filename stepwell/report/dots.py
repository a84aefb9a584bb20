"""Values with their intervals, one below the other on one axis: dots with bars, and words beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from stepwell.judge.scores import About
from stepwell.report import wording
from stepwell.report.charts import Axis, linear_axis
from stepwell.report.markup import render
from stepwell.schema import Score

_TICKS = 6


@dataclass(frozen=True)
class Row:
    """One line of the picture; `strong` ones are in the color of the network, `note` is a small line below."""

    name: str
    text: str
    low: float
    value: float
    high: float
    note: str = ""
    strong: bool = False


def row(name: str, score: Score, about: About, *, note: str = "", strong: bool = False) -> Row:
    """A metric's score, in words and with its interval."""
    text = f"{wording.value(score.value, about, score.n)} ({wording.interval(score, about)})"
    return Row(name, text, score.low, score.value, score.high, note, strong)


def difference_row(name: str, score: Score, about: About, *, note: str = "", strong: bool = False) -> Row:
    """A difference of two scores, in points where the metric is a share."""
    middle, ends = wording.difference(score, about)
    return Row(name, f"{middle} ({ends})", score.low, score.value, score.high, note, strong)


def axis_for(low: float, high: float, about: About, *, difference: bool = False) -> Axis:
    """An axis with a little room on both sides; of a share in percent (within 0 and 1 but for differences)."""
    margin = 0.08 * (high - low)
    low, high = low - margin, high + margin
    if about.measure != "share":
        return linear_axis(low, high, count=_TICKS)
    if difference:
        points = linear_axis(100 * low, 100 * high, count=_TICKS, words=lambda one: wording.plain(round(one, 6)))
        return Axis(points.low / 100, points.high / 100, logarithmic=False, ticks=points.ticks)
    shares = linear_axis(100 * max(low, 0.0), 100 * min(high, 1.0), words=lambda one: f"{one:.4g} %")
    return Axis(shares.low / 100, shares.high / 100, logarithmic=False, ticks=shares.ticks)


def dots(rows: Sequence[Row], axis: Axis, *, zero: bool = False) -> Markup:
    """The picture; a row whose value lies off the axis is only pointed at. Where `zero`, a dashed line at 0."""
    placed = [
        {
            "row": one,
            "low": 100 * axis.place(one.low),
            "value": 100 * axis.place(one.value),
            "high": 100 * axis.place(one.high),
            "beyond": "left" if one.value < axis.low else "right" if one.value > axis.high else "",
        }
        for one in rows
    ]
    return render(
        _TEMPLATE,
        rows=placed,
        ticks=[(100 * place, words) for place, words in axis.ticks],
        zero=100 * axis.place(0.0) if zero else None,
    )


_TEMPLATE = """
<div class="dots">
{% for one in rows %}
<div class="who{{ ' network' if one.row.strong }}"><b>{{ one.row.name }}</b> <span class="num">{{ one.row.text }}</span>
{% if one.row.note %}<small>{{ one.row.note }}</small>{% endif %}</div>
<div class="track{{ ' network' if one.row.strong }}">
<svg role="img" aria-label="{{ one.row.name }}: {{ one.row.text }}">
{% for place, words in ticks %}
<line class="grid" x1="{{ place|round(2) }}%" x2="{{ place|round(2) }}%" y1="0" y2="100%"/>
{% endfor %}
{% if zero is not none %}<line class="zero" x1="{{ zero|round(2) }}%" x2="{{ zero|round(2) }}%" y1="0" y2="100%"/>
{% endif %}
{% if one.beyond == "left" %}<text x="0" y="50%" dy="4">◂ further left</text>
{% elif one.beyond == "right" %}<text x="100%" y="50%" dy="4" text-anchor="end">further right ▸</text>
{% else %}
<line class="range" x1="{{ one.low|round(2) }}%" x2="{{ one.high|round(2) }}%" y1="50%" y2="50%"/>
<circle cx="{{ one.value|round(2) }}%" cy="50%" r="5"/>
{% endif %}
</svg></div>
{% endfor %}
<div class="who axis"></div>
<div class="track axis"><svg aria-hidden="true">
{% for place, words in ticks %}
<text x="{{ place|round(2) }}%" y="13"
 text-anchor="{{ 'start' if place < 5 else 'end' if place > 95 else 'middle' }}">{{ words }}</text>
{% endfor %}
</svg></div>
</div>
"""
