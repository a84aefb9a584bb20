"""MSE: the mean squared difference of answer and truth; of several columns the plain mean over them.

Undefined (NaN) without examples. Equal to `sklearn.metrics.mean_squared_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.errors import DataError
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "MSE"
MEASURE = "target²"
HIGHER = "lower is better; 0 means that every answer is exact, the variance of the truth is a constant answer"
INTERVAL: Literal["studentized"] = "studentized"


@dataclass(frozen=True)
class Errors:
    """The truth, and how far the answers lie above it: `(n, columns)` float64 each, in the measure of the target."""

    truth: Array
    errors: Array


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Errors:
    """The errors of each example; `DataError` where numbers are not finite or of unequal shape."""
    name = schema.targets[0].name
    true = _numbers(truth[name], name, "true")
    answered = _numbers(predictions[name], name, "predicted")
    if true.shape != answered.shape:
        raise DataError(
            f"There are predicted values of shape {answered.shape} for true ones of shape {true.shape}.",
            where=f"column {name!r} of the predictions",
            do="predict with the network that was trained for these columns",
        )
    return Errors(true, answered - true)


def score(state: Errors, weight: Array | None) -> float:
    """The weighted mean square, at least 0, in the square of the target's measure."""
    return float(mean_of_columns(state.errors**2, weight).mean())


def mean_of_columns(values: Array, weight: Array | None) -> Array:
    """The weighted mean of each column of `(n, columns)`; NaN where the weights sum to 0 or there are no rows."""
    total = float(len(values)) if weight is None else float(weight.sum())
    if total <= 0:
        return np.full(values.shape[1], np.nan)
    sums: Array = values.sum(axis=0) if weight is None else weight @ values
    return sums / total


def influence(state: Errors, weight: Array | None) -> Array:
    """How the value moves with each example's weight: its distance from the mean, `(n,)`."""
    return per_example(state) - score(state, weight)


def per_example(state: Errors) -> Array:
    """The squared error of each example, `(n,)`."""
    squares: Array = (state.errors**2).mean(axis=1)
    return squares


def limits(state: Errors) -> tuple[float, float]:
    """From exact to the worst error seen: an error has no true end."""
    return 0.0, float(per_example(state).max(initial=0.0))


def _numbers(column: Array | list[object], name: str, what: str) -> Array:
    values = np.asarray(column, dtype=np.float64)
    values = values.reshape(len(values), -1) if len(values) else np.zeros((0, 1))
    wrong = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(wrong):
        raise DataError(
            f"The {what} values of {len(wrong)} of {len(values)} examples are not finite numbers.",
            where=f"column {name!r} of the {what} answers, first at place {wrong[0] + 1}",
            do="leave out examples without a true value"
            if what == "true"
            else "the network has diverged: train with a lower learning rate, or take an earlier checkpoint",
        )
    return values
