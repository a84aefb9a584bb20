"""Several trainings of one run: folds, the members of an ensemble, or compared methods."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from stepwell.judge.scores import About
from stepwell.judge.trial import Trained, Trial
from stepwell.report import wording
from stepwell.report.dots import axis_for, difference_row, dots
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 14
TITLE = "Training by training"

_SAID = {
    "folds": "Every example was judged by the one network that had not seen it; how far the folds differ says how "
    "much a single training depends on its share of the data.",
    "ensemble": "“Together” is the score of all members up to that line.",
    "comparison": "Each was trained on the same data with the same budget, and judged on the same examples.",
}


def section(facts: Facts) -> str | None:
    """A table, one row a training; None for a run of one."""
    scores = facts.scores
    if scores is None or scores.trial is None:
        return None
    trial, metric = scores.trial, scores.trial.metric or scores.headline
    about = scores.metrics[metric]
    spread = trial.spread.get(metric) if trial.kind != "comparison" else None  # methods are no sample of anything
    rivals = [one for one in trial.members if metric in one.differences]
    return render(
        _TEMPLATE,
        said=_SAID[trial.kind],
        note=trial.note,
        chosen=trial.chosen,
        title=about.title,
        rows=[_row(one, metric, about, trial) for one in trial.members],
        together=any(one.together for one in trial.members),
        differences=bool(rivals),
        first=trial.members[0].name if trial.members else "",
        picture=_picture(rivals, metric, about) if rivals else "",
        better="right" if about.direction == "max" else "left",
        spread=None
        if spread is None
        else {
            "n": wording.count(spread.n),
            "mean": wording.value(spread.mean, about, scores.n),
            "deviation": wording.value(spread.deviation, about, scores.n),
            "lowest": wording.value(spread.lowest, about, scores.n),
            "highest": wording.value(spread.highest, about, scores.n),
        },
    )


def _picture(rivals: Sequence[Trained], metric: str, about: About) -> Markup:
    """The differences to the first, colored where the interval leaves out 0."""
    rows = []
    for one in rivals:
        score = one.differences[metric]
        rows.append(difference_row(one.name, score, about, strong=not score.low <= 0.0 <= score.high))
    low, high = min(0.0, *(one.low for one in rows)), max(0.0, *(one.high for one in rows))
    return dots(rows, axis_for(low, high, about, difference=True), zero=True)


def _row(one: Trained, metric: str, about: About, trial: Trial) -> dict[str, object]:
    def said(values: object) -> str:
        found = values.get(metric) if hasattr(values, "get") else None
        return "–" if found is None else wording.value(found, about, one.n)

    difference = one.differences.get(metric)
    return {
        "name": one.name,
        "chosen": one.name == trial.chosen,
        "n": wording.count(one.n),
        "score": said(one.scores),
        "together": said(one.together),
        "difference": wording.difference(difference, about) if difference is not None else None,
    }


_TEMPLATE = """
<p>{{ said }}{% if note %} {{ note[:1]|upper }}{{ note[1:] }}{{ "" if note[-1] == "." else "." }}{% endif %}</p>
{% if picture %}<figure>
{{ picture }}
<figcaption>A dot is the {{ title }} of a method minus that of “{{ first }}”, example by example, its bar the interval:
{{ better }} of the line the method is better. Where the bar reaches over the line (gray), chance may be all there
is.</figcaption>
</figure>{% endif %}
<div class="scroll" tabindex="0">
<table>
<thead><tr><th>training</th><th class="num">n</th><th class="num">{{ title }}</th>
{% if together %}<th class="num">together</th>{% endif %}
{% if differences %}<th class="num">difference to {{ first }}</th>{% endif %}</tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row" class="name">{{ row.name }}{% if row.chosen %} <span class="badge">exported</span>{% endif %}</th>
<td class="num">{{ row.n }}</td><td class="num">{{ row.score }}</td>
{% if together %}<td class="num">{{ row.together }}</td>{% endif %}
{% if differences %}<td class="num">{% if row.difference %}{{ row.difference[0] }}<small>{{ row.difference[1] }}</small>
{%- else %}–{% endif %}</td>{% endif %}</tr>
{% endfor %}
</tbody>
</table>
</div>
{% if spread %}<p class="small">Over {{ spread.n }} trainings: mean {{ spread.mean }}, standard deviation
{{ spread.deviation }}, from {{ spread.lowest }} to {{ spread.highest }}.</p>{% endif %}
"""
