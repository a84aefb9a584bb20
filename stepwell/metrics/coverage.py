"""Coverage: the share of examples whose promised set of classes, or interval from low to high, holds the truth.

Of several columns the plain mean over them. Undefined (NaN, and left out) without examples, and where answers come
without a promise (`answers.coverage`); scikit-learn has none. What it should be is what was promised, neither more
nor less. Source: Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from stepwell.metrics.mse import mean_of_columns
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "coverage"
MEASURE = "share"
HIGHER = "the nearer to the promised share the better; above it, sets and intervals are wider than they need be"


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Array | None:
    """1.0 where the truth is held, else 0.0, `(n, columns)`; None where nothing is promised."""
    if "set" in predictions:
        pairs = zip(truth["label"], predictions["set"], strict=True)
        return np.array([[true in names] for true, names in pairs], dtype=np.float64).reshape(-1, 1)
    if "low" in predictions and "high" in predictions:
        true, low, high = (
            np.asarray(one, dtype=np.float64)
            for one in (truth[schema.targets[0].name], predictions["low"], predictions["high"])
        )
        return ((low <= true) & (true <= high)).astype(np.float64).reshape(len(true), -1)
    return None


def score(state: Array | None, weight: Array | None) -> float:
    """The weighted share that is held, in [0, 1]."""
    return float("nan") if state is None else float(mean_of_columns(state, weight).mean())


def limits(state: Array | None) -> tuple[float, float]:
    """A truth is held or missed."""
    return 0.0, 1.0
