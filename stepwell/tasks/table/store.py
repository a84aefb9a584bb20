"""The rows of a table as raw columns, fetched by index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stepwell.schema import Array, Columns
from stepwell.tabular.cells import Column, Numbers, Rules, Texts

TRUTHS = ("label", "value")
"""What the answer is called among the raw columns, where it is known."""

RESERVED = (*TRUTHS, "path", "numbers", "categories", "value_scaled", "logits")
"""Names that mean something else in the chain: an input of that name is called `<name> (column)`."""


@dataclass(frozen=True)
class Rows:
    """Fetches rows: `columns` by raw name and, where it is known, the truth (`label` as text or `value`).

    Numbers come as float64 arrays (NaN = missing), text as lists of text or None. `units` are those that numbers were
    written in, by name of the column.
    """

    columns: Mapping[str, Column]
    label: Texts | None = None
    value: Numbers | None = None
    rules: Rules = field(default_factory=Rules)
    units: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, indices: Sequence[int], views: Array | None) -> Columns:
        """The raw columns at `indices`; there are no views of a row."""
        del views
        at = np.asarray(indices, dtype=np.int64)
        found: Columns = {name: column.at(at) for name, column in self.columns.items()}
        for name, truth in zip(TRUTHS, (self.label, self.value), strict=True):
            if truth is not None:
                found[name] = truth.at(at)
        return found


def raw_name(name: str) -> str:
    """The name of an input among the raw columns."""
    return f"{name} (column)" if name in RESERVED else name
