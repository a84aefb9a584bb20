"""What is taken for what: the confusion matrix as a map, and the most frequent confusions as a list."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from stepwell.judge.scores import Table
from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render
from stepwell.schema import Array

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
    true, answered, counts = _cells(table)
    totals = np.bincount(true, weights=counts, minlength=len(table.classes))
    shares = counts / totals[true]
    whole = len(table.classes) <= MOST
    wrong = np.flatnonzero(true != answered)
    order = wrong[np.lexsort((-shares[wrong], -counts[wrong]))][: _LISTED if whole else _LISTED_ALONE]
    named = [(table.classes[i], table.classes[j]) for i, j in zip(true[order], answered[order], strict=True)]
    return render(
        _TEMPLATE,
        whole=whole,
        classes=table.classes,
        rows=_rows(table, totals) if whole else [],
        pairs=[
            (*names, counts[at], totals[true[at]], shares[at]) for names, at in zip(named, order.tolist(), strict=True)
        ],
        wrong=counts[wrong].sum(),
        n=counts.sum(),
        upright=max(len(name) for name in table.classes) > 3,
        count=wording.count,
        percent=wording.percent,
    )


def _cells(table: Table) -> tuple[Array, Array, Array]:
    """The true class, the answered class and the count of every cell that is not 0."""
    if table.rows:
        counts = np.array(table.rows, dtype=np.float64)
        true, answered = np.nonzero(counts)
        return true, answered, counts[true, answered]
    cells = np.array(table.cells, dtype=np.float64).reshape(-1, 3)
    return cells[:, 0].astype(np.int64), cells[:, 1].astype(np.int64), cells[:, 2]


def _rows(table: Table, totals: Array) -> list[tuple[str, float, list[tuple[float, Markup, str]]]]:
    """The whole matrix to be drawn: for each true class its name, its examples, and the cells."""
    rows = []
    for i, (name, counts, total) in enumerate(zip(table.classes, table.rows, totals.tolist(), strict=True)):
        cells = [
            (count, _color(count / total if total else 0.0, right=i == j), table.classes[j])
            for j, count in enumerate(counts)
        ]
        rows.append((name, total, cells))
    return rows


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
