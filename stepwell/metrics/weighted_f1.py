"""Weighted F1: the mean of F1 over the classes, each counting by its number of examples.

Undefined (NaN) without any example. Equal to
`sklearn.metrics.f1_score` with `average="weighted"` and `zero_division=0`.
"""

from __future__ import annotations

from typing import Literal

from stepwell.metrics import confusion_matrix, f1
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "weighted F1"
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
    return confusion_matrix.mean_by_weight(f1.worth(counts), counts.existing)


def limits(state: Answers) -> tuple[float, float]:
    """From nothing right to everything."""
    return 0.0, 1.0
