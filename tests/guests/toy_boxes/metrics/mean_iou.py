"""Mean intersection over union of the answered and the true box, in pixels of the original pictures.

Two boxes without area have an IoU of 0. Undefined (NaN) without examples.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "mean IoU"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that every box is right to the pixel"


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Array:
    """The IoU of each example: `(n,)` float64."""
    true, said = (np.asarray(columns["box"], dtype=np.float64).reshape(-1, 4) for columns in (truth, predictions))
    low, high = np.maximum(true[:, :2], said[:, :2]), np.minimum(true[:, 2:], said[:, 2:])
    shared = np.clip(high - low, 0.0, None).prod(axis=1)
    union = (true[:, 2:] - true[:, :2]).prod(axis=1) + (said[:, 2:] - said[:, :2]).prod(axis=1) - shared
    return np.asarray(shared / np.where(union > 0, union, 1.0))


def score(state: Array, weight: Array | None) -> float:
    """The weighted mean, in [0, 1]."""
    if weight is None:
        weight = np.ones(len(state))
    total = float(weight.sum())
    return float(weight @ state) / total if total > 0 else math.nan


def per_example(state: Array) -> Array:
    """The IoU of each example."""
    return state


def limits(state: Array) -> tuple[float, float]:
    """From nothing shared to all."""
    return 0.0, 1.0
