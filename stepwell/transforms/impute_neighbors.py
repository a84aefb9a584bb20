"""What is missing in a row becomes the mean of the rows most alike: k nearest neighbors (Troyanskaya 2001).

The distance is Euclidean over the numbers that both rows have, scaled up for those that one lacks, as scikit-learn's
KNNImputer counts it. At most 1,000 training rows are kept to compare with: they travel in the artifact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, cast

import msgspec
import numpy as np

from stepwell.schema import Array, Columns, Trace

ROWS = 1000  # training rows kept
CHUNK = 512  # rows compared at a time


@dataclass(frozen=True)
class Options:
    """How many rows are asked."""

    neighbors: Annotated[int, msgspec.Meta(ge=1, description="rows whose mean is taken")] = 5


@dataclass(frozen=True)
class Fitted:
    """Fills NaN in the first columns of `numbers`, `(n, d)`, from the `rows` kept (None = missing) or `means`."""

    neighbors: int
    means: tuple[float, ...]
    rows: tuple[tuple[float | None, ...], ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The matrix of numbers."""
        return ("numbers",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same matrix, complete."""
        return ("numbers",)

    @cached_property
    def _kept(self) -> Array:
        """The rows kept as one array, made once."""
        return np.asarray(self.rows, dtype=np.float64).reshape(-1, len(self.means))

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Fill the rows that have gaps, a few hundred at a time."""
        filled = cast("Array", columns["numbers"]).copy()
        width = len(self.means)
        gaps = np.flatnonzero(np.isnan(filled[:, :width]).any(axis=1))
        if len(gaps):
            for start in range(0, len(gaps), CHUNK):
                some = gaps[start : start + CHUNK]
                filled[some, :width] = self._filled(filled[some, :width], self._kept)
        return {"numbers": filled}

    def _filled(self, rows: Array, kept: Array) -> Array:
        """Rows `(n, width)` made whole from `kept` `(m, width)`."""
        distances = _distances(rows, kept)
        filled = rows.copy()
        for place, mean in enumerate(self.means):
            lacking = np.flatnonzero(np.isnan(rows[:, place]))
            if not len(lacking):
                continue
            donors = np.flatnonzero(~np.isnan(kept[:, place]))
            away = distances[np.ix_(lacking, donors)]
            asked = min(self.neighbors, len(donors))
            nearest = np.argpartition(away, asked - 1, axis=1)[:, :asked] if asked else np.zeros((len(away), 0), int)
            usable = np.isfinite(np.take_along_axis(away, nearest, axis=1))
            totals = np.where(usable, kept[donors, place][nearest], 0.0).sum(axis=1)
            counts = usable.sum(axis=1)
            filled[lacking, place] = np.where(counts > 0, totals / np.maximum(counts, 1), mean)
        return filled


def fit(options: Options, numbers: Array) -> Fitted:
    """Keep at most 1,000 rows of the training part, float64 `(n, d)`, evenly spaced; columns should be of one size.

    The mean of a column, 0 where it is empty, stands where no neighbor can be found.
    """
    known = [column[~np.isnan(column)] for column in numbers.T]
    means = tuple(float(column.mean()) if len(column) else 0.0 for column in known)
    chosen = np.unique(np.linspace(0, len(numbers) - 1, min(ROWS, len(numbers))).astype(np.int64))
    rows = tuple(tuple(None if np.isnan(value) else value for value in row) for row in numbers[chosen].tolist())
    return Fitted(options.neighbors, means, rows)


def _distances(rows: Array, kept: Array) -> Array:
    """Squared distances `(n, m)` over the numbers that both have; infinite where they share none."""
    here, there = ~np.isnan(rows), ~np.isnan(kept)
    left, right = np.where(here, rows, 0.0), np.where(there, kept, 0.0)
    shared = here.astype(np.float64) @ there.T.astype(np.float64)
    squares = (left**2) @ there.T - 2 * left @ right.T + here @ (right**2).T
    with np.errstate(divide="ignore", invalid="ignore"):
        scaled = np.maximum(squares, 0.0) * rows.shape[1] / shared
    return np.asarray(np.where(shared > 0, scaled, np.inf))
