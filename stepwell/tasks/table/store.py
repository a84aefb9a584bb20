"""A table in memory: named columns below each other, and how it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from stepwell.errors import DataError
from stepwell.schema import Array, Columns, Finding
from stepwell.tasks.table.cells import Column, Numbers, Rules, Texts

RESERVED = ("label", "value", "path", "numbers", "categories", "value_scaled", "logits")
"""Names that mean something else in the chain: an input of that name is called `<name> (column)`."""

WIDEST = 50_000
"""Columns that a table may have: each costs the network weights and a person a line, and genes are no more."""


@dataclass(frozen=True)
class Table:
    """Columns by name, in order, of `rows` rows each.

    `source` says where they are from; `first` is the number of the first row, by which rows are named. `rules` say how
    cells were read; `settings` holds what was found for settings that were automatic: value and reason, by name;
    `findings` what reading brought up.
    """

    source: str
    columns: Mapping[str, Column]
    rows: int
    first: int = 1
    rules: Rules = field(default_factory=Rules)
    settings: Mapping[str, tuple[object, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


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
        for name, truth in (("label", self.label), ("value", self.value)):
            if truth is not None:
                found[name] = truth.at(at)
        return found


def refuse_wide(width: int, where: str) -> None:
    """`DataError` where a table of `width` columns is too wide."""
    if width > WIDEST:
        raise DataError(
            f"The table has {width:,} columns; {WIDEST:,} are taken.",
            where=where,
            do="keep the columns that may matter, or transpose it if its columns are the rows",
        )


def raw_name(name: str) -> str:
    """The name of an input among the raw columns."""
    return f"{name} (column)" if name in RESERVED else name


def unique_names(names: Sequence[str]) -> list[str]:
    """Names for columns, each once: one without a name is `column 3`, a second `x` is `x (2)`."""
    seen: dict[str, int] = {}
    taken = {name.strip() for name in names}
    found = []
    for place, name in enumerate((one.strip() for one in names), start=1):
        plain = name or f"column {place}"
        seen[plain] = seen.get(plain, 0) + 1
        while seen[plain] > 1 and f"{plain} ({seen[plain]})" in taken:
            seen[plain] += 1
        found.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return found
