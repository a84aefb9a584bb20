"""Inline SVG without a script: scales, lines and dots that grow with the page while their words keep their size.

Places along x are percent of the width, so that one picture serves a phone and a wide screen; heights are pixels.
Lines are drawn in a box of 1000 × 1000 that is stretched, with strokes that are not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from stepwell.report.markup import render
from stepwell.report.wording import plain
from stepwell.schema import Array

HEIGHT = 150
"""Pixels of the field that lines are drawn in."""

_BOX = 1000
_POINTS = 240  # more than a screen shows apart
_STEEP = 50.0  # a positive quantity whose values span more than this is shown on a logarithmic axis
_NOTHING = 1e-300  # a span under which numbers have too few digits to be divided into ticks


@dataclass(frozen=True)
class Axis:
    """From values to places 0 … 1; `ticks` are (place, words). A logarithmic axis holds positive values only."""

    low: float
    high: float
    logarithmic: bool
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Where a value lies, 0 at `low` and 1 at `high`, cut off there."""
        low, high, at = self.low, self.high, value
        if self.logarithmic:
            low, high, at = math.log(low), math.log(high), math.log(max(value, low))
        return min(1.0, max(0.0, (at - low) / (high - low)))


@dataclass(frozen=True)
class Line:
    """Values over x, `(n,)` each, in order of x and finite; `faint` draws it behind the others."""

    name: str
    x: Array
    y: Array
    faint: bool = False


@dataclass(frozen=True)
class Mark:
    """A point to be named: where it is, and its words."""

    x: float
    y: float
    text: str


def linear_axis(low: float, high: float, *, words: Callable[[float], str] = plain, count: int = 4) -> Axis:
    """An axis from `low` to `high` with about `count` ticks at 1, 2 or 5 times a power of ten."""
    if not high - low > _NOTHING:
        margin = abs(low) * 0.1 if abs(low) > _NOTHING else 1.0
        low, high = low - margin, high + margin
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [factor * power for factor in (1, 2, 5, 10)]
    step = next(one for one in steps if one >= rough * 0.999)
    if step > high - low:  # where few are asked for: rather some more than none
        step = max(one for one in steps if one < step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    ticks = tuple(((one * step - low) / (high - low), words(one * step)) for one in range(first, last + 1))
    return Axis(low, high, logarithmic=False, ticks=ticks)


def axis_of(values: Array, *, words: Callable[[float], str] = plain, steep: bool = False) -> Axis:
    """An axis that holds all of `values` `(n,)`, n >= 1, with a little room, from 0 where that is near.

    Where `steep`, a quantity that falls or grows by factors, it is logarithmic if the values span much.
    """
    low, high = float(values.min()), float(values.max())
    if steep and low > 0 and high / low > _STEEP:
        return logarithmic_axis(low, high, words)
    margin = 0.06 * (high - low)
    return linear_axis(0.0 if 0 <= low < 0.3 * high else low - margin, high + margin, words=words)


def thin(x: Array, y: Array) -> tuple[Array, Array]:
    """Means of neighbors, so that at most `_POINTS` points are left; x is the mean of theirs."""
    size = -(-len(x) // _POINTS)
    starts = np.arange(0, len(x), size)
    counts = np.diff([*starts, len(x)])
    return np.add.reduceat(x, starts) / counts, np.add.reduceat(y, starts) / counts


def smooth(y: Array, window: int) -> Array:
    """The mean of the `window` values around each, fewer at the ends, `(n,)`."""
    sums = np.concatenate([[0.0], np.cumsum(y)])
    at = np.arange(len(y))
    first, last = np.maximum(at - window // 2, 0), np.minimum(at + window // 2 + 1, len(y))
    means: Array = (sums[last] - sums[first]) / (last - first)
    return means


def lines(drawn: Sequence[Line], x_axis: Axis, y_axis: Axis, mark: Mark | None, alt: str) -> Markup:
    """A picture of lines over x, with `mark` named; `alt` says in a sentence what a reader cannot see."""
    bold = [line for line in drawn if not line.faint]
    names = list(dict.fromkeys(line.name for line in bold))
    return render(
        _LINES,
        height=HEIGHT,
        alt=alt,
        names=names if len(names) > 1 else [],
        paths=[(_path(line, x_axis, y_axis), names.index(line.name), line.faint) for line in drawn],
        x_ticks=[(100 * place, words) for place, words in x_axis.ticks],
        y_ticks=[(HEIGHT * (1 - place), words) for place, words in y_axis.ticks],
        mark=None if mark is None else (100 * x_axis.place(mark.x), HEIGHT * (1 - y_axis.place(mark.y)), mark.text),
    )


def scatter(x: Array, y: Array, alt: str) -> Markup:
    """A picture of points `(n,)` each, finite, n >= 1, with a line at y = 0."""
    x_axis, y_axis = axis_of(x), axis_of(np.concatenate([y, -y]))
    return render(
        _SCATTER,
        height=HEIGHT + 70,
        alt=alt,
        points=[(100 * x_axis.place(a), (HEIGHT + 70) * (1 - y_axis.place(b))) for a, b in zip(x, y, strict=True)],
        x_ticks=[(100 * place, words) for place, words in x_axis.ticks],
        y_ticks=[((HEIGHT + 70) * (1 - place), words) for place, words in y_axis.ticks],
        zero=(HEIGHT + 70) * (1 - y_axis.place(0.0)),
    )


def logarithmic_axis(low: float, high: float, words: Callable[[float], str] = plain) -> Axis:
    """An axis from `low` to `high`, both positive, with a little room and ticks at powers of ten."""
    low, high = low / 1.15, high * 1.15
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    decades = math.log10(high / low)
    factors = (1.0,) if decades > 3 else (1.0, 3.0)
    every = max(1, round(decades / 5))
    values = [factor * 10.0**power for power in powers if power % every == 0 for factor in factors]
    span = math.log(high / low)
    ticks = tuple((math.log(one / low) / span, words(one)) for one in values if low <= one <= high)
    return Axis(low, high, logarithmic=True, ticks=ticks)


def _path(line: Line, x_axis: Axis, y_axis: Axis) -> str:
    points = [
        f"{_BOX * x_axis.place(x):.1f} {_BOX * (1 - y_axis.place(y)):.1f}" for x, y in zip(line.x, line.y, strict=True)
    ]
    if len(points) == 1:
        points.append(points[0])  # a round cap makes a dot of it
    return "M" + "L".join(points)


_LINES = """
<div class="chart" role="img" aria-label="{{ alt }}">
{% if names %}<p class="legend" aria-hidden="true">
{% for name in names %}<span class="key line{{ loop.index0 % 4 }}">{{ name }}</span>{% endfor %}</p>{% endif %}
<div class="plot" aria-hidden="true">
<svg class="scale" height="{{ height + 34 }}">
{% for y, words in y_ticks %}
<text x="100%" y="{{ (y + 14)|round(1) }}" text-anchor="end">{{ words }}</text>
{% endfor %}
</svg>
<svg class="field" height="{{ height + 34 }}">
{% for y, words in y_ticks %}
<line class="grid" x1="0" x2="100%" y1="{{ (y + 10)|round(1) }}" y2="{{ (y + 10)|round(1) }}"/>
{% endfor %}
{% if mark %}
<line class="best" x1="{{ mark[0]|round(2) }}%" x2="{{ mark[0]|round(2) }}%" y1="10" y2="{{ height + 10 }}"/>
{% endif %}
<svg y="10" width="100%" height="{{ height }}" viewBox="0 0 1000 1000" preserveAspectRatio="none" overflow="visible">
{% for path, number, faint in paths %}
<path class="line{{ number % 4 }}{{ ' faint' if faint }}" d="{{ path }}"/>
{% endfor %}
</svg>
{% if mark %}
<circle class="best" cx="{{ mark[0]|round(2) }}%" cy="{{ (mark[1] + 10)|round(1) }}" r="4"/>
<text class="best" x="{{ mark[0]|round(2) }}%" y="{{ (mark[1] + (30 if mark[1] < height / 2 else -2))|round(1) }}"
 {% if mark[0] > 55 %}text-anchor="end" dx="-8"{% else %}dx="8"{% endif %}>{{ mark[2] }}</text>
{% endif %}
{% for x, words in x_ticks %}
<text x="{{ x|round(2) }}%" y="{{ height + 29 }}"
 text-anchor="{{ 'start' if x < 4 else 'end' if x > 96 else 'middle' }}">{{ words }}</text>
{% endfor %}
</svg>
</div>
</div>
"""

_SCATTER = """
<div class="chart" role="img" aria-label="{{ alt }}">
<div class="plot" aria-hidden="true">
<svg class="scale" height="{{ height + 34 }}">
{% for y, words in y_ticks %}
<text x="100%" y="{{ (y + 14)|round(1) }}" text-anchor="end">{{ words }}</text>
{% endfor %}
</svg>
<svg class="field" height="{{ height + 34 }}">
{% for y, words in y_ticks %}
<line class="grid" x1="0" x2="100%" y1="{{ (y + 10)|round(1) }}" y2="{{ (y + 10)|round(1) }}"/>
{% endfor %}
<line class="best" x1="0" x2="100%" y1="{{ (zero + 10)|round(1) }}" y2="{{ (zero + 10)|round(1) }}"/>
{% for x, y in points %}
<circle class="point" cx="{{ x|round(2) }}%" cy="{{ (y + 10)|round(1) }}" r="2.5"/>
{% endfor %}
{% for x, words in x_ticks %}
<text x="{{ x|round(2) }}%" y="{{ height + 29 }}"
 text-anchor="{{ 'start' if x < 4 else 'end' if x > 96 else 'middle' }}">{{ words }}</text>
{% endfor %}
</svg>
</div>
</div>
"""
