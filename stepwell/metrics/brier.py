"""Brier score: the mean squared distance of the probabilities from the truth (1 for the true class, else 0).

With two classes that of the second class alone, in [0, 1]; with more the sum over the classes, in [0, 2], as
Brier wrote it. Undefined (NaN) without examples. Equal to `sklearn.metrics.brier_score_loss`. Source: Brier,
Monthly Weather Review 78, 1950.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics.accuracy import mean
from stepwell.metrics.confusion_matrix import class_numbers
from stepwell.metrics.log_loss import probabilities
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "Brier score"
MEASURE = ""
HIGHER = "lower is better; 0 means that every true class was held certain"


@dataclass(frozen=True)
class Distances:
    """The squared distance of each example, `(n,)`, and the number of classes."""

    distances: Array
    classes: int


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Distances:
    """The distance of each example; `DataError` as for the log loss."""
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")
    values = probabilities(predictions, len(classes))
    given = values[np.arange(len(true)), true]
    # The squares of all others and that of the true class, without a second table of examples by classes.
    distances = np.maximum(0.0, np.einsum("ij,ij->i", values, values) - given**2) + (1.0 - given) ** 2
    return Distances(distances / 2.0 if len(classes) <= 2 else distances, len(classes))


def score(state: Distances, weight: Array | None) -> float:
    """The weighted mean distance, at least 0."""
    return mean(state.distances, weight)


def per_example(state: Distances) -> Array:
    """The squared distance of each example, `(n,)`."""
    return state.distances


def limits(state: Distances) -> tuple[float, float]:
    """From the true class certain to a wrong one certain."""
    return 0.0, 1.0 if state.classes <= 2 else 2.0
