"""Macro F1: the mean of F1 over the classes, so that every class counts the same, however rare.

Classes that have no examples and were never answered are left out; undefined (NaN) without any example.
Equal to `sklearn.metrics.f1_score` with `average="macro"` over the classes that occur.
"""

from __future__ import annotations

from typing import Literal

from stepwell.metrics import confusion_matrix, f1
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "macro F1"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that nothing was missed or wrongly answered in any class"

prepare = confusion_matrix.prepare
tally = confusion_matrix.tally
smoothed = confusion_matrix.smoothed


def score(state: Answers, weight: Array | None) -> float:
    """The mean over classes, in [0, 1]."""
    return worth(tally(state, weight))


def worth(counts: Counts) -> float:
    """The score that these counts make."""
    return confusion_matrix.mean_of_defined(f1.worth(counts))


def support(state: Answers) -> float:
    """How many examples the mean rests on: fewer than there are where classes differ in size."""
    return confusion_matrix.support_of_mean(f1.support(state))


def limits(state: Answers) -> tuple[float, float]:
    """From nothing right to everything."""
    return 0.0, 1.0
