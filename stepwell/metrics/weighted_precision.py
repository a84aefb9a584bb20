"""Weighted precision: the mean of precision over the classes, each counting by its number of examples.

0 for a class that has examples and was never answered; undefined (NaN) without any example. Equal to
`sklearn.metrics.precision_score` with `average="weighted"` and `zero_division=0`.
"""

from __future__ import annotations

from typing import Literal

from stepwell.metrics import confusion_matrix, precision
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "weighted precision"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that every answer is right"

prepare = confusion_matrix.prepare
tally = confusion_matrix.tally
smoothed = confusion_matrix.smoothed


def score(state: Answers, weight: Array | None) -> float:
    """The mean by the number of examples, in [0, 1]."""
    return worth(tally(state, weight))


def worth(counts: Counts) -> float:
    """The score that these counts make."""
    return confusion_matrix.mean_by_weight(precision.worth(counts), counts.existing)


def limits(state: Answers) -> tuple[float, float]:
    """From nothing right to everything."""
    return 0.0, 1.0
