"""How the network behaves where examples are changed on purpose, and whether its reasons are reasons."""

from __future__ import annotations

from stepwell.judge.scores import Behavior
from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render
from stepwell.schema import Score

ORDER = 55
TITLE = "Behavior under change"


def section(facts: Facts) -> str | None:
    """A table of the tests, and what leaving out the foremost parts costs; None where neither was tried."""
    scores = facts.scores
    if scores is None or not (scores.behavior or scores.reasons):
        return None
    about = scores.metrics[scores.headline]
    return render(
        _TEMPLATE,
        about=about,
        tests=[
            {
                "title": one.does.partition(":")[0],
                "says": one.does.partition(":")[2].strip() or one.does,
                "example": one.example,
                "n": f"{wording.count(one.n)} of {wording.count(one.looked)}",
                "expects": "stay" if one.expects == "same" else "turn",
                "met": _percent(one.met),
                "gap": wording.difference(one.gap, about) if one.gap is not None else None,
                "harmed": _harmed(one),
                "remedy": one.remedy,
                "examples": one.examples if facts.examples else (),
            }
            for one in scores.behavior
        ],
        command=f"stepwell train {facts.task} DATA",
        reasons=scores.reasons,
        share=wording.percent(scores.reasons.share) if scores.reasons else "",
        losses=[_percent(one) for one in (scores.reasons.foremost, scores.reasons.chance, scores.reasons.gap)]
        if scores.reasons
        else [],
        sound=scores.reasons is not None and scores.reasons.gap.low > 0,
    )


def _percent(score: Score | None) -> tuple[str, str] | None:
    """A share or a loss of probability, and its interval."""
    if score is None:
        return None
    low, high = (wording.percent(end) for end in (score.low, score.high))
    return wording.percent(score.value), f"{low} to {high}"


def _harmed(one: Behavior) -> bool:
    """Whether the change costs score beyond chance, or too many answers do not do what they should."""
    return (one.gap is not None and one.gap.high < 0) or (
        one.met is not None and one.expects == "other" and one.met.high < 0.5
    )


_TEMPLATE = """
{% if tests %}
<p>Test examples were changed in ways of which it is known what they should do to an answer. A change that should not
matter and costs score is a weakness that the score above does not show.</p>
<div class="scroll" tabindex="0"><table>
<thead><tr><th>change</th><th class="num">changed</th><th class="num">answers that do as they should</th>
<th class="num">{{ about.title }}</th></tr></thead><tbody>
{% for one in tests %}
<tr><th scope="row">{{ one.title }}<small>{{ one.says }}
{% if one.example %}({{ one.example | join(" → ") }}){% endif %}</small></th>
<td class="num">{{ one.n }}</td>
<td class="num">{% if one.met %}{{ one.met[0] }} {{ one.expects }}<small>{{ one.met[1] }}</small>
{% else %}too few to say{% endif %}</td>
<td class="num">{% if one.gap %}{{ one.gap[0] }}<small>{{ one.gap[1] }}</small>{% endif %}</td></tr>
{% endfor %}
</tbody></table></div>
{% for one in tests if one.harmed %}
<p>{{ one.title }}: {% if one.gap %}the change costs score beyond chance{% else %}less than half of the answers
turn{% endif %}. To try: <code>{{ command }} {{ one.remedy }}</code>
{% if one.examples %}<span class="small">(for instance {{ one.examples | join(", ") }})</span>{% endif %}</p>
{% endfor %}
{% endif %}
{% if reasons %}
<p>The parts that an answer is said to rest on (each left out in turn, through the artifact) were checked on
{{ reasons.n }} examples. Without the foremost {{ share }} of its parts the probability of an answer falls by
{{ losses[0][0] }} ({{ losses[0][1] }}), without as many drawn by chance by {{ losses[1][0] }} ({{ losses[1][1] }}), all
in percent of certainty; the difference is {{ losses[2][0] }} ({{ losses[2][1] }}).
{% if sound %}So these parts matter more than others.{% else %}So what is marked in the worst errors may be chance:
do not build on it.{% endif %}</p>
{% endif %}
"""
