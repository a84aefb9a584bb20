"""Balanced accuracy: the mean of the recalls, so that every class counts the same, however rare.

Classes without examples are left out; undefined (NaN) without any example. Equal to
`sklearn.metrics.balanced_accuracy_score`.
"""

from __future__ import annotations

from typing import Literal

from stepwell.metrics import confusion_matrix, recall
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "balanced accuracy"
MEASURE = "share"
HIGHER = (
    "higher is better; 100 % means that every class was found whole, one divided by the number of classes is guessing"
)

prepare = confusion_matrix.prepare
tally = confusion_matrix.tally
smoothed = confusion_matrix.smoothed


def score(state: Answers, weight: Array | None) -> float:
    """The mean over classes, in [0, 1]."""
    return worth(tally(state, weight))


def worth(counts: Counts) -> float:
    """The score that these counts make."""
    return confusion_matrix.mean_of_defined(recall.worth(counts))


def support(state: Answers) -> float:
    """How many examples the mean rests on: fewer than there are where classes differ in size."""
    return confusion_matrix.support_of_mean(recall.support(state))


def limits(state: Answers) -> tuple[float, float]:
    """From nothing right to everything."""
    return 0.0, 1.0
