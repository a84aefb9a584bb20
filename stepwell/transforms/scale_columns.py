"""Columns of numbers to a common size, in float64: large and small, skewed and even ones become comparable.

standard: (x - mean) / deviation. min_max: the range of the training part to 0 … 1. robust: (x - median) / quartile
range. log: sign(x) log(1 + |x| / unit), the unit being the median of |x| > 0, and then standard. quantile: the place
of x among the training values as a normal score, linear between at most 1,000 of them (after scikit-learn's
QuantileTransformer, with ties at the middle of their places); beyond both ends it stays. none: as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Annotated, Literal, cast

import msgspec
import numpy as np

from stepwell.schema import Array, Columns, Trace

Method = Literal["standard", "min_max", "robust", "quantile", "log", "none"]

FARTHEST = 1e6  # a scaled number is held within this, so that no later arithmetic in float32 overflows
KNOTS = 1000  # places of a quantile column at most; a hundred where there are more columns than that
SORTED = 100_000  # evenly spaced values, and both ends, that the places are taken from: enough, and quick to sort
LARGE = 1e100  # beyond it the sum of squares of a column may be no float
ROWS_A_KNOT = 30  # fewer rows than these between two places would follow the noise


@dataclass(frozen=True)
class Options:
    """How numbers are scaled."""

    method: Annotated[Method, msgspec.Meta(description="what a column is scaled by")] = "standard"


@dataclass(frozen=True)
class Fitted:
    """Scales the first columns of `numbers`, `(n, d)`, those after them staying as they are; NaN stays NaN.

    A column is taken through `curves[j]` (`knots` ascending and the scores there), or through the logarithm with
    its unit `units[j]`, where there is one (() or 0 otherwise); then `offsets[j]` is subtracted and the rest divided
    by `scales[j]`.
    """

    offsets: tuple[float, ...]
    scales: tuple[float, ...]
    units: tuple[float, ...] = ()
    curves: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """The matrix of numbers."""
        return ("numbers",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same matrix, scaled."""
        return ("numbers",)

    @cached_property
    def _curves(self) -> list[tuple[Array, Array]]:
        """The curves as arrays, made once: rows come a few hundred at a time."""
        return [(np.asarray(knots), np.asarray(scores)) for knots, scores in self.curves]

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Scale every column."""
        numbers = cast("Array", columns["numbers"])
        width = len(self.offsets)
        scaled = numbers[:, :width]
        if self.units:
            scaled = logarithm(scaled, np.asarray(self.units))
        if self.curves:
            scores = [np.interp(scaled[:, at], *curve) for at, curve in enumerate(self._curves)]
            scaled = np.where(np.isnan(scaled), np.nan, np.stack(scores, axis=1))  # one knot alone would hide a gap
        scaled = np.clip((scaled - np.asarray(self.offsets)) / np.asarray(self.scales), -FARTHEST, FARTHEST)
        return {"numbers": np.concatenate([scaled, numbers[:, width:]], axis=1)}


def fit(options: Options, numbers: Array) -> Fitted:
    """What scales the columns of the training part, float64 `(n, d)` with NaN for what is missing.

    A column that does not vary, or is empty, is only moved.
    """
    known = [column[~np.isnan(column)] for column in numbers.T]
    zeros, ones = (0.0,) * len(known), (1.0,) * len(known)
    if options.method == "none":
        return Fitted(zeros, ones)
    if options.method == "quantile":
        most = KNOTS if len(known) <= KNOTS // 10 else KNOTS // 10
        return Fitted(zeros, ones, curves=tuple(_curve(column, most) for column in known))
    units: tuple[float, ...] = ()
    if options.method == "log":
        units = tuple(_unit(column) for column in known)
        known = [logarithm(column, np.asarray(unit)) for column, unit in zip(known, units, strict=True)]
    pairs = [_offset_and_scale(options.method, column) for column in known]
    return Fitted(tuple(offset for offset, _ in pairs), tuple(scale for _, scale in pairs), units)


def logarithm(values: Array, unit: Array) -> Array:
    """sign(x) log(1 + |x| / unit): even, smooth at 0, linear for small x."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values) / unit))


def _offset_and_scale(method: Method, column: Array) -> tuple[float, float]:
    if not len(column):
        return 0.0, 1.0
    largest = float(np.abs(column).max())
    if method == "min_max":
        offset, scale = float(column.min()), float(np.ptp(column))
    elif method == "robust":
        low, offset, high = (float(value) for value in np.quantile(column, [0.25, 0.5, 0.75]))
        scale = high - low
    else:
        unit = largest if largest > LARGE else 1.0
        offset, scale = unit * float((column / unit).mean()), unit * float((column / unit).std())
    # A spread of rounding errors alone is none.
    return offset, scale if scale > 1e-12 * largest else 1.0


def _unit(column: Array) -> float:
    sizes = np.abs(column[column != 0])
    return float(np.median(sizes)) if len(sizes) else 1.0


def _curve(column: Array, most: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Knots and normal scores of a column: the quantiles, each run of equal ones as one at the mean of its scores."""
    if not len(column):
        return (0.0,), (0.0,)
    count = int(np.clip(len(column) // ROWS_A_KNOT, 10, most))
    shares = np.linspace(0.0, 1.0, count)
    inner = np.clip(shares, 0.5 / count, 1.0 - 0.5 / count)  # the normal score of both ends would be infinite
    scores = np.asarray([NormalDist().inv_cdf(share) for share in inner.tolist()])
    values = np.quantile(column[:: max(1, len(column) // SORTED)], shares)
    values[0], values[-1] = column.min(), column.max()
    knots, places = np.unique(values, return_inverse=True)
    return tuple(knots.tolist()), tuple((np.bincount(places, scores) / np.bincount(places)).tolist())
