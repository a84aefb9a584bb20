"""Mean absolute error over all hours and columns, in standard deviations of each column in the training part.

So columns of unlike units can be averaged. Undefined (NaN) without examples.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "mean absolute error"
MEASURE = "standard deviations"
HIGHER = "lower is better; 0 means that every number is right"
SAYS = "is off by {value} on {n}"


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Array:
    """The error of each example: `(n,)` float64."""
    off = np.abs(np.asarray(predictions["target"], dtype=np.float64) - np.asarray(truth["target"]))
    scaled: Array = off / np.asarray(schema.field("target").std)
    return scaled.reshape(len(scaled), -1).mean(axis=1) if len(scaled) else np.zeros(0)


def score(state: Array, weight: Array | None) -> float:
    """The weighted mean, at least 0."""
    if weight is None:
        weight = np.ones(len(state))
    total = float(weight.sum())
    return float(weight @ state) / total if total > 0 else math.nan


def per_example(state: Array) -> Array:
    """The error of each example."""
    return state
