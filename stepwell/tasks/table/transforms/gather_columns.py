"""Named raw columns to one matrix of numbers and one of texts: columns are found by name, in any order.

A column that was numbers in training is read as numbers even where it comes as text, and the reverse, so that a
file, a DataFrame and a dictionary give the same. Nothing else may look at raw columns after this.
"""

from __future__ import annotations

import difflib
import itertools
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from stepwell.errors import DataError, ExampleError
from stepwell.schema import Array, Columns, Trace
from stepwell.tabular import cells
from stepwell.tasks.table import units
from stepwell.tasks.table.store import TRUTHS

_NUMBERED = re.compile(r"column ([1-9][0-9]{0,8})")  # what a column without a name is called


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Writes `numbers`, float64 `(n, len(numbers))`, and `texts`, objects `(n, len(texts))`, of text or None.

    What is missing is NaN or None: what stands in `missing`, numbers among it, and what is infinite. Spaces around a
    text do not count. `coded` are those of the `texts` that were numbers in training: 1, 1.0 and "01" are one of them.
    `decimal` is the sign before decimals in the training data: it says what a text with a comma means.
    `truths` are those of the `texts` that say yes and no in several spellings; they are told apart by no spelling.
    `units` are those that columns of numbers were written in, where they were: "12 kg" is 12, and so is 12.
    `widths` is how many columns there may be where those of training had no names, empty where they had some.
    """

    numbers: tuple[str, ...]
    texts: tuple[str, ...]
    coded: tuple[str, ...] = ()
    missing: tuple[str, ...] = cells.MISSING
    decimal: str = "."
    truths: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    widths: tuple[int, ...] = ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Nothing by declaration: an absent column must be an error here and not pass this step over."""
        return ()

    @property
    def writes(self) -> tuple[str, ...]:
        """The two matrices."""
        return ("numbers", "texts")

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Put the columns side by side.

        `DataError` names a column that is absent, or says that columns without names are too few or too many to be
        told apart by their places; `ExampleError` names the text that should have been a number.
        """
        given = max(nameless(columns), default=0) if self.widths else 0
        if given and given not in self.widths:
            wanted = " or ".join(f"{one:,}" for one in self.widths)
            raise DataError(
                f"There are {given:,} columns without names, and the network takes {wanted}.",
                where=f"columns given: {_listed(list(columns))}",
                do="leave every column in its place, that of the answer too; a cell may be left empty",
            )
        for name in (*self.numbers, *self.texts):
            if name not in columns:
                raise DataError(
                    f"The column {name!r}, which the network was trained with, is not there.",
                    where=f"columns given: {_listed(list(columns))}",
                    do=_hint(name, list(columns)),
                )
        nothing = frozenset(self.missing)
        numbers = np.full((len(traces), len(self.numbers)), np.nan)
        for place, name in enumerate(self.numbers):
            numbers[:, place] = numbers_of(columns[name], name, nothing, self.decimal, self.units.get(name, ""))
        texts = np.empty((len(traces), len(self.texts)), dtype=object)
        for place, name in enumerate(self.texts):
            column = columns[name]
            if name in self.coded:
                column = numbers_of(column, name, nothing, self.decimal)
            found = texts_of(column, nothing)
            texts[:, place] = [_truth(text) for text in found] if name in self.truths else found
        return {"numbers": numbers, "texts": texts}


def nameless(names: Iterable[str]) -> tuple[int, ...]:
    """The places of columns that were all numbered for want of names, of which one may be missing: the answer's."""
    own = [name for name in names if name not in TRUTHS]
    places = _places(own)
    return places if len(places) == len(own) and len(places) >= max(places, default=0) - 1 else ()


def widths(names: Iterable[str], learned: Iterable[str]) -> tuple[int, ...]:
    """How many columns without names rows may have, so that each still is in its place; nothing if they have names.

    All that there were in training; without the answer, where it stood behind what is `learned` from; what is learned
    from alone, where it stood first.
    """
    places, used = nameless(names), _places(learned)
    if not places or not used:
        return ()
    answer = next(place for place in itertools.count(1) if place not in places)  # perhaps one behind the last
    whole = max(answer, *places)
    found = {whole}
    if answer > max(used):
        found.add(whole - 1)
    if len(used) == max(used):
        found.add(len(used))
    return tuple(sorted(found))


def _places(names: Iterable[str]) -> tuple[int, ...]:
    return tuple(int(one[1]) for one in map(_NUMBERED.fullmatch, names) if one)


def numbers_of(
    column: Array | Sequence[Any], name: str, nothing: frozenset[str], decimal: str = ".", unit: str = ""
) -> Array:
    """A raw column as float64 `(n,)`: NaN where nothing or something infinite stands; `ExampleError` for a word.

    `nothing` are the texts that stand for nothing; those of them that are numbers do so as numbers too. `decimal` is
    the sign before the decimals of a text with a comma; a point alone is one always. `unit` may stand behind a number.
    """
    if is_measured(column):
        values = np.asarray(column, dtype=np.float64)
    else:
        known = {cell: _number(cell, name, nothing, decimal, unit) for cell in dict.fromkeys(column)}
        values = np.fromiter(map(known.__getitem__, column), np.float64, len(column))
    if hidden := _hidden(nothing):
        values = np.where(np.isin(values, hidden), np.nan, values)
    return np.where(np.isfinite(values), values, np.nan)


@lru_cache(maxsize=8)
def _hidden(nothing: frozenset[str]) -> list[float]:
    """The numbers among the texts that stand for nothing."""
    return [value for value in map(cells.number, nothing) if value is not None]


def texts_of(column: Array | Sequence[Any], nothing: frozenset[str]) -> list[str | None]:
    """A raw column as text or None: numbers without a needless ".0", the rest without the spaces around it."""
    values = column.tolist() if isinstance(column, np.ndarray) else column
    known = {value: _text(value, nothing) for value in dict.fromkeys(values)}
    return [known[value] for value in values]


def is_measured(column: Array | Sequence[Any]) -> bool:
    """Whether a raw column holds numbers, and not text."""
    return isinstance(column, np.ndarray) and column.dtype.kind in "fiub"


def _number(cell: Any, name: str, nothing: frozenset[str], decimal: str, unit: str) -> float:
    text = "" if cell is None else str(cell).strip()
    if not text or text in nothing:
        return math.nan
    first, then = (decimal, ".") if "," in text else (".", decimal)
    value = units.number(text, unit, first)
    if value is None and then != first:
        value = units.number(text, unit, then)
    if value is None:
        raise ExampleError(
            f"The column {name!r} holds numbers{f' in {unit}' if unit else ''}, and {text[:60]!r} is none.",
            where=f"column {name!r}",
            do="write it as a number with a decimal point, or leave the cell empty",
        )
    return value


def _truth(text: str | None) -> str | None:
    return None if text is None else cells.truth(text) or text


def _text(value: Any, nothing: frozenset[str]) -> str | None:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    text = cells.text_of(value) if isinstance(value, float) else str(value).strip()
    return None if not text or text in nothing else text


def _hint(name: str, given: Sequence[str]) -> str:
    """What to do about a column that is absent: one that is called nearly so may be meant."""
    near = difflib.get_close_matches(name, given[:1000], n=1)
    return f"is it {near[0]!r}? " * len(near) + "give every column of the training data; a cell may be left empty"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
