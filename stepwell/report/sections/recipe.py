"""The full recipe: every setting, and where it came from."""

from __future__ import annotations

from typing import Any

from stepwell import recipe as recipes
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 100
TITLE = "The recipe"


def section(facts: Facts) -> str | None:
    """One table, a group of rows a section of the recipe; None where it is not frozen yet."""
    if facts.recipe is None:
        return None
    groups: dict[str, list[tuple[str, str, str, str]]] = {}
    for path, value in recipes.flat(facts.recipe).items():
        origin = facts.recipe.origins[path]
        head, _, rest = path.partition(".")
        groups.setdefault(head, []).append((rest, _words(value), origin.kind, origin.detail))
    return render(
        _TEMPLATE,
        groups=groups,
        given=sum(1 for origin in facts.recipe.origins.values() if origin.kind not in ("default", "auto")),
        decided=sum(1 for origin in facts.recipe.origins.values() if origin.kind == "auto"),
        defaults=sum(1 for origin in facts.recipe.origins.values() if origin.kind == "default"),
        command=str(facts.state.get("command", "")) if facts.examples else "",
    )


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return ", ".join(_words(one) for one in value) or "none"
    return str(value)


_TEMPLATE = """
<p>Every setting of this run and its origin: {{ given }} given by recipe, flag or argument, {{ decided }} decided
automatically with the reason beside them, {{ defaults }} defaults (dimmed).</p>
{% if command %}<p class="command"><code>{{ command }}</code></p>{% endif %}
<div class="scroll" tabindex="0">
<table class="recipe">
<thead><tr><th>setting</th><th>value</th><th>origin</th></tr></thead>
{% for head, rows in groups.items() %}
<tbody>
{% for rest, value, kind, detail in rows %}
<tr class="{{ 'default' if kind == 'default' }}"><th scope="row">
{%- if rest %}<span class="head">{{ head }}.</span>{{ rest }}{% else %}{{ head }}{% endif %}</th>
<td class="value">{{ value }}</td><td>{{ kind }}{% if detail %}: {{ detail }}{% endif %}</td></tr>
{% endfor %}
</tbody>
{% endfor %}
</table>
</div>
"""
