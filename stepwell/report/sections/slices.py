"""Where the network is better or worse than elsewhere: its score on slices of the test examples."""

from __future__ import annotations

from stepwell.report import wording
from stepwell.report.dots import axis_for, difference_row, dots
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 54
TITLE = "Better here, worse there"

_DRAWN = 12
_CLEAR = 0.05


def section(facts: Facts) -> str | None:
    """The slices that stand furthest apart, as a picture and a table; None where there were none to compare."""
    scores = facts.scores
    if scores is None or scores.slices is None or not scores.slices.found or not facts.examples:
        return None
    slices, about = scores.slices, scores.metrics[scores.headline]
    drawn = slices.found[:_DRAWN]
    clear = sum(1 for one in slices.found if one.chance < _CLEAR)
    rows = [
        difference_row(
            f"{one.column}: {one.value}",
            one.gap,
            about,
            note=_note(one.score.n, one.chance),
            strong=one.chance < _CLEAR,
        )
        for one in drawn
    ]
    low, high = min(0.0, *(one.low for one in rows)), max(0.0, *(one.high for one in rows))
    return render(
        _TEMPLATE,
        about=about,
        examined=wording.count(slices.examined),
        columns=wording.count(slices.columns),
        passed_over=wording.count(slices.passed_over) if slices.passed_over else "",
        n=wording.count(slices.n),
        clear=clear,
        picture=dots(rows, axis_for(low, high, about, difference=True), zero=True),
        table=[
            {
                "column": one.column,
                "value": one.value,
                "n": wording.count(one.score.n),
                "score": (wording.value(one.score.value, about, one.score.n), wording.interval(one.score, about)),
                "gap": wording.difference(one.gap, about),
                "chance": _chance(one.chance),
            }
            for one in slices.found
        ],
    )


def _note(n: int, chance: float) -> str:
    return f"n {wording.count(n)}; " + (
        f"more than chance explains (p {_chance(chance)})" if chance < _CLEAR else "chance may be all there is"
    )


def _chance(chance: float) -> str:
    return "below 0.001" if chance < 0.001 else f"{chance:.2g}"


_TEMPLATE = """
<p>{{ examined }} slices of {{ columns }} columns were compared, each with all other examples ({{ n }} in all).
{% if clear %}{{ clear }} stand further apart than chance explains, were so many looked at.
{% else %}None stands further apart than chance explains where so many are looked at.{% endif %}
{% if passed_over %}{{ passed_over }} further columns were not looked at.{% endif %}</p>
<figure>
{{ picture }}
<figcaption>A dot is the {{ about.title }} of a slice minus that of all other examples, its bar the interval:
{{ 'right' if about.direction == 'max' else 'left' }} of the line the network is better there. Colored where
chance does not explain it (adjusted for the number of slices). A gap says where to look, not why it is
there.</figcaption>
</figure>
<details><summary>All slices shown with their scores</summary>
<div class="scroll" tabindex="0"><table>
<thead><tr><th>slice</th><th class="num">n</th><th class="num">{{ about.title }}</th><th class="num">gap</th>
<th class="num">p</th></tr></thead><tbody>
{% for row in table %}
<tr><th scope="row" class="name">{{ row.column }}: {{ row.value }}</th><td class="num">{{ row.n }}</td>
<td class="num">{{ row.score[0] }}<small>{{ row.score[1] }}</small></td>
<td class="num">{{ row.gap[0] }}<small>{{ row.gap[1] }}</small></td><td class="num">{{ row.chance }}</td></tr>
{% endfor %}
</tbody></table></div></details>
"""
