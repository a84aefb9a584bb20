"""What the task itself tells of the data and the network, in tables."""

from __future__ import annotations

from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 58
TITLE = "Also measured"


def section(facts: Facts) -> str | None:
    """A table each; None where nothing is told, or none of it may be shown."""
    told = [] if facts.scores is None else [one for one in facts.scores.asides if facts.examples or not one.apart]
    return render(_TEMPLATE, told=told) if told else None


_TEMPLATE = """
{% for one in told %}
<h3>{{ one.title }}</h3>
<p>{{ one.says }}</p>
{% if one.rows %}
<div class="scroll" tabindex="0"><table>
{% if one.head %}<thead><tr>{% for cell in one.head %}<th>{{ cell }}</th>{% endfor %}</tr></thead>{% endif %}
<tbody>
{% for row in one.rows %}
<tr>{% for cell in row %}{% if loop.first %}<th scope="row">{{ cell }}</th>{% else %}<td>{{ cell }}</td>{% endif %}
{%- endfor %}</tr>
{% endfor %}
</tbody></table></div>
{% endif %}
{% endfor %}
"""
