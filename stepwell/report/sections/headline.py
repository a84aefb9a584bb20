"""The headline score beside its baselines, as a picture and in words."""

from __future__ import annotations

from stepwell.judge.scores import About, Scores
from stepwell.report import wording
from stepwell.report.charts import Axis
from stepwell.report.dots import axis_for, dots, row
from stepwell.report.facts import Facts
from stepwell.report.markup import render
from stepwell.schema import Score

ORDER = 10
TITLE = "The score"

_FAR = 3.0
"""A rival further away than this many times the span of the network and its best rival is only pointed at."""


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
    return render(
        _TEMPLATE,
        told=told,
        picture=dots(
            [row(name, one, about, note=note, strong=not number) for number, (name, note, one) in enumerate(systems)],
            axis,
        ),
        about=about,
        level=wording.percent(scores.interval.level),
        drawn=wording.drawn(scores.interval, about),
        n=wording.count(scores.n),
        part=scores.part,
    )


def _systems(scores: Scores, score: Score) -> list[tuple[str, str, Score]]:
    """Name, note and headline score of the network and of each baseline that has one."""
    rivals = []
    for name, one in scores.baselines.items():
        if scores.headline in one.scores:
            seen = wording.count(one.n)
            said = f"{seen} training examples" in one.note
            note = one.note if said else "; ".join(filter(None, (one.note, f"trained on {seen} examples")))
            rivals.append((name, note, one.scores[scores.headline]))
    return [("network", "", score), *rivals]


def _axis(scores: Scores, systems: list[tuple[str, str, Score]], about: About) -> Axis:
    """An axis that holds the network and its best rival, and the others where they are not far off."""
    best = wording.best_rival(scores)
    core = [one for name, _, one in (systems[0], *(row for row in systems[1:] if row[0] == best))]
    low, high = min(one.low for one in core), max(one.high for one in core)
    span = high - low
    near = [one for _, _, one in systems if low - _FAR * span <= one.value <= high + _FAR * span]
    low, high = min(one.low for one in near), max(one.high for one in near)
    return axis_for(low, high, about)


_TEMPLATE = """
<p class="verdict">{{ told.network }} {{ told.rival }} {{ told.comparison }}</p>
<figure>
{{ picture }}
<figcaption>A dot is the {{ about.title }} on the same {{ n }} {{ part }} examples, its bar the {{ level }} interval
({{ drawn }}): where other examples of the same kind would likely put it.
{{ about.better[:1]|upper }}{{ about.better[1:] }}.</figcaption>
</figure>
"""
