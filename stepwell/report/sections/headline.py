"""The headline score beside its baselines, as a picture and in words."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.judge.scores import About, Scores
from stepwell.report import wording
from stepwell.report.charts import Axis, linear_axis
from stepwell.report.facts import Facts
from stepwell.report.markup import render
from stepwell.schema import Score

ORDER = 10
TITLE = "The score"

_FAR = 3.0
"""A rival further away than this many times the span of the network and its best rival is only pointed at."""


@dataclass(frozen=True)
class Row:
    """One line of the picture: places are percent of the width; `beyond` is "left" or "right" where it is off it."""

    name: str
    note: str
    text: str
    network: bool
    low: float
    value: float
    high: float
    beyond: str


def section(facts: Facts) -> str | None:
    """The picture and its sentences; None where nothing was judged."""
    scores = facts.scores
    if scores is None:
        return None
    told = wording.verdict(scores)
    score, about = scores.scores.get(scores.headline), scores.metrics[scores.headline]
    if score is None:
        return render("<p class='verdict'>{{ told }}</p>", told=str(told))
    systems = _systems(scores, score)
    axis = _axis(scores, systems, about)
    unit = "groups" if scores.interval.by == "group" else "examples"
    return render(
        _TEMPLATE,
        told=told,
        rows=[
            _row(name, note, one, about, axis, network=not number) for number, (name, note, one) in enumerate(systems)
        ],
        ticks=[(100 * place, words) for place, words in axis.ticks],
        about=about,
        level=wording.percent(scores.interval.level),
        drawn=f"{wording.count(scores.interval.units)} {unit}",
        replicates=wording.count(scores.interval.replicates),
        n=wording.count(scores.n),
        part=scores.part,
    )


def _systems(scores: Scores, score: Score) -> list[tuple[str, str, Score]]:
    """Name, note and headline score of the network and of each baseline that has one."""
    rivals = []
    for name, one in scores.baselines.items():
        if scores.headline in one.scores:
            note = f"{one.note}; " if one.note else ""
            rivals.append((name, f"{note}trained on {wording.count(one.n)} examples", one.scores[scores.headline]))
    return [("network", "", score), *rivals]


def _axis(scores: Scores, systems: list[tuple[str, str, Score]], about: About) -> Axis:
    """An axis that holds the network and its best rival, and the others where they are not far off."""
    best = wording.best_rival(scores)
    core = [one for name, _, one in (systems[0], *(row for row in systems[1:] if row[0] == best))]
    low, high = min(one.low for one in core), max(one.high for one in core)
    span = high - low
    near = [one for _, _, one in systems if low - _FAR * span <= one.value <= high + _FAR * span]
    low, high = min(one.low for one in near), max(one.high for one in near)
    margin = 0.08 * (high - low)
    low, high = low - margin, high + margin
    if about.measure == "share":
        low, high = max(low, 0.0), min(high, 1.0)
    if about.measure != "share":
        return linear_axis(low, high)
    shares = linear_axis(100 * low, 100 * high, words=lambda one: f"{one:.4g} %")
    return Axis(low, high, logarithmic=False, ticks=shares.ticks)


def _row(name: str, note: str, score: Score, about: About, axis: Axis, *, network: bool) -> Row:
    beyond = "left" if score.value < axis.low else "right" if score.value > axis.high else ""
    return Row(
        name=name,
        note=note,
        text=f"{wording.value(score.value, about, score.n)} ({wording.interval(score, about)})",
        network=network,
        low=100 * axis.place(score.low),
        value=100 * axis.place(score.value),
        high=100 * axis.place(score.high),
        beyond=beyond,
    )


_TEMPLATE = """
<p class="verdict">{{ told.network }} {{ told.rival }} {{ told.comparison }}</p>
<figure>
<div class="dots">
{% for row in rows %}
<div class="who{{ ' network' if row.network }}"><b>{{ row.name }}</b> <span class="num">{{ row.text }}</span>
{% if row.note %}<small>{{ row.note }}</small>{% endif %}</div>
<div class="track{{ ' network' if row.network }}"><svg role="img" aria-label="{{ row.name }}: {{ row.text }}">
{% for place, words in ticks %}
<line class="grid" x1="{{ place|round(2) }}%" x2="{{ place|round(2) }}%" y1="0" y2="100%"/>
{% endfor %}
{% if row.beyond == "left" %}<text x="0" y="50%" dy="4">◂ further left</text>
{% elif row.beyond == "right" %}<text x="100%" y="50%" dy="4" text-anchor="end">further right ▸</text>
{% else %}
<line class="range" x1="{{ row.low|round(2) }}%" x2="{{ row.high|round(2) }}%" y1="50%" y2="50%"/>
<circle cx="{{ row.value|round(2) }}%" cy="50%" r="5"/>
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
<figcaption>A dot is the {{ about.title }} on the same {{ n }} {{ part }} examples, its bar the {{ level }} interval
({{ replicates }} resamples of {{ drawn }}): where other examples of the same kind would likely put it.
{{ about.better[:1]|upper }}{{ about.better[1:] }}.</figcaption>
</figure>
"""
