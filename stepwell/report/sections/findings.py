"""What was found in the data and in training: three shown, worst first, all kept under a fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from stepwell.report.facts import Facts
from stepwell.report.markup import render
from stepwell.schema import Finding

ORDER = 80
TITLE = "Findings"

SHOWN = 3
_SEVERITY = {1: "notice", 2: "harmful", 3: "stop and fix"}
_PLACES = ("file", "path", "unit", "id")
"""Places that name examples: left out where no examples may be shown."""


def section(facts: Facts) -> str | None:
    """The findings, or one sentence that there are none."""
    page = _PAGE if facts.watched else ""
    if not facts.findings:
        return render(f"<p>Nothing was found that stands in the way of these numbers.</p>{page}")
    ordered = sorted(facts.findings, key=lambda one: -one.severity)
    return render(
        _TEMPLATE + page,
        shown=_listed(ordered[:SHOWN], examples=facts.examples),
        rest=_listed(ordered[SHOWN:], examples=facts.examples),
        more=len(ordered) - SHOWN,
    )


def _listed(findings: Sequence[Finding], *, examples: bool) -> Markup:
    return Markup().join(
        render(
            _FINDING,
            one=one,
            severity=_SEVERITY[one.severity],
            examples=examples,
            where=_pairs({key: value for key, value in one.where.items() if examples or key not in _PLACES}),
            evidence=_pairs(one.evidence) if examples else "",
            title=one.name.replace("_", " "),
        )
        for one in findings
    )


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {_words(value)}" for key, value in values.items())


def _words(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return f"({_pairs({str(key): one for key, one in value.items()})})"
    if isinstance(value, list | tuple):
        return ", ".join(_words(one) for one in value)
    return str(value)


_FINDING = """
<article class="finding severity{{ one.severity }}">
<h3><span class="badge">{{ severity }}</span> {{ title }}</h3>
{% if examples %}<p>{{ one.message }}</p>{% endif %}
<dl>
{% if where %}<dt>Where</dt><dd>{{ where }}</dd>{% endif %}
{% if one.why %}<dt>Why it matters</dt><dd>{{ one.why }}</dd>{% endif %}
{% if one.remedy %}<dt>What to do</dt><dd>{{ one.remedy }}</dd>{% endif %}
{% if evidence %}<dt>Evidence</dt><dd>{{ evidence }}</dd>{% endif %}
{% if examples and one.examples %}<dt>For instance</dt><dd>
{% for id in one.examples[:5] %}<code>{{ id }}</code> {% endfor %}</dd>{% endif %}
{% if one.refuted_by %}<dt>Refuted by</dt><dd>{{ one.refuted_by }}</dd>{% endif %}
</dl>
</article>
"""

_PAGE = '<p class="small">What was read of the training itself: <a href="doctor.html">the doctor\'s page</a>.</p>'

_TEMPLATE = """
{{ shown }}
{% if more > 0 %}<details><summary>{{ more }} more</summary>{{ rest }}</details>{% endif %}
"""
