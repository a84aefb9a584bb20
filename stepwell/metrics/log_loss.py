"""Log loss: the mean of −ln of the probability that was given to the true class (cross-entropy), in nats.

Probabilities are clipped to [ε, 1 − ε] with ε of float64, so that one sure error costs 36 and not infinity.
Undefined (NaN) without examples. Equal to `sklearn.metrics.log_loss` on float64.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.errors import DataError
from stepwell.metrics.accuracy import mean
from stepwell.metrics.confusion_matrix import class_numbers
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "log loss"
MEASURE = ""
HIGHER = "lower is better; 0 means that every true class was held certain, ln(classes) is guessing evenly"
INTERVAL: Literal["studentized"] = "studentized"


@dataclass(frozen=True)
class Losses:
    """The loss of each example, `(n,)` in nats, and the number of classes."""

    losses: Array
    classes: int


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Losses:
    """The loss of each example; `DataError` where probabilities are no numbers or of another shape."""
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")
    given = probabilities(predictions, len(classes))[np.arange(len(true)), true]
    epsilon = np.finfo(np.float64).eps
    return Losses(-np.log(np.clip(given, epsilon, 1.0 - epsilon)), len(classes))


def probabilities(predictions: Columns, classes: int) -> Array:
    """The predicted probabilities, `(n, classes)` float64; `DataError` where they are not that, or not finite."""
    count = len(predictions["label"])
    values = np.asarray(predictions["probabilities"], dtype=np.float64)
    if count and values.shape != (count, classes):
        raise DataError(
            f"There are probabilities of shape {values.shape} for {count} examples and {classes} classes.",
            where="column 'probabilities' of the predictions",
            do="predict with the network that was trained for these classes",
        )
    if not np.isfinite(values).all():
        wrong = int((~np.isfinite(values).all(axis=1)).sum())
        raise DataError(
            f"The probabilities of {wrong} of {len(values)} examples are not numbers.",
            where="column 'probabilities' of the predictions",
            do="the network has diverged: train with a lower learning rate, or take an earlier checkpoint",
        )
    return values.reshape(count, classes)


def score(state: Losses, weight: Array | None) -> float:
    """The weighted mean loss in nats, at least 0."""
    return mean(state.losses, weight)


def influence(state: Losses, weight: Array | None) -> Array:
    """How the value moves with each example's weight: its distance from the mean, `(n,)`."""
    return state.losses - score(state, weight)


def per_example(state: Losses) -> Array:
    """The loss of each example, `(n,)` in nats."""
    return state.losses


def limits(state: Losses) -> tuple[float, float]:
    """From 0 to the greatest loss seen, or that of guessing evenly where this is greater: a loss has no true end."""
    return 0.0, max(float(np.log(state.classes)), float(state.losses.max(initial=0.0)))
