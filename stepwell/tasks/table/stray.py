"""Words that stray into a column of numbers ("oops", "80+"): read as missing, and said.

One such cell would make text of the whole column, in which 9 and 10 are two names and neither is the larger.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from stepwell.errors import DataError
from stepwell.schema import Finding
from stepwell.tabular import cells
from stepwell.tabular.cells import Column, Numbers, Texts
from stepwell.tasks.table import units

MOST = 0.05
"""The share of a column's cells that may be strays."""

MOST_WORDS = 10
"""And how many different ones: what is written in more ways than that means something."""

LEAST_NUMBERS = 20
"""More different numbers than these must be there: fewer may be names, as grades and codes are."""


def words_of(column: Column, rules: cells.Rules, unit: str = "") -> tuple[str, ...]:
    """The words among the numbers of a column of text; none where it is no column of numbers with a few strays.

    Where the column has a `unit`, what is in another one is a word.
    """
    if isinstance(column, Numbers) or len(column.values) <= LEAST_NUMBERS:
        return ()
    words = []
    for value in column.values:
        if units.number(value, unit, rules.decimal) is None:
            words.append(value)
            if len(words) > MOST_WORDS:
                return ()
    numbers = [value for value in column.values if value not in words]
    if not words or len(numbers) <= LEAST_NUMBERS or not (unit or cells.numbers(numbers, rules) is not None):
        return ()
    counts = np.bincount(column.codes[column.codes >= 0], minlength=len(column.values))
    astray = sum(int(counts[code]) for code, value in enumerate(column.values) if value in words)
    return tuple(words) if 0 < astray <= MOST * counts.sum() else ()


def without(
    columns: Mapping[str, Column],
    rules: cells.Rules,
    unit_of: Mapping[str, str],
    asked: bool,
    named: Callable[[npt.NDArray[np.int64]], tuple[str, ...]],
) -> tuple[dict[str, Column], frozenset[str], list[Finding]]:
    """The columns with strays as missing; all words that were such; and the findings, with rows as `named` has them.

    Columns that have a unit by `unit_of` become numbers. One that holds more words than stray into a column of numbers
    stays text, or is refused by `DataError` where its unit was `asked` for.
    """
    found, all_words, findings = dict(columns), set[str](), []
    for name, column in columns.items():
        unit = unit_of.get(name, "")
        words = words_of(column, rules, unit)
        if not (words or unit) or isinstance(column, Numbers):
            continue
        values = [None if value in words else units.number(value, unit, rules.decimal) for value in column.values]
        bad = next((column.values[code] for code in _used(column) if values[code] is None), None) if not words else None
        if bad is not None:
            if asked:
                _refuse(name, unit, bad)
            continue
        all_words |= set(words)
        plain = np.asarray([*(np.nan if value is None else value for value in values), np.nan])
        found[name] = Numbers(plain[column.codes])
        rows = np.flatnonzero(np.isin(column.codes, [column.values.index(word) for word in words]))
        if words:
            findings.append(_finding(name, column, words, rows, named(rows[:5])))
    return found, frozenset(all_words), findings


def _used(column: Texts) -> list[int]:
    """The codes of the values that stand in some row."""
    codes: list[int] = np.unique(column.codes[column.codes >= 0]).tolist()
    return codes


def _refuse(name: str, unit: str, text: str) -> NoReturn:
    raise DataError(
        f"The column {name!r} holds numbers in {unit!r}, and {text[:60]!r} is none.",
        where=f"column {name!r}",
        do="mend such cells, or leave the column as text: --reader.units none",
    )


def _finding(
    name: str, column: Texts, words: tuple[str, ...], rows: npt.NDArray[np.int64], shown: tuple[str, ...]
) -> Finding:
    cells_, are = ("1 cell", "is") if len(rows) == 1 else (f"{len(rows):,} cells", "are")
    told = ", ".join(repr(word[:40]) for word in words[:3]) + (", …" if len(words) > 3 else "")
    return Finding(
        name="words_among_numbers",
        severity=2,
        message=f"{cells_} of {name!r} {are} no number as the others are ({told}; {shown[0]} first) and {are} "
        "read as missing.",
        why="Otherwise the whole column would be text: 9 and 10 two names, neither of them the larger.",
        remedy=f"mend these cells; if the values are names of things, --prepare.categorical {name}",
        where={"column": name},
        evidence={"cells": len(rows), "of": int((column.codes >= 0).sum()), "words": list(words)},
        examples=shown,
        refuted_by="the column holding names of things and no measures",
    )
