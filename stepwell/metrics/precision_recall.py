"""Precision-recall curve: for every threshold, the precision of what is answered beside the share of it found.

With two classes the second is the positive one (`--positive`); with more, each class against the rest on a common
grid, and their mean. Classes without examples are left out; empty where none remains. Equal to
`sklearn.metrics.precision_recall_curve` at its points. Source: Davis and Goadrich, ICML 2006.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from stepwell.metrics import auroc, roc
from stepwell.metrics.confusion_matrix import ratio
from stepwell.metrics.roc import Ranked

DIRECTION: Literal["max", "min"] = "max"
KIND = "curve"
TITLE = "precision-recall curve"
MEASURE = "share"
HIGHER = "the nearer to the upper right corner the better; the share of positive examples is chance"

prepare = roc.prepare


def curve(state: Ranked) -> Mapping[str, list[float]]:
    """`recall`, rising to 1, and of the same length `precision`; empty where no class has examples.

    Of several classes `precision` is the mean, and that of each class stands beside it as `precision of <class>`.
    The point of no answers, whose precision is undefined, is not among them.
    """
    lines = {}
    for one, name in zip(state.rankings, state.classes, strict=True):
        hits, false = auroc.passed(one, None)
        if len(hits) and hits[-1] > 0:
            lines[name] = (hits / hits[-1], ratio(hits, hits + false))
    if not lines:
        return {}
    if len(state.rankings) == 1:
        across, up = roc.thinned(*next(iter(lines.values())))
        return {"recall": across.tolist(), "precision": up.tolist()}
    grid = np.linspace(0.0, 1.0, roc.POINTS)
    # A recall between two points is reached at the later one: precision is a step function of it.
    ups = {name: line[1][np.searchsorted(line[0], grid - 1e-12)] for name, line in lines.items()}
    mean = np.mean(list(ups.values()), axis=0)
    each = {f"precision of {name}": up.tolist() for name, up in ups.items()} if len(ups) <= roc.SHOWN else {}
    return {"recall": grid.tolist(), "precision": mean.tolist(), **each}
