"""Precision of a class: of the examples answered as this class, the share that truly are.

Undefined (NaN, and left out) for a class that was never answered. Equal to `sklearn.metrics.precision_score`
with `average=None`, `labels` = the classes and `zero_division=nan`.
"""

from __future__ import annotations

from typing import Literal

from stepwell.metrics import confusion_matrix
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "per_class"
TITLE = "precision"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that every answer of this class is right"

prepare = confusion_matrix.prepare
tally = confusion_matrix.tally


def score(state: Answers, weight: Array | None) -> Array:
    """A value a class, `(classes,)`, in [0, 1] or NaN."""
    return worth(tally(state, weight))


def worth(counts: Counts) -> Array:
    """The score that these counts make."""
    return confusion_matrix.ratio(counts.right, counts.answered)


def support(state: Answers) -> Array:
    """How many examples were answered as each class."""
    return confusion_matrix.answered(state, None)


def limits(state: Answers) -> tuple[float, float]:
    """An answer is right or wrong."""
    return 0.0, 1.0
