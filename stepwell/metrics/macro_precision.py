"""Macro precision: the mean of precision over the classes, so that every class counts the same, however rare.

0 for a class that has examples and was never answered; classes that have neither are left out; undefined (NaN)
without any example. Equal to `sklearn.metrics.precision_score` with `average="macro"` and `zero_division=0` over
the classes that occur. The macro recall is the balanced accuracy; micro averages and the weighted recall are the
accuracy.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stepwell.metrics import confusion_matrix, precision
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "macro precision"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that no class was answered wrongly"

prepare = confusion_matrix.prepare
tally = confusion_matrix.tally
smoothed = confusion_matrix.smoothed


def score(state: Answers, weight: Array | None) -> float:
    """The mean over classes, in [0, 1]."""
    return worth(tally(state, weight))


def worth(counts: Counts) -> float:
    """The score that these counts make."""
    values = precision.worth(counts)
    missed = np.isnan(values) & (counts.existing > 0)
    return confusion_matrix.mean_of_defined(np.where(missed, 0.0, values))


def support(state: Answers) -> float:
    """How many examples the mean rests on: fewer than there are where classes are answered unequally often."""
    return confusion_matrix.support_of_mean(precision.support(state))


def limits(state: Answers) -> tuple[float, float]:
    """From nothing right to everything."""
    return 0.0, 1.0
