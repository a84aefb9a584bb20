"""Codes to columns of 0 and 1, one for each known value, beside the numbers; code 0, never seen, is all 0."""

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
    """Appends `categories`, int64 `(n, len(sizes))`, to `numbers` as `sum(sizes) - len(sizes)` columns.

    `sizes[j]` is how many codes the j-th column takes, 0 among them.
    """

    sizes: tuple[int, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """Codes and numbers."""
        return ("numbers", "categories")

    @property
    def writes(self) -> tuple[str, ...]:
        """The matrix of numbers, wider."""
        return ("numbers",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Compare each column of codes with each known code."""
        numbers, codes = cast("Array", columns["numbers"]), cast("Array", columns["categories"])
        hot = [codes[:, [at]] == np.arange(1, size) for at, size in enumerate(self.sizes)]
        return {"numbers": np.concatenate([numbers, *hot], axis=1, dtype=np.float64)}
