"""Median absolute error: half of the answers are nearer to the truth than this; of several columns the plain mean.

Between two middle values it is their mean. Undefined (NaN) without examples. Equal to
`sklearn.metrics.median_absolute_error`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics import mse
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "median absolute error"
MEASURE = "target"
HIGHER = "lower is better; 0 means that at least half of the answers are exact"
REPLICATES = 200


@dataclass(frozen=True)
class Sorted:
    """The sizes of the errors in rising order, a column each, and the rows they came from: `(n, columns)` both."""

    sizes: Array
    order: Array


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Sorted:
    """The sorted errors; `DataError` as for the mean squared error."""
    sizes = np.abs(mse.prepare(truth, predictions, schema).errors)
    order = np.argsort(sizes, axis=0, kind="stable")
    return Sorted(np.take_along_axis(sizes, order, axis=0), order)


def score(state: Sorted, weight: Array | None) -> float:
    """The weighted median, at least 0, in the target's measure; the mean over the columns."""
    columns = range(state.sizes.shape[1])
    return float(np.mean([_median(state.sizes[:, one], state.order[:, one], weight) for one in columns]))


def limits(state: Sorted) -> tuple[float, float]:
    """From exact to the worst error seen: an error has no true end."""
    return 0.0, float(state.sizes.max(initial=0.0))


def _median(sizes: Array, order: Array, weight: Array | None) -> float:
    """The middle of the sorted `sizes`; the mean of two where exactly half of the weight lies below."""
    reached = np.cumsum(np.ones(len(order)) if weight is None else weight[order])
    if not len(reached) or reached[-1] <= 0:
        return float("nan")
    half = 0.5 * reached[-1]
    low = np.searchsorted(reached, half)
    above = np.finfo(np.float64).eps < reached[low] - half
    high = low if above else min(np.searchsorted(reached, reached[low], side="right"), len(sizes) - 1)
    return float(0.5 * (sizes[low] + sizes[high]))
