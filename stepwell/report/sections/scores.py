"""Every score that is one number, beside the baselines' and the paired difference to the best of them."""

from __future__ import annotations

from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 20
TITLE = "All scores"


def section(facts: Facts) -> str | None:
    """A table, one row a metric; None where nothing was judged."""
    scores = facts.scores
    if scores is None or not scores.scores:
        return None
    best = wording.best_rival(scores)
    rows = []
    for name, score in scores.scores.items():
        about = scores.metrics[name]
        rivals = [one.scores.get(name) for one in scores.baselines.values()]
        difference = scores.baselines[best].differences.get(name) if best is not None else None
        rows.append(
            {
                "title": about.title,
                "better": about.better,
                "cells": [
                    (wording.value(one.value, about, one.n), wording.interval(one, about)) if one else None
                    for one in (score, *rivals)
                ],
                "difference": wording.difference(difference, about) if difference else None,
            }
        )
    return render(
        _TEMPLATE,
        rows=rows,
        rivals=list(scores.baselines),
        best=best,
        n=wording.count(scores.n),
        part=scores.part,
        looks=wording.looks(scores),
        few=wording.few(scores),
        positive=wording.positive(scores, facts.recipe),
    )


_TEMPLATE = """
<p>Each value stands with its interval; all rest on the same {{ n }} {{ part }} examples.
{% if best is not none %}The last column is network minus {{ best }}, taken pair by pair on the same examples:
where its interval holds 0, chance may be all there is.{% endif %}{% if looks %} {{ looks }}{% endif %}
{% if few %} {{ few }}{% endif %}
{% if positive %} {{ positive }}{% endif %}</p>
<div class="scroll" tabindex="0">
<table{% if rivals|length > 2 %} class="tight"{% endif %}>
<thead><tr><th>metric</th><th class="num">network</th>
{% for name in rivals %}<th class="num">{{ name }}</th>{% endfor %}
{% if best is not none %}<th class="num">difference</th>{% endif %}</tr></thead>
<tbody>
{% for row in rows %}
<tr><th scope="row">{{ row.title }}</th>
{% for cell in row.cells %}
<td class="num">{% if cell %}{{ cell[0] }}<small>{{ cell[1] }}</small>{% else %}–{% endif %}</td>
{% endfor %}
{% if best is not none %}<td class="num">
{%- if row.difference %}{{ row.difference[0] }}<small>{{ row.difference[1] }}</small>{% endif %}</td>{% endif %}</tr>
{% endfor %}
</tbody>
</table>
</div>
<dl class="small">
{% for row in rows %}<dt>{{ row.title }}</dt><dd>{{ row.better }}</dd>{% endfor %}
</dl>
"""
