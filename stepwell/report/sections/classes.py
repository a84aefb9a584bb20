"""Scores of each class with their intervals and their n; where there are many classes, the weakest first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from markupsafe import Markup

from stepwell.judge.scores import About, Scores
from stepwell.report import wording
from stepwell.report.facts import Facts
from stepwell.report.markup import render
from stepwell.schema import Score

ORDER = 50
TITLE = "Class by class"

MANY = 40
"""With more classes than this, only the weakest are shown, and all lie under a fold."""

MOST = 1000
"""Classes that a page lists at most."""

_WEAKEST = 15


def section(facts: Facts) -> str | None:
    """A table, one row a class; None where there are no per-class scores."""
    scores = facts.scores
    if scores is None or not any(scores.per_class.values()):
        return None
    names = _classes(scores)
    last = list(scores.per_class)[-1]
    weakest = _weakest_first(names, scores.per_class[last], scores.metrics[last])[:_WEAKEST]
    many = len(names) > MANY
    return render(
        _TEMPLATE,
        shown=_table(scores, weakest if many else names),
        whole=_table(scores, names[:MOST]) if many else None,
        left=wording.count(len(names) - MOST) if len(names) > MOST else "",
        classes=wording.count(len(names)),
        weakest=len(weakest),
        last=scores.metrics[last].title,
        kinds=[(scores.metrics[metric].title, scores.metrics[metric].better) for metric in scores.per_class],
        level=wording.percent(scores.interval.level),
    )


def _classes(scores: Scores) -> list[str]:
    tables = [table.classes for table in scores.tables.values()]
    named = [name for one in scores.per_class.values() for name in one]
    return list(dict.fromkeys([*(name for classes in tables for name in classes), *named]))


def _weakest_first(names: Sequence[str], found: Mapping[str, Score], about: About) -> list[str]:
    sign = 1 if about.direction == "max" else -1
    return sorted((name for name in names if name in found), key=lambda name: sign * found[name].value)


def _table(scores: Scores, names: Sequence[str]) -> Markup:
    rows = [
        (name, [_cell(one.get(name), scores.metrics[metric]) for metric, one in scores.per_class.items()])
        for name in names
    ]
    return render(_TABLE, rows=rows, titles=[scores.metrics[metric].title for metric in scores.per_class])


def _cell(score: Score | None, about: About) -> tuple[str, str, str] | None:
    if score is None:
        return None
    return wording.value(score.value, about, score.n), wording.interval(score, about), wording.count(score.n)


_TABLE = """
<div class="scroll" tabindex="0">
<table>
<thead><tr><th>class</th>{% for title in titles %}<th class="num">{{ title }}</th>{% endfor %}</tr></thead>
<tbody>
{% for name, cells in rows %}
<tr><th scope="row" class="name">{{ name }}</th>
{% for cell in cells %}
<td class="num">{% if cell %}{{ cell[0] }}<small>{{ cell[1] }}, n&nbsp;{{ cell[2] }}</small>{% else %}–{% endif %}</td>
{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
</div>
"""

_TEMPLATE = """
<p>Below each value its {{ level }} interval, and n, the examples it rests on: few examples, wide interval.
A dash: undefined, because there was no such example or answer.</p>
{% if whole is not none %}<p>The {{ weakest }} classes with the weakest {{ last }}:</p>{% endif %}
{{ shown }}
{% if whole is not none %}
<details><summary>All {{ classes }} classes{% if left %} but {{ left }}, which are in scores.json{% endif -%}
</summary>{{ whole }}</details>
{% endif %}
<dl class="small">
{% for title, better in kinds %}<dt>{{ title }}</dt><dd>{{ better }}</dd>{% endfor %}
</dl>
"""
