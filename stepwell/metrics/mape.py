"""MAPE: the mean absolute difference of answer and truth as a share of the truth; of several columns the mean.

Undefined (NaN, and left out) where a true value is 0, for a share of nothing is none: there scikit-learn divides
by 2.2e-16 instead. Else equal to `sklearn.metrics.mean_absolute_percentage_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics import mse
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "MAPE"
MEASURE = "share"
HIGHER = "lower is better; 0 % means that every answer is exact"
INTERVAL: Literal["studentized"] = "studentized"


@dataclass(frozen=True)
class Shares:
    """The size of each error as a share of the truth, `(n, columns)`, 0 at the rows `zero` where that is undefined."""

    shares: Array
    zero: Array


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Shares:
    """The shares of each example; `DataError` as for the mean squared error."""
    state = mse.prepare(truth, predictions, schema)
    size = np.abs(state.truth)
    shares = np.divide(np.abs(state.errors), size, out=np.zeros(size.shape), where=size > 0)
    return Shares(shares, np.flatnonzero((size == 0).any(axis=1)))


def score(state: Shares, weight: Array | None) -> float:
    """The weighted mean share, at least 0."""
    if len(state.zero) and (weight is None or (weight[state.zero] > 0).any()):
        return float("nan")
    return float(mse.mean_of_columns(state.shares, weight).mean())


def influence(state: Shares, weight: Array | None) -> Array:
    """How the value moves with each example's weight: its distance from the mean, `(n,)`."""
    return per_example(state) - score(state, weight)


def per_example(state: Shares) -> Array:
    """The size of each example's error as a share of its truth, `(n,)`; 0 where that is undefined."""
    shares: Array = state.shares.mean(axis=1)
    return shares


def limits(state: Shares) -> tuple[float, float]:
    """From exact to the worst share seen: an error has no true end."""
    return 0.0, float(per_example(state).max(initial=0.0))
