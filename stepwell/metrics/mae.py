"""MAE: the mean absolute difference of answer and truth; of several columns the plain mean over them.

Undefined (NaN) without examples. Equal to `sklearn.metrics.mean_absolute_error`.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stepwell.metrics import mse
from stepwell.metrics.mse import Errors
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "MAE"
MEASURE = "target"
HIGHER = "lower is better; 0 means that every answer is exact"
INTERVAL: Literal["studentized"] = "studentized"

prepare = mse.prepare


def score(state: Errors, weight: Array | None) -> float:
    """The weighted mean size of the errors, at least 0, in the target's measure."""
    return float(mse.mean_of_columns(np.abs(state.errors), weight).mean())


def influence(state: Errors, weight: Array | None) -> Array:
    """How the value moves with each example's weight: its distance from the mean, `(n,)`."""
    return per_example(state) - score(state, weight)


def per_example(state: Errors) -> Array:
    """The size of each example's error, `(n,)`, the mean over the columns."""
    sizes: Array = np.abs(state.errors).mean(axis=1)
    return sizes


def limits(state: Errors) -> tuple[float, float]:
    """From exact to the worst error seen: an error has no true end."""
    return 0.0, float(per_example(state).max(initial=0.0))
