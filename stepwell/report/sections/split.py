"""How the data were split, and for which reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 90
TITLE = "How the data were split"

_PURPOSE = {
    "train": "the network learned from it",
    "valid": "chose the best weights and settings",
    "test": "looked at once, for the scores above",
    "": "left out",
}
_REASONS = 8


def section(facts: Facts) -> str | None:
    """Sizes, groups and reasons; None where nothing was split yet."""
    split = facts.split
    if split is None:
        return None
    total = sum(split.examples.values())
    rows = [
        (part or "in no part", split.examples[part], split.groups[part], split.examples[part] / total, purpose)
        for part, purpose in _PURPOSE.items()
        if split.examples.get(part)
    ]
    options: Mapping[str, object] = facts.recipe.values.get("split", {}) if facts.recipe else {}
    reasons = _reasons(split.why)
    return render(
        _TEMPLATE,
        rows=rows,
        total=total,
        rule=options.get("name", ""),
        options=[(key, value) for key, value in wording.flat(options).items() if key != "name"],
        reasons=reasons.most_common(_REASONS),
        more=max(0, len(reasons) - _REASONS),
        grouped=any(split.groups[part] < count for part, count in split.examples.items()),
        count=wording.count,
        percent=wording.percent,
    )


def _reasons(why: Mapping[str, int]) -> Counter[str]:
    """Reasons without what is particular to one example (after a colon), counted."""
    counted: Counter[str] = Counter()
    for reason, count in why.items():
        counted[reason.partition(":")[0]] += count
    del counted[""]
    return counted


_TEMPLATE = """
<p>{{ count(total) }} examples{% if rule %} by the rule <code>{{ rule }}</code>
{% for key, value in options %}{{ '(' if loop.first }}{{ key }} {{ value }}{{ ')' if loop.last else ', ' }}{% endfor %}
{% endif %}. What belongs together (one unit, one group, the same content) lies in one part, so that nothing is
learned by heart and then asked for.</p>
<div class="scroll" tabindex="0">
<table>
<thead><tr><th>part</th><th class="num">examples</th><th class="num">share</th>
{% if grouped %}<th class="num">groups</th>{% endif %}<th>what for</th></tr></thead>
<tbody>
{% for part, examples, groups, share, purpose in rows %}
<tr><th scope="row">{{ part }}</th><td class="num">{{ count(examples) }}</td><td class="num">{{ percent(share) }}</td>
{% if grouped %}<td class="num">{{ count(groups) }}</td>{% endif %}<td>{{ purpose }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
{% if reasons %}<p class="small">Why examples lie where they do:
{% for reason, number in reasons %}{{ reason }} ({{ count(number) }}){{ '; ' if not loop.last }}{% endfor %}
{% if more %}; and {{ more }} more reasons in split.csv{% endif %}.</p>{% endif %}
"""
