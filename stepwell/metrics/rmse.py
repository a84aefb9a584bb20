"""RMSE: the root of the mean squared difference of answer and truth; of several columns the plain mean over them.

Undefined (NaN) without examples. Equal to `sklearn.metrics.root_mean_squared_error`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stepwell.metrics import mse
from stepwell.metrics.mse import Errors
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "RMSE"
MEASURE = "target"
HIGHER = "lower is better; 0 means that every answer is exact, the standard deviation of the truth is a constant answer"
INTERVAL: Literal["studentized"] = "studentized"

prepare = mse.prepare


def score(state: Errors, weight: Array | None) -> float:
    """The root of the weighted mean square, at least 0, in the target's measure."""
    return float(np.sqrt(mse.mean_of_columns(state.errors**2, weight)).mean())


def influence(state: Errors, weight: Array | None) -> Array:
    """How the value moves with each example's weight: that of the mean square, by twice the root, `(n,)`."""
    squares = state.errors**2
    means = mse.mean_of_columns(squares, weight)
    roots = np.sqrt(np.where(means > 0, means, np.inf))  # where every error is 0, nothing moves
    found: Array = ((squares - means) / (2.0 * roots)).mean(axis=1)
    return found


def per_example(state: Errors) -> Array:
    """The size of each example's error, `(n,)`: the root of its mean square over the columns."""
    return np.sqrt(mse.per_example(state))


def limits(state: Errors) -> tuple[float, float]:
    """From exact to the worst error seen: an error has no true end."""
    return 0.0, float(per_example(state).max(initial=0.0))
