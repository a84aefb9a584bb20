"""F1 of a class: the harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN).

Undefined (NaN, and left out) for a class that has no examples and was never answered; 0 where only one of
the two holds. Equal to `sklearn.metrics.f1_score` with `average=None`, `labels` = the classes and
`zero_division=nan`. Source: van Rijsbergen, Information Retrieval, 1979.
"""

from __future__ import annotations

from typing import Literal

from stepwell.metrics import confusion_matrix
from stepwell.metrics.confusion_matrix import Answers, Counts
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "per_class"
TITLE = "F1"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that nothing of this class was missed or wrongly answered"

prepare = confusion_matrix.prepare
tally = confusion_matrix.tally


def score(state: Answers, weight: Array | None) -> Array:
    """A value a class, `(classes,)`, in [0, 1] or NaN."""
    return worth(tally(state, weight))


def worth(counts: Counts) -> Array:
    """The score that these counts make."""
    return confusion_matrix.ratio(2.0 * counts.right, counts.existing + counts.answered)


def support(state: Answers) -> Array:
    """How many examples are of each class, by truth or by answer."""
    return (
        confusion_matrix.existing(state, None)
        + confusion_matrix.answered(state, None)
        - confusion_matrix.right(state, None)
    )


def limits(state: Answers) -> tuple[float, float]:
    """From nothing right to everything."""
    return 0.0, 1.0
