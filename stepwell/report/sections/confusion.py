"""What is taken for what: the confusion matrix as a map, and the most frequent confusions as a list."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from stepwell.judge.scores import Table
from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 40
TITLE = "What is taken for what"

MOST = 30
"""Up to so many classes the whole matrix is drawn."""

_LISTED, _LISTED_ALONE = 5, 20
_DARKEST = 0.55  # share of the color in a full cell; more, and words on it are hard to read


def section(facts: Facts) -> str | None:
    """Every table of class by class; None where there is none."""
    if facts.scores is None or not facts.scores.tables:
        return None
    return Markup().join(_table(table) for table in facts.scores.tables.values() if table.classes)


def _table(table: Table) -> Markup:
    counts = np.array(table.rows, dtype=np.float64)
    totals = counts.sum(axis=1)
    shares = np.divide(counts, totals[:, None], out=np.zeros_like(counts), where=totals[:, None] > 0)
    errors = counts - np.diag(np.diag(counts))
    whole = len(table.classes) <= MOST
    order = np.lexsort((-shares.ravel(), -errors.ravel()))[: _LISTED if whole else _LISTED_ALONE]
    pairs = [divmod(int(at), len(table.classes)) for at in order if errors.flat[at] > 0]
    rows = [
        (
            name,
            totals[i],
            [(counts[i, j], _color(shares[i, j], right=i == j), other) for j, other in enumerate(table.classes)],
        )
        for i, name in enumerate(table.classes)
    ]
    return render(
        _TEMPLATE,
        whole=whole,
        classes=table.classes,
        rows=rows if whole else [],
        pairs=[(table.classes[i], table.classes[j], counts[i, j], totals[i], shares[i, j]) for i, j in pairs],
        wrong=errors.sum(),
        n=counts.sum(),
        upright=max(len(name) for name in table.classes) > 3,
        count=wording.count,
        percent=wording.percent,
    )


def _color(share: float, *, right: bool) -> Markup:
    """The background of a cell; errors are lifted by a cube root, so that a few are seen among many right ones."""
    if share == 0:
        return Markup("")
    alpha = _DARKEST * (share if right else float(np.cbrt(share)))
    return Markup('style="background:rgb(var(--{}) / {:.3f})"').format("hit" if right else "miss", alpha)


_TEMPLATE = """
{% if whole %}
<p>A row is a true class, a column the answer given; blue is right, orange wrong, and a color is as strong as the
share of its row. {{ count(wrong) }} of {{ count(n) }} answers are wrong.</p>
<div class="scroll" tabindex="0">
<table class="matrix{{ ' upright' if upright }}">
<thead><tr><td></td>{% for name in classes %}<th scope="col"><span>{{ name }}</span></th>{% endfor %}
<th scope="col" class="total"><span>n</span></th></tr></thead>
<tbody>
{% for name, total, cells in rows %}
<tr><th scope="row"><span>{{ name }}</span></th>
{% for number, color, other in cells %}
<td {{ color }} title="{{ name }} answered as {{ other }}: {{ count(number) }} of {{ count(total) }}">
{%- if number %}{{ count(number) }}{% else %}<span class="zero">·</span>{% endif %}</td>
{% endfor %}<td class="total">{{ count(total) }}</td></tr>
{% endfor %}
</tbody>
</table>
</div>
{% else %}
<p>{{ count(wrong) }} of {{ count(n) }} answers are wrong. With {{ classes|length }} classes the matrix is too large
to look at; its most frequent confusions are these (the whole of it is in scores.json).</p>
{% endif %}
{% if pairs %}
<h3>Most frequent confusions</h3>
<ol class="pairs">
{% for actual, answered, number, total, share in pairs %}
<li><b>{{ actual }}</b> answered as <b>{{ answered }}</b>: {{ count(number) }} of {{ count(total) }}
({{ percent(share) }})</li>
{% endfor %}
</ol>
{% else %}<p>There is no confusion: every answer is right.</p>
{% endif %}
"""
