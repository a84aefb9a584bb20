"""One number a column for what is missing there: the mean, the median, the commonest value, or a constant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, cast

import msgspec
import numpy as np

from stepwell.schema import Array, Columns, Trace

Method = Literal["mean", "median", "mode", "constant"]


@dataclass(frozen=True)
class Options:
    """What stands for a missing number."""

    method: Annotated[Method, msgspec.Meta(description="what the training part is asked for")] = "median"
    constant: Annotated[float, msgspec.Meta(description="the number that `constant` fills in")] = 0.0


@dataclass(frozen=True)
class Fitted:
    """Fills NaN in the first columns of `numbers`, `(n, d)`, with `values`, one a column."""

    values: tuple[float, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The matrix of numbers."""
        return ("numbers",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same matrix, complete."""
        return ("numbers",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Fill in what is missing."""
        numbers = cast("Array", columns["numbers"])
        filled = numbers.copy()
        width = len(self.values)
        filled[:, :width] = np.where(np.isnan(numbers[:, :width]), np.asarray(self.values), numbers[:, :width])
        return {"numbers": filled}


def fit(options: Options, numbers: Array) -> Fitted:
    """The value of every column of the training part, float64 `(n, d)`; 0 for one that is empty.

    Of several commonest values the smallest is taken.
    """
    return Fitted(tuple(_value(options, column[~np.isnan(column)]) for column in numbers.T))


def _value(options: Options, known: Array) -> float:
    if options.method == "constant":
        return options.constant
    if not len(known):
        return 0.0
    if options.method == "mean":
        return float(known.mean())
    if options.method == "median":
        return float(np.median(known))
    values, counts = np.unique(known, return_counts=True)
    return float(values[counts.argmax()])
