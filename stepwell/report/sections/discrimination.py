"""How well the classes are told apart at every threshold: the ROC and the precision-recall curve."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup

from stepwell.judge.scores import Scores
from stepwell.report import charts, wording
from stepwell.report.charts import Line
from stepwell.report.facts import Facts
from stepwell.report.markup import render

ORDER = 44
TITLE = "At every threshold"

_CURVES = (
    (
        "roc",
        "false_positive_rate",
        "true_positive_rate",
        "auroc",
        "Across: the others that are taken for the class; up: those of the class that are found; diagonal: guessing.",
    ),
    (
        "precision_recall",
        "recall",
        "precision",
        "average_precision",
        "Across: the share of the class that is found; up: how much of what is answered is right.",
    ),
)
"""Curve, what lies across, what lies up, the metric that is its area, and how it is read."""

_DIAGONAL = np.array([0.0, 1.0])


def section(facts: Facts) -> str | None:
    """Both curves beside each other; None where neither was measured."""
    scores = facts.scores
    if scores is None:
        return None
    panels = [
        _panel(scores, name, scores.curves[name], across, up, area, said)
        for name, across, up, area, said in _CURVES
        if scores.curves.get(name)
    ]
    if not panels:
        return None
    several = any(f"{up} of " in line for _, _, up, _, _ in _CURVES for one in scores.curves.values() for line in one)
    return render(
        _TEMPLATE,
        panels=panels,
        n=wording.count(scores.n),
        part=scores.part,
        several=several,
        positive=scores.positive,
    )


def _panel(
    scores: Scores, name: str, curve: Mapping[str, Sequence[float]], across: str, up: str, area: str, said: str
) -> Markup:
    title = scores.metrics[name].title
    x = np.asarray(curve[across])
    each = [Line(title, x, np.asarray(ys), faint=True) for key, ys in curve.items() if key.startswith(f"{up} of ")]
    drawn = [*each, Line(title, x, np.asarray(curve[up]))]
    if name == "roc":
        drawn.insert(0, Line(title, _DIAGONAL, _DIAGONAL, faint=True))
    axis = charts.linear_axis(0.0, 1.0, words=lambda one: f"{100 * one:.0f} %")
    score = scores.scores.get(area)
    measured = ""
    if score is not None:
        about = scores.metrics[area]
        measured = f"{about.title} {wording.value(score.value, about, score.n)} ({wording.interval(score, about)})"
    return render(
        _PANEL,
        title=title,
        measured=measured,
        said=said,
        picture=charts.lines(drawn, axis, axis, None, f"{title}. {measured}"),
    )


_PANEL = """
<figure class="panel"><h3>{{ title }} <small>{{ measured }}</small></h3>
{{ picture }}
<figcaption>{{ said }}</figcaption></figure>
"""

_TEMPLATE = """
<p>On {{ n }} {{ part }} examples{% if positive %}; the class is {{ positive }}, the other one stands for all
others{% endif %}.{% if several %} Bold is the mean over the classes, each against all others; thin is
each class.{% endif %}</p>
<div class="panels">{% for panel in panels %}{{ panel }}{% endfor %}</div>
"""
