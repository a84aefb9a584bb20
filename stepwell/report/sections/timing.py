"""Where the time went."""

from __future__ import annotations

from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 120
TITLE = "Timing"


def section(facts: Facts) -> str | None:
    """A bar a stage; None where the clock was not read."""
    stages = facts.timings.stages
    if not stages:
        return None
    longest = max(max(stages.values()), 1e-9)
    total = facts.timings.seconds
    peak = facts.timings.peak_memory_bytes
    return render(
        _TEMPLATE,
        rows=[(stage, wording.duration(seconds), 100 * seconds / longest) for stage, seconds in stages.items()],
        total=wording.duration(total) if total is not None else "",
        peak=wording.memory(peak) if peak is not None else "",
    )


_TEMPLATE = """
<p>{% if total %}{{ total }} in all, until this page was drawn
{%- if peak %}; at most {{ peak }} of memory{% endif %}. {% endif -%}
A bar is the wall time of a stage.</p>
<table class="timing">
{% for stage, seconds, share in rows %}
<tr><th scope="row">{{ stage }}</th><td class="bar"><svg height="12" aria-hidden="true">
<rect width="{{ share|round(2) }}%" height="12" rx="2"/></svg></td><td class="num">{{ seconds }}</td></tr>
{% endfor %}
</table>
"""
