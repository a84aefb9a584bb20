"""R²: the share of the variance of the truth that the answers explain; of several columns the plain mean over them.

Undefined (NaN, and left out) where a column of the truth is constant, as with one example: there is nothing to
explain. Equal to `sklearn.metrics.r2_score` with `force_finite=False`, NaN standing for its infinities too; by
default scikit-learn says 1 or 0 there.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stepwell.metrics import mse
from stepwell.metrics.mse import Errors
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "R²"
MEASURE = ""
HIGHER = "higher is better; 1 means that every answer is exact, 0 is the mean of the truth as a constant answer"

INTERVAL: Literal["studentized"] = "studentized"
RANGE = (float("-inf"), 1.0)

prepare = mse.prepare


def score(state: Errors, weight: Array | None) -> float:
    """One minus the squared errors by the squared distances of the truth from its mean, at most 1."""
    if not len(state.truth):
        return float("nan")
    squares, variance = mse.mean_of_columns(state.errors**2, weight), _variance(state, weight)
    return float((1.0 - squares / variance).mean()) if _varies(state, variance) else float("nan")


def influence(state: Errors, weight: Array | None) -> Array:
    """How the value moves with each example's weight, `(n,)`: by its error, and by how far its truth lies out.

    0 where the value is undefined.
    """
    variance = _variance(state, weight)
    if not _varies(state, variance):
        return np.zeros(len(state.truth))
    squares = state.errors**2
    share = mse.mean_of_columns(squares, weight) / variance
    found: Array = ((share * _distances(state, weight) - squares) / variance).mean(axis=1)
    return found


def _distances(state: Errors, weight: Array | None) -> Array:
    """The squared distance of each truth from their mean, `(n, columns)`."""
    squares: Array = (state.truth - mse.mean_of_columns(state.truth, weight)) ** 2
    return squares


def _variance(state: Errors, weight: Array | None) -> Array:
    return mse.mean_of_columns(_distances(state, weight), weight)


def _varies(state: Errors, variance: Array) -> bool:
    """Whether no column is constant: that has a variance of rounding errors, not of 0, once its mean is rounded."""
    size = np.abs(state.truth).max(axis=0)
    return bool((variance > (1e-14 * size) ** 2).all())
