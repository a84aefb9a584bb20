"""The columns of a table or series to mean 0 and standard deviation 1, in float64, by the training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stepwell.schema import Array, Columns, Trace


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Scales the column `name`, `(n, …, k)`, with `k` means and deviations."""

    name: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.name,)

    @property
    def writes(self) -> tuple[str, ...]:
        return (self.name,)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Scale every row."""
        return {self.name: (np.asarray(columns[self.name], dtype=np.float64) - self.mean) / self.std}


def fit(options: Options, name: str, values: Array) -> Fitted:
    """Mean and deviation of `values` `(n, …, k)`; a column that never changes is only shifted."""
    rows = values.reshape(-1, values.shape[-1])
    std = rows.std(axis=0)
    return Fitted(name, tuple(rows.mean(axis=0).tolist()), tuple(np.where(std > 0, std, 1.0).tolist()))
