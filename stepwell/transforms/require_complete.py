"""A row in which something is missing is refused, and the column named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from stepwell.errors import ExampleError
from stepwell.schema import Array, Columns, Trace


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Passes `numbers` `(n, len(numbers))` and `texts` `(n, len(texts))` on, whose columns have these names."""

    numbers: tuple[str, ...]
    texts: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The two matrices of raw values."""
        return ("numbers", "texts")

    @property
    def writes(self) -> tuple[str, ...]:
        """Nothing: they stay as they are."""
        return ()

    def gaps(self, columns: Columns) -> Array:
        """Whether a cell is missing, bool `(n, len(numbers) + len(texts))`."""
        numbers, texts = cast("Array", columns["numbers"]), cast("Array", columns["texts"])
        nothing = np.asarray([[cell is None for cell in row] for row in texts.tolist()], dtype=bool)
        return np.concatenate([np.isnan(numbers), nothing.reshape(texts.shape)], axis=1)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Nothing, or the `ExampleError` that names the first missing cell."""
        rows, places = np.nonzero(self.gaps(columns))
        if len(rows):
            name = (*self.numbers, *self.texts)[int(places[0])]
            raise ExampleError(
                f"There is no value in the column {name!r}, and rows with missing values are left out.",
                where=f"column {name!r}",
                do="fill it in, or train with another --prepare.missing than delete",
            )
        return {}
