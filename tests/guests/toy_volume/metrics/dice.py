"""Dice: twice the voxels that the answered and the true body share, over the voxels of both; the mean over scans.

1 where both are empty. Undefined (NaN) without scans. Dice, 1945.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "mean Dice"
MEASURE = "share"
HIGHER = "higher is better; 100 % means that every voxel of every scan is right"


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Array:
    """The Dice of each scan: `(n,)` float64."""
    return np.array([_dice(*pair) for pair in zip(truth["mask"], predictions["mask"], strict=True)], dtype=np.float64)


def score(state: Array, weight: Array | None) -> float:
    """The weighted mean, in [0, 1]."""
    if weight is None:
        weight = np.ones(len(state))
    total = float(weight.sum())
    return float(weight @ state) / total if total > 0 else math.nan


def per_example(state: Array) -> Array:
    """The Dice of each scan."""
    return state


def limits(state: Array) -> tuple[float, float]:
    """From nothing shared to all."""
    return 0.0, 1.0


def _dice(true: Array, said: Array) -> float:
    both = int(true.sum()) + int(said.sum())
    return 2.0 * int((true * said).sum()) / both if both else 1.0
