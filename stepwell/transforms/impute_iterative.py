"""What is missing in a column is predicted from the other columns, round after round (chained equations, van Buuren).

Every column with gaps has a ridge regression on all others in each round, fitted where it is known, as scikit-learn's
IterativeImputer does with `Ridge`; the coefficients of all rounds travel, so that a new row is filled in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, cast

import msgspec
import numpy as np

from stepwell.errors import DataError
from stepwell.schema import Array, Columns, Trace

ROWS = 5000  # training rows that the regressions are fitted on
WIDEST = 200  # columns; the time grows with the cube of them


@dataclass(frozen=True)
class Options:
    """How long, and how freely."""

    rounds: Annotated[int, msgspec.Meta(ge=1, description="how often every column is predicted anew")] = 5
    ridge: Annotated[float, msgspec.Meta(gt=0.0, description="the penalty of the squared coefficients")] = 1.0


@dataclass(frozen=True)
class Step:
    """One regression: column `place` is `intercept` plus `weights` times all columns (its own weight is 0)."""

    place: int
    intercept: float
    weights: tuple[float, ...]


@dataclass(frozen=True)
class Fitted:
    """Fills NaN in the first columns of `numbers`, `(n, d)`, with `means`, and then corrects them by the `steps`."""

    means: tuple[float, ...]
    steps: tuple[Step, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The matrix of numbers."""
        return ("numbers",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same matrix, complete."""
        return ("numbers",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Fill in the means, then take every step in order; what is known stays."""
        filled = cast("Array", columns["numbers"]).copy()
        width = len(self.means)
        known = filled[:, :width]
        gaps = np.isnan(known)
        if gaps.any():
            guessed = np.where(gaps, np.asarray(self.means), known)
            for step in self.steps:
                lacking = gaps[:, step.place]
                if lacking.any():
                    guessed[lacking, step.place] = guessed[lacking] @ np.asarray(step.weights) + step.intercept
            filled[:, :width] = guessed
        return {"numbers": filled}


def fit(options: Options, numbers: Array) -> Fitted:
    """The regressions on at most 5,000 evenly spaced rows of the training part, float64 `(n, d)`.

    Columns go in the order of how much is missing, the fewest first. `DataError` above 200 columns.
    """
    if numbers.shape[1] > WIDEST:
        raise DataError(
            f"There are {numbers.shape[1]:,} columns of numbers, and predicting gaps round by round takes {WIDEST}.",
            do="use --prepare.missing median or knn",
        )
    some = np.unique(np.linspace(0, len(numbers) - 1, min(ROWS, len(numbers))).astype(np.int64))
    rows = numbers[some]
    gaps = np.isnan(rows)
    known = np.maximum((~gaps).sum(axis=0), 1)
    means = np.where(gaps, 0.0, rows).sum(axis=0) / known
    guessed = np.where(gaps, means, rows)
    shares = gaps.mean(axis=0)
    order = [place for place in np.argsort(shares, kind="stable").tolist() if 0 < shares[place] < 1]
    steps = []
    for _ in range(options.rounds):
        for place in order:
            step = _regression(guessed, gaps[:, place], place, options.ridge)
            lacking = gaps[:, place]
            guessed[lacking, place] = guessed[lacking] @ np.asarray(step.weights) + step.intercept
            steps.append(step)
    return Fitted(tuple(means.tolist()), tuple(steps))


def _regression(rows: Array, gaps: Array, place: int, ridge: float) -> Step:
    """Ridge regression of one column on all others where it is known."""
    others = np.delete(np.arange(rows.shape[1]), place)
    inputs, target = rows[np.ix_(~gaps, others)], rows[~gaps, place]
    center, level = inputs.mean(axis=0), float(target.mean())
    moved = inputs - center
    solved = np.linalg.solve(moved.T @ moved + ridge * np.eye(len(others)), moved.T @ (target - level))
    weights = np.insert(solved, place, 0.0)
    return Step(place, level - float(center @ solved), tuple(weights.tolist()))
