"""What this was trained on: versions, machine, threads; the first thing to compare where numbers differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 110
TITLE = "Environment"


def section(facts: Facts) -> str | None:
    """A list of facts; None where none were written."""
    if not facts.environment:
        return None
    rows = [(key.replace("_", " "), _words(key, value)) for key, value in facts.environment.items()]
    return render(_TEMPLATE, rows=[row for row in rows if row[1]])


def _words(key: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int) and "memory" in key:
        return wording.memory(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {words}" for name, one in value.items() if (words := _words(str(name), one)))
    if isinstance(value, list | tuple):
        return "; ".join(_words(key, one) for one in value)
    return str(value)


_TEMPLATE = """
<dl class="facts">
{% for key, value in rows %}<dt>{{ key }}</dt><dd>{{ value }}</dd>{% endfor %}
</dl>
"""
