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

prepare = mse.prepare


def score(state: Errors, weight: Array | None) -> float:
    """One minus the squared errors by the squared distances of the truth from its mean, at most 1."""
    if not len(state.truth):
        return float("nan")
    centered = state.truth - mse.mean_of_columns(state.truth, weight)
    variance = mse.mean_of_columns(centered**2, weight)
    # A constant has a variance of rounding errors, not of 0, once its mean is rounded.
    size = np.abs(state.truth).max(axis=0)
    if not (variance > (1e-14 * size) ** 2).all():
        return float("nan")
    return float((1.0 - mse.mean_of_columns(state.errors**2, weight) / variance).mean())
