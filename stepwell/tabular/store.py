"""A table in memory: named columns below each other, and how it was read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from stepwell.errors import DataError
from stepwell.schema import Finding
from stepwell.tabular.cells import Column, Rules

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


def refuse_wide(width: int, where: str) -> None:
    """`DataError` where a table of `width` columns is too wide."""
    if width > WIDEST:
        raise DataError(
            f"The table has {width:,} columns; {WIDEST:,} are taken.",
            where=where,
            do="keep the columns that may matter, or transpose it if its columns are the rows",
        )


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
