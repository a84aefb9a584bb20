"""What healed this run: the changes that set it apart from the ill one, each with its proof."""

from __future__ import annotations

from stepwell.report import healing, wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 13
TITLE = "What healed it"


def section(facts: Facts) -> str | None:
    """The accepted changes with their proof, and both headlines; None for a run that healing did not make."""
    found = facts.healing
    if found is None:
        return None
    accepted = [one for one in found["tried"] if one["accepted"]]
    before, scores = found["before"], facts.scores
    both = None
    if scores is not None and scores.headline in before:
        about = scores.metrics[scores.headline]
        values = (before[scores.headline], scores.scores[scores.headline].value)
        both = (about.title, *(wording.value(one, about, scores.n) for one in values))
    return render(
        _TEMPLATE,
        ill=found["ill"] if facts.examples else "the ill run",
        findings=sorted({name for one in accepted for name in one["finding"].split(" and ")}),
        edits=found["edits"],
        tried=[healing.cells(one) for one in accepted],
        refused=len(found["tried"]) - len(accepted),
        picture=healing.picture(accepted),
        metric=found["metric"],
        both=both,
    )


_TEMPLATE = """
<p>This training is that of <code>{{ ill }}</code>, in which the doctor found
{% for one in findings %}<strong>{{ one.replace("_", " ") }}</strong>{{ ", " if not loop.last }}{% endfor %}, with
{% for one in edits %}<code>{{ one }}</code>{{ ", " if not loop.last }}{% endfor %}.
{% if both %}On the test part its {{ both[0] }} was {{ both[1] }}; here it is {{ both[2] }}. These two are one training
each; the proof is below.{% else %}The ill training came to no score.{% endif %}</p>
{% if picture %}<figure>
{{ picture }}
<figcaption>The lesser of the gains over no change and over a placebo, in {{ metric }} on the validation part; the bar
reaches down to the lower bound.</figcaption>
</figure>{% endif %}
<div class="scroll" tabindex="0"><table>
<thead><tr><th>change</th><th class="num">gain</th><th class="num">over placebo</th>
<th class="num">chance</th></tr></thead>
<tbody>
{% for row in tried %}<tr><th scope="row">{{ row.change }}<small>for {{ row.finding }}, from {{ row.from }}</small></th>
<td class="num">{{ row.gain }}</td><td class="num">{{ row.over }}</td><td class="num">{{ row.noise }}</td></tr>
{% endfor %}
</tbody></table></div>
<p class="small">Gains are means over seeds, in parentheses their lower bounds. {{ refused }} other
change{{ "" if refused == 1 else "s" }} did not hold; heal/heal.html of the ill run tells of all.</p>
"""
