"""Quadratic kappa: how much nearer to ordered classes answers lie than by chance, distances squared.

One minus the mean squared distance of true and predicted class over that of answers dealt out at random. 0 where all
examples or all answers are of one class; undefined (NaN) without examples, and where classes come in no order
(`Field.ordered`). Equal to `sklearn.metrics.cohen_kappa_score` with `weights="quadratic"`. Source: Cohen,
Psychological Bulletin 70, 1968.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics import confusion_matrix
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "quadratic kappa"
MEASURE = ""
HIGHER = "higher is better; 1 means that every answer is right, 0 is no better than chance, below 0 is worse"


@dataclass(frozen=True)
class Places:
    """The places of the true and the predicted class in their order, `(n,)` float64, and whether they have one."""

    true: Array
    predicted: Array
    ordered: bool


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Places:
    """The places of each example's true and predicted class; `DataError` for an unknown one."""
    found = confusion_matrix.prepare(truth, predictions, schema)
    return Places(found.true.astype(np.float64), found.predicted.astype(np.float64), schema.targets[0].ordered)


def score(state: Places, weight: Array | None) -> float:
    """The agreement, in [-1, 1]."""
    weight = np.ones(len(state.true)) if weight is None else weight
    total = float(weight.sum())
    if not state.ordered or total <= 0:
        return math.nan
    true, predicted = (float(weight @ places) / total for places in (state.true, state.predicted))
    apart = float(weight @ (state.true - state.predicted) ** 2) / total
    # Of two independent draws: both variances and the square of how far the means lie apart.
    dealt = float(weight @ (state.true - true) ** 2 + weight @ (state.predicted - predicted) ** 2) / total
    dealt += (true - predicted) ** 2
    if dealt <= 0.0:
        return math.nan if total <= 0 else 0.0
    return 1.0 - apart / dealt
