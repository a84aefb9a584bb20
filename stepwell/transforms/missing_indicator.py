"""A column of 0 and 1 for every column that had gaps in the training part: whether something is missing can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from stepwell.schema import Array, Columns, Trace


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Appends to `numbers`, `(n, d)`, a column for each of the `places`: 1.0 where that number is NaN, else 0.0."""

    places: tuple[int, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The matrix of numbers."""
        return ("numbers",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same matrix, wider."""
        return ("numbers",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Say what is missing; before it is filled in."""
        numbers = cast("Array", columns["numbers"])
        gaps = np.isnan(numbers[:, list(self.places)]).astype(np.float64)
        return {"numbers": np.concatenate([numbers, gaps], axis=1)}


def fit(options: Options, numbers: Array) -> Fitted:
    """The columns of the training part, float64 `(n, d)`, in which some numbers but not all are missing."""
    gaps = np.isnan(numbers)
    return Fitted(tuple(np.flatnonzero(gaps.any(axis=0) & ~gaps.all(axis=0)).tolist()))
