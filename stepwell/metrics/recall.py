"""Recall of a class: of the examples that truly are of this class, the share answered as it.

Undefined (NaN, and left out) for a class without examples. Equal to `sklearn.metrics.recall_score`
with `average=None`, `labels` = the classes and `zero_division=nan`.
"""

from __future__ import annotations

from typing import Literal

from stepwell.metrics import confusion_matrix
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "per_class"
TITLE = "recall"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that every example of this class was found"

prepare = confusion_matrix.prepare
tally = confusion_matrix.tally


def score(state: Answers, weight: Array | None) -> Array:
    """A value a class, `(classes,)`, in [0, 1] or NaN."""
    return worth(tally(state, weight))


def worth(counts: Counts) -> Array:
    """The score that these counts make."""
    return confusion_matrix.ratio(counts.right, counts.existing)


def support(state: Answers) -> Array:
    """How many examples truly are of each class."""
    return confusion_matrix.existing(state, None)


def limits(state: Answers) -> tuple[float, float]:
    """An example is found or missed."""
    return 0.0, 1.0
