"""MCC, Matthews' correlation of true and predicted classes: high only where every class is both found and right.

0 where all examples are of one class or all answers are, for a constant tells nothing; undefined (NaN) without
examples. Equal to `sklearn.metrics.matthews_corrcoef`. Source: Gorodkin, Computational Biology and Chemistry 28,
2004, for any number of classes.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stepwell.metrics import confusion_matrix
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "MCC"
MEASURE = ""
HIGHER = "higher is better; 1 means that every answer is right, 0 is no better than a constant"

prepare = confusion_matrix.prepare
tally = confusion_matrix.tally
smoothed = confusion_matrix.smoothed


def score(state: Answers, weight: Array | None) -> float:
    """The correlation, in [-1, 1]."""
    return worth(tally(state, weight))


def worth(counts: Counts) -> float:
    """The score that these counts make."""
    true, predicted, right = counts.existing, counts.answered, counts.right.sum()
    total = float(true.sum())
    if total <= 0:
        return float("nan")
    spread = (total**2 - true @ true) * (total**2 - predicted @ predicted)
    # As a share of the whole: sums of weights are not exact, and a constant must give 0.
    if spread <= 1e-12 * total**4:
        return 0.0
    return float((right * total - true @ predicted) / np.sqrt(spread))


def support(state: Answers) -> float:
    """How many examples it rests on: fewer than there are where classes differ in size."""
    return confusion_matrix.support_of_mean(confusion_matrix.existing(state, None))


def limits(state: Answers) -> tuple[float, float]:
    """From every answer the opposite to every answer right."""
    return -1.0, 1.0
