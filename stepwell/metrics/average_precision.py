"""Average precision: the precision at each positive example, going down by probability, averaged over them.

The area under the precision-recall curve as a step function, not interpolated. With two classes the second is
the positive one; with more it is the plain mean over the classes, each against the rest. Classes without
examples are left out; undefined (NaN) where none remains. Equal to `sklearn.metrics.average_precision_score`,
with `average="macro"` over the classes that occur. Weights of more than 50 classes: see `auroc`.
Source: Davis and Goadrich, ICML 2006.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stepwell.metrics import _placements, auroc
from stepwell.metrics._placements import Placements, Weighted
from stepwell.metrics.auroc import Rankings, Tallied
from stepwell.metrics.confusion_matrix import mean_of_defined, support_of_mean
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "average precision"
MEASURE = ""
HIGHER = "higher is better; 1 means that every positive example comes before every negative, their share is chance"
REPLICATES = 200

prepare = auroc.prepare
tally = auroc.tally


def score(state: Rankings | Placements, weight: Array | None) -> float:
    """The area, in [0, 1], or its mean over classes."""
    return worth(tally(state, weight))


def worth(tallied: Tallied) -> float:
    """The score that these counts make."""
    if isinstance(tallied, Weighted):
        return mean_of_defined(_placements.average_precisions(tallied))
    return mean_of_defined(np.array([_area(hits, false) for hits, false in tallied]))


def support(state: Rankings | Placements) -> float:
    """How many examples the area rests on: the positive ones; fewer than these together for a mean."""
    if isinstance(state, Placements):
        return support_of_mean(_placements.positive(state))
    return support_of_mean(np.array([one.positive.sum() for one in state]))


def limits(state: Rankings | Placements) -> tuple[float, float]:
    """From every positive example last to every one first."""
    return 0.0, 1.0


def _area(hits: Array, false: Array) -> float:
    if not len(hits) or hits[-1] <= 0:
        return float("nan")
    answered = hits + false
    precision = np.divide(hits, answered, out=np.zeros(len(hits)), where=answered > 0)
    return float(auroc.steps(hits) @ precision / hits[-1])
