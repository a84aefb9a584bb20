"""Energy distance of what was made to what is real: 2 E|X - Y| - E|X - X'| - E|Y - Y'| (Székely and Rizzo, 2013).

All pairs count, an example with itself too, so that two samples of one distribution have a small
positive distance. Undefined (NaN) without examples.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "energy distance"
HIGHER = "lower is better; 0 means that the two distributions are one"
SAYS = "makes points at an energy distance of {value} from {n}"


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Array:
    """For every pair of examples 2 |X - Y| - |X - X'| - |Y - Y'|: `(n, n)` float64."""
    real, made = (np.asarray(columns["point"], dtype=np.float64) for columns in (truth, predictions))
    return 2.0 * _distances(made, real) - _distances(made, made) - _distances(real, real)


def score(state: Array, weight: Array | None) -> float:
    """The weighted mean over all pairs, at least 0."""
    if weight is None:
        weight = np.ones(len(state))
    total = float(weight.sum())
    return float(weight @ state @ weight) / total**2 if total > 0 else math.nan


def _distances(one: Array, other: Array) -> Array:
    distances: Array = np.linalg.norm(one[:, None] - other[None, :], axis=-1)
    return distances
