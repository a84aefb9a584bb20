"""Accuracy: the share of examples whose predicted class is the true one.

Undefined (NaN) without examples. Equal to `sklearn.metrics.accuracy_score`.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "accuracy"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that every example is right"
SAYS = "is right on {value} of {n}"


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Array:
    """1 where the predicted label is the true one, else 0: `(n,)` float64."""
    pairs = zip(truth["label"], predictions["label"], strict=True)
    return np.array([true == predicted for true, predicted in pairs], dtype=np.float64)


def mean(values: Array, weight: Array | None) -> float:
    """The weighted mean of `values` `(n,)`; NaN where the weights sum to 0 or there are no values."""
    if weight is None:
        return float(values.mean()) if len(values) else math.nan
    total = float(weight.sum())
    return float(weight @ values) / total if total > 0 else math.nan


def score(state: Array, weight: Array | None) -> float:
    """The weighted share of right answers, in [0, 1]."""
    return mean(state, weight)


def per_example(state: Array) -> Array:
    """1 for a right answer, 0 for a wrong one: `(n,)`."""
    return state


def limits(state: Array) -> tuple[float, float]:
    """An example is right or wrong."""
    return 0.0, 1.0
