"""Columns as the checks of the audit see them: a sample of rows, values as codes, how well they tell the answer.

Everything here is numpy on at most `ROWS` rows and `COLUMNS` columns, chosen by position alone, so that a
million rows cost what twenty thousand do. How well codes tell an answer is measured on rows that they were
not fitted on: an identifier, which fits everything, tells nothing.
"""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

from stepwell import randomness
from stepwell.inspection import Inspection
from stepwell.schema import Array, Columns

ROWS = 20_000
"""The most rows that a costly check looks at."""

COLUMNS = 2_000
"""The most columns that a costly check looks at, the first ones."""

CELLS = 2**24
"""The most cells, rows times columns, that a costly check looks at."""

ENOUGH = 50
"""Labeled rows below which nothing is said of how well a column tells the answer."""

BINS = 64
_LEVELS = 5_000  # rarer values count as one: the tables of counts stay small
_COUNTS = 2**22  # the most counts of values by classes

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Answer:
    """What the rows are labeled with: classes as codes (`names` of them, in natural order of appearance), or numbers.

    `values` is int64 `(n,)` in 0 … len(names)-1 where there are classes, else float64 `(n,)`, finite, in the
    unit of the data.
    """

    values: Array
    names: tuple[str, ...] = ()

    def at(self, chosen: Array) -> Answer:
        """The answers of some of the rows, by mask or by index."""
        return Answer(self.values[chosen], self.names)


@dataclass(frozen=True)
class Sample:
    """Some rows: `rows` are indices of examples `(m,)` ascending; `columns` their cells; `answer` what they are
    labeled with, None where nothing is known. `scope` says at the end of a sentence what counts refer to.
    """

    rows: Codes
    columns: Columns
    answer: Answer | None
    scope: str


def sample(inspection: Inspection, *, labeled: bool, most: int = ROWS) -> Sample | None:
    """At most `most` rows of the first `COLUMNS` columns, of `labeled` ones alone where that is asked for.

    None where the examples are no rows of columns, or fewer than `ENOUGH` of them have an answer that is asked for.
    """
    names = inspection.examples.columns[:COLUMNS]
    if not names:
        return None
    known = answer(inspection)
    places = np.arange(len(inspection.looked), dtype=np.int64)
    if labeled:
        if known is None or len(known[0]) < ENOUGH:
            return None
        places = known[0]
    total, most = len(places), max(ENOUGH, min(most, CELLS // len(names)))
    if total > most:
        chosen = randomness.order(0, "columns", 0, places.astype(np.uint64))[:most]
        places = places[np.sort(chosen)]
    given = known[1].at(np.searchsorted(known[0], places)) if labeled and known is not None else None
    whole = len(places) == len(inspection.looked)
    columns = {name: inspection.columns[name] if whole else _picked(inspection.columns[name], places) for name in names}
    scope = f" (of {len(places):,} rows looked at, of {total:,})" if len(places) < total else ""
    return Sample(np.asarray(inspection.looked, dtype=np.int64)[places], columns, given, scope)


def answer(inspection: Inspection) -> tuple[Codes, Answer] | None:
    """The places in `inspection.looked` of the labeled rows, ascending, and their answers; None without any."""
    looked, facts = inspection.looked, inspection.examples.facts
    if inspection.labels:
        labels = inspection.labels
        values = labels if len(looked) == len(labels) else [labels[i] for i in looked]
        codes, names = _numbered(values)
        places = np.arange(len(codes), dtype=np.int64)
        if None in names:
            lacking = names.index(None)
            names.remove(None)
            places = np.flatnonzero(codes != lacking)
            codes = codes[places]
            codes -= codes > lacking
        found = Answer(codes, tuple(str(name) for name in names))
    elif "value" in facts:
        whole = np.array([np.nan if value is None else value for value in facts["value"]], dtype=np.float64)
        numbers = whole[np.asarray(looked, dtype=np.int64)]
        places = np.flatnonzero(np.isfinite(numbers))
        found = Answer(numbers[places])
    else:
        return None
    return (places, found) if len(places) else None


def missing(column: Array | Sequence[str | None]) -> npt.NDArray[np.bool_]:
    """Which cells `(n,)` hold nothing."""
    if isinstance(column, np.ndarray):
        return np.isnan(column)
    return np.array([cell is None for cell in column], dtype=bool)


def coded(column: Array | Sequence[str | None]) -> tuple[Codes, int]:
    """A code `(n,)` for each cell, equal where cells are equal, what is missing being a value of its own; how many."""
    if isinstance(column, np.ndarray):
        values, codes = np.unique(column, return_inverse=True)
        return codes.astype(np.int64, copy=False), len(values)
    found, names = _numbered(column)
    return found, len(names)


def _numbered(values: Sequence[Hashable]) -> tuple[Codes, list[Hashable]]:
    """A number `(n,)` for each value in the order of their first coming, and the values in that order."""
    known: defaultdict[Hashable, int] = defaultdict(itertools.count().__next__)
    codes = np.fromiter(map(known.__getitem__, values), np.int64, len(values))
    return codes, list(known)


def binned(column: Array | Sequence[str | None], bins: int = BINS) -> tuple[Codes, int]:
    """As `coded`, but numbers of more than `bins` values are cut at quantiles; of texts the commonest 5,000 count."""
    codes, levels = coded(column)
    if levels <= bins:
        return codes, levels
    if isinstance(column, np.ndarray):
        present = column[np.isfinite(column)]
        borders = np.unique(np.quantile(present, np.arange(1, bins) / bins, method="nearest"))
        cut = np.searchsorted(borders, column, side="right")
        cut[np.isnan(column)] = len(borders) + 1
        return cut.astype(np.int64, copy=False), len(borders) + 2
    if levels > _LEVELS:
        rank = np.empty(levels, dtype=np.int64)
        rank[np.argsort(-np.bincount(codes, minlength=levels), kind="stable")] = np.arange(levels)
        return np.minimum(rank[codes], _LEVELS), _LEVELS + 1
    return codes, levels


def strength(codes: Codes, levels: int, answers: Answer) -> float:
    """How much of the error of always giving one answer goes away when the code of the row is known, in [0, 1].

    Of classes the error is the share of wrong answers, of numbers the squared one. Every second row is
    answered by what the others of its code have: the commonest class, the mean. 0 where there is nothing
    to tell apart, and for more classes than can be counted.
    """
    if answers.names and levels * len(answers.names) > _COUNTS:
        return 0.0
    first = np.arange(len(codes)) % 2 == 0
    of_classes = bool(answers.names)
    gain = _gain_of_classes if of_classes else _gain_of_numbers
    return max(0.0, (gain(codes, levels, answers, first) + gain(codes, levels, answers, ~first)) / 2)


def dates(column: Array | Sequence[str | None]) -> Floats | None:
    """Seconds since 1970 `(n,)`, NaN where missing, of a column of texts that all are dates; None of any other."""
    if isinstance(column, np.ndarray):
        return None
    present = [cell for cell in column if cell is not None]
    if not present or not all(_DATE.match(cell.strip()) for cell in present[:20]):
        return None
    for read in _READERS:
        try:
            known = {cell: read(cell.strip()) for cell in set(present)}
        except ValueError:
            continue
        return np.array([np.nan if cell is None else known[cell] for cell in column], dtype=np.float64)
    return None


def listed(names: Sequence[str], most: int = 3) -> str:
    """The first few names in quotes, and how many more there are, for a sentence."""
    shown = ", ".join(repr(str(name)) for name in names[:most])
    return shown + (f" and {len(names) - most:,} more" if len(names) > most else "")


_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?$")


def _iso(text: str) -> float:
    return _seconds(datetime.fromisoformat(text.replace("/", "-")))


def _day_first(text: str) -> float:
    return _seconds(datetime.strptime(re.sub("[/.]", "-", text), "%d-%m-%Y").replace(tzinfo=UTC))


def _month_first(text: str) -> float:
    return _seconds(datetime.strptime(re.sub("[/.]", "-", text), "%m-%d-%Y").replace(tzinfo=UTC))


_READERS = (_iso, _day_first, _month_first)


def _seconds(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _picked(column: Array | Sequence[str | None], places: Codes) -> Array | list[str | None]:
    return column[places] if isinstance(column, np.ndarray) else [column[place] for place in places.tolist()]


def _gain_of_classes(codes: Codes, levels: int, answers: Answer, fitted: npt.NDArray[np.bool_]) -> float:
    classes = len(answers.names)
    seen = np.bincount(codes[fitted] * classes + answers.values[fitted], minlength=levels * classes)
    counts = seen.reshape(levels, classes)
    usual = int(counts.sum(axis=0).argmax())
    guess = np.where(counts.any(axis=1), counts.argmax(axis=1), usual)
    asked = answers.values[~fitted]
    wrong = int((asked != usual).sum())
    return 1.0 - float((asked != guess[codes[~fitted]]).sum()) / wrong if wrong else 0.0


def _gain_of_numbers(codes: Codes, levels: int, answers: Answer, fitted: npt.NDArray[np.bool_]) -> float:
    known, asked = answers.values[fitted], answers.values[~fitted]
    usual = float(known.mean())
    counts = np.bincount(codes[fitted], minlength=levels)
    sums = np.bincount(codes[fitted], weights=known, minlength=levels)
    guess = np.where(counts > 0, sums / np.maximum(counts, 1), usual)
    spread = float(((asked - usual) ** 2).sum())
    return 1.0 - float(((asked - guess[codes[~fitted]]) ** 2).sum()) / spread if spread > 0 else 0.0
