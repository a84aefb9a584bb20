"""Top-5 accuracy: the share of examples whose true class is among the five held most probable.

Undefined (NaN, and left out) with five classes or fewer, where it would say nothing, and without examples.
Of equal probabilities the later class counts as the greater. Equal to `sklearn.metrics.top_k_accuracy_score`
with `k=5`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics.accuracy import mean
from stepwell.metrics.confusion_matrix import class_numbers
from stepwell.metrics.log_loss import probabilities
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "top-5 accuracy"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that the true class was always among the first five"

K = 5


@dataclass(frozen=True)
class Hits:
    """1 where the true class is among the first `K`, else 0, `(n,)`; and the number of classes."""

    hits: Array
    classes: int


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Hits:
    """Which examples have their true class among the first five; `DataError` as for the log loss."""
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")[:, None]
    values = probabilities(predictions, len(classes))
    given = np.take_along_axis(values, true, axis=1)
    later = np.arange(len(classes)) > true
    before = (values > given) | ((values == given) & later)
    return Hits((before.sum(axis=1) < K).astype(np.float64), len(classes))


def score(state: Hits, weight: Array | None) -> float:
    """The weighted share of hits, in [0, 1]; NaN with five classes or fewer."""
    return mean(state.hits, weight) if state.classes > K else math.nan


def per_example(state: Hits) -> Array:
    """1 for a hit, 0 for a miss: `(n,)`."""
    return state.hits


def limits(state: Hits) -> tuple[float, float]:
    """An example is hit or missed."""
    return 0.0, 1.0
