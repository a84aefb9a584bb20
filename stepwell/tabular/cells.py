"""What is written in a cell: a number, a text, or nothing.

One decoder serves training and prediction. A column of a file is numbers where every cell that is not missing
is one; else it is text, exactly as written. Numbers may carry signs of thousands, a percent sign or a currency, and
what is negative may stand in brackets ("1,234.5", "1 234,5", "12 %", "$5", "(5)"). Whole numbers written with leading
zeros ("00123"), or with more digits than a float holds, are names of things and stay text.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

MISSING = (
    *("", "?", "-", "--", "NA", "N/A", "n/a", "na", "#N/A", "#NA", "<NA>", "NaN", "nan", "-nan", "-NaN", "NaT"),
    *("NULL", "Null", "null", "None"),
)
"""What stands in a cell that holds nothing, spaces around it left off."""

_TRUTHS = {
    **dict.fromkeys(("yes", "y", "true", "t", "1", "on", "ja", "wahr"), "yes"),
    **dict.fromkeys(("no", "n", "false", "f", "0", "off", "nein", "falsch"), "no"),
}

_EXACT = 2.0**53  # whole numbers beyond it have no float of their own
_PADDED = re.compile(r"(?:^|\n)\s*0\d\d+\s*(?:\n|$)")
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_MONEY = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF)"
_DECORATED = re.compile(
    rf"(?P<sign>[+-]?){_MONEY}?\s?(?P<minus>-?)"
    r"(?P<digits>\d{1,3}(?:,\d{3})+|\d{1,3}(?:['’ \u00a0\u202f]\d{3})+|\d+)"
    rf"(?P<rest>\.\d+)?\s?(?:%|{_MONEY})?"
)
_BOOKED = re.compile(r"\((?P<inner>[^()+-]+)\)")  # as accounts write what is negative
_SWAP = str.maketrans(".,", ",.")
_GROUPS = re.compile(r"\D")


@dataclass(frozen=True)
class Rules:
    """How cells are read: the sign before the decimals, and what stands for nothing."""

    decimal: str = "."
    missing: frozenset[str] = frozenset(MISSING)

    @cached_property
    def hides_numbers(self) -> bool:
        """Whether a number, such as -999, stands for nothing."""
        return any(number(token, self.decimal) is not None for token in self.missing)

    def also(self, tokens: frozenset[str]) -> Rules:
        """These rules where `tokens` stand for nothing besides."""
        return replace(self, missing=self.missing | tokens)


@dataclass(frozen=True)
class Numbers:
    """A column of numbers, float64 `(n,)`; NaN is missing."""

    values: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def at(self, indices: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """The numbers at some rows, float64."""
        return self.values[indices]

    def missing(self) -> npt.NDArray[np.bool_]:
        """Where nothing is, `(n,)`."""
        return np.isnan(self.values)


@dataclass(frozen=True)
class Texts:
    """A column of text: `codes` int32 `(n,)` are places in `values`, each text once; -1 is missing."""

    codes: npt.NDArray[np.int32]
    values: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.codes)

    @cached_property
    def _known(self) -> npt.NDArray[np.object_]:
        known = np.empty(len(self.values) + 1, dtype=object)
        known[:-1] = self.values
        return known  # the last is None, which -1 points to

    def at(self, indices: npt.NDArray[np.int64]) -> list[str | None]:
        """The texts at some rows, None where there is none."""
        found: list[str | None] = self._known[self.codes[indices]].tolist()
        return found

    def missing(self) -> npt.NDArray[np.bool_]:
        """Where nothing is, `(n,)`."""
        return self.codes < 0


Column = Numbers | Texts


def number(text: str, decimal: str = ".") -> float | None:
    """The number that a cell holds; None where it holds none. Nothing missing is a number."""
    text = text.strip().replace("\N{MINUS SIGN}", "-")
    if decimal == ",":
        text = text.translate(_SWAP)
    if _PLAIN.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text):
        return math.copysign(math.inf, -1.0 if text.startswith("-") else 1.0)
    booked = _BOOKED.fullmatch(text)
    found = _DECORATED.fullmatch(booked["inner"].strip() if booked else text)
    if found is None or (found["sign"] and found["minus"]):
        return None
    size = float(_GROUPS.sub("", found["digits"]) + (found["rest"] or ""))
    return -size if booked or found["sign"] == "-" or found["minus"] else size


def truth(text: str) -> str | None:
    """The answer that a cell gives, "yes" or "no", in whatever spelling; None where it is neither."""
    return _TRUTHS.get(text.strip().lower())


def numbers(cells: Sequence[str], rules: Rules) -> npt.NDArray[np.float64] | None:
    """All cells as float64 `(n,)`, NaN where nothing is; None where one of them is no number but text."""
    values = _plain_numbers(cells, rules)
    if values is None:
        values = _other_numbers(cells, rules)
    return None if values is None or _are_names(cells, values) else values


def _plain_numbers(cells: Sequence[str], rules: Rules) -> npt.NDArray[np.float64] | None:
    """The quick way, for cells that Python itself takes for numbers; None where one is something else."""
    if rules.decimal == "," or rules.hides_numbers:
        return None
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        nothing = rules.missing
        filled = ["nan" if cell in nothing or not cell.strip() else cell for cell in cells]
        try:
            values = np.fromiter(map(float, filled), np.float64, len(cells))
        except ValueError:
            return None
    return None if "_" in "".join(cells) else values  # to Python 1_000 is a number


def _other_numbers(cells: Sequence[str], rules: Rules) -> npt.NDArray[np.float64] | None:
    known: dict[str, float] = {}
    for cell in dict.fromkeys(cells):
        if cell.strip() in rules.missing:
            known[cell] = math.nan
        elif (value := number(cell, rules.decimal)) is None:
            return None
        else:
            known[cell] = value
    return np.fromiter(map(known.__getitem__, cells), np.float64, len(cells))


def _are_names(cells: Sequence[str], values: npt.NDArray[np.float64]) -> bool:
    """Whether whole numbers are written as names are: padded with zeros, or too long for a float."""
    there = values[~np.isnan(values)]
    if not np.array_equal(there, np.floor(there)):
        return False
    if bool(np.any(np.abs(there[np.isfinite(there)]) >= _EXACT)):
        return any(cell.strip().lstrip("+-").isdigit() and len(cell.strip()) > 15 for cell in cells)
    return _PADDED.search("\n".join(cells)) is not None


@dataclass
class Coder:
    """Collects a column of text chunk by chunk."""

    rules: Rules
    _known: defaultdict[str, int] = field(default_factory=lambda: defaultdict(itertools.count().__next__))
    _chunks: list[npt.NDArray[np.int32]] = field(default_factory=list)

    def add(self, cells: Sequence[str]) -> None:
        """Take in the next cells."""
        self._chunks.append(np.fromiter(map(self._known.__getitem__, cells), np.int32, len(cells)))

    def column(self) -> Texts:
        """All cells so far: spaces around them left off, the missing ones without a text."""
        places: dict[str, int] = {}
        to = np.empty(len(self._known), dtype=np.int32)
        for raw, code in self._known.items():
            cell = raw.strip()
            to[code] = -1 if cell in self.rules.missing else places.setdefault(cell, len(places))
        codes = np.concatenate(self._chunks) if self._chunks else np.zeros(0, dtype=np.int32)
        return Texts(to[codes], tuple(places))


def text_of(value: float) -> str:
    """A number as text: whole ones without decimals, as a label of a class is written."""
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(float(value))


def as_text(column: Column) -> Texts:
    """A column as text; numbers are written as `text_of` does."""
    if isinstance(column, Texts):
        return column
    there = ~np.isnan(column.values)
    values, codes = np.unique(column.values[there], return_inverse=True)
    placed = np.full(len(column), -1, dtype=np.int32)
    placed[there] = codes
    return Texts(placed, tuple(text_of(value) for value in values.tolist()))


def joined(parts: Sequence[Column]) -> Column:
    """Columns one below the other; text where one of them is text."""
    if all(isinstance(part, Numbers) for part in parts):
        return Numbers(np.concatenate([part.values for part in parts if isinstance(part, Numbers)]))
    places: dict[str, int] = {}
    codes = []
    for part in map(as_text, parts):
        to = np.asarray([*(places.setdefault(one, len(places)) for one in part.values), -1], dtype=np.int32)
        codes.append(to[part.codes])
    return Texts(np.concatenate(codes), tuple(places))


def rows_of(column: Column, indices: npt.NDArray[np.int64]) -> Column:
    """The column at some rows alone."""
    if isinstance(column, Numbers):
        return Numbers(column.values[indices])
    return Texts(column.codes[indices], column.values)
