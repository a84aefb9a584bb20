"""Where the network is better or worse: its headline on slices of the judged examples, each against all others.

A slice is what a column (a raw column, or a fact such as the group) says: one of its values, a quarter of its
numbers, or that it is missing. Looking at many slices finds some that stand apart by chance alone, so each
carries the probability of that, over all that were examined (Holm, A simple sequentially rejective multiple
test procedure, 1979).
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from stepwell import discovery, preparation
from stepwell.judge import bootstrap, subsets
from stepwell.judge.bootstrap import Resampling
from stepwell.judge.scores import Slice, Slices
from stepwell.schema import Array, Columns, Schema
from stepwell.task import Task

FACTS_APART = ("part", "path")
"""Facts by which there is nothing to slice: the judged part is one, and every path is another."""

LEAST = 30
"""Examples that a slice, and the rest, must have at least: below that no gap says anything."""

ROWS, FEWER_ROWS = 20_000, 5_000
"""Examples looked at at most, fewer by a metric that is no mean over examples (each resample is a scoring)."""

COLUMNS, JUDGED = 500, 40
"""Columns looked at at most, and slices that get intervals: those with the largest gaps for their size."""

_QUARTERS = (0.25, 0.5, 0.75)
_AS_THEY_ARE = 8  # numbers of so few different values are taken value by value
_VALUES = 40  # of a text column, the most frequent


@dataclass(frozen=True)
class Candidate:
    """A slice that may be judged: its column, its value in words, and which examples are in it, `(n,)` bool."""

    column: str
    value: str
    mask: Array


def slices(
    card: Task,
    rooms: Sequence[str],
    truth: Columns,
    predictions: Columns,
    schema: Schema,
    columns: Columns,
    groups: Sequence[str] | None = None,
    seed: int = 0,
) -> Slices | None:
    """The slices on which `card.headline` stands furthest apart; None where there is none to compare.

    `columns` are of the same examples as `truth` and `predictions`, in the same order: float64 arrays `(n,)` (NaN =
    missing), or lists of plain values (None = missing). Of more examples than `ROWS` (or `FEWER_ROWS`) a
    random sample is looked at. First come those that chance does not explain (chance < 0.05), then the
    others, by the size of their gap.
    """
    n = len(next(iter(truth.values()), ()))
    metric = discovery.find(rooms, card.headline)
    most = ROWS if subsets.means(metric, metric.prepare(truth, predictions, schema)) is not None else FEWER_ROWS
    if n > most:
        rows = np.sort(np.random.Generator(np.random.Philox(key=seed)).permutation(n)[:most])
        truth, predictions, columns = (preparation.take(one, rows) for one in (truth, predictions, columns))
        groups = None if groups is None else [groups[row] for row in rows]
        n = most
    looked = dict(list(columns.items())[:COLUMNS])
    candidates = list(_candidates(looked, n))
    if not candidates:
        return None
    state = metric.prepare(truth, predictions, schema)
    masks = np.stack([one.mask for one in candidates])
    gaps = subsets.values(metric, state, masks) - subsets.values(metric, state, ~masks)
    examined = int((~np.isnan(gaps)).sum())
    if not examined:
        return None
    sizes = masks.sum(axis=1)
    far = np.nan_to_num(np.abs(gaps) * np.sqrt(sizes * (n - sizes)), nan=-1.0)
    chosen = [int(place) for place in np.argsort(-far, kind="stable")[: min(JUDGED, examined)]]
    found = _judged(metric, state, [candidates[place] for place in chosen], bootstrap.plan(n, groups, seed), examined)
    found.sort(key=lambda one: (one.chance >= 0.05, -abs(one.gap.value)))
    return Slices(n, len(looked), examined, len(columns) - len(looked), tuple(found))


def holm(probabilities: Sequence[float], tests: int | None = None) -> list[float]:
    """Probabilities adjusted for having made `tests` tests (at least as many as are given), in the same order.

    Any left out must be greater than those given. Source: Holm, 1979.
    """
    tests = tests if tests is not None else len(probabilities)
    adjusted = [1.0] * len(probabilities)
    highest = 0.0
    for rank, place in enumerate(sorted(range(len(probabilities)), key=lambda one: probabilities[one])):
        highest = max(highest, min(1.0, probabilities[place] * (tests - rank)))
        adjusted[place] = highest
    return adjusted


def two_sided(value: float, low: float, high: float) -> float:
    """The probability of a difference so far from 0 by chance, for a normal error that fits the 95 % interval."""
    error = (high - low) / (2 * 1.959964)
    if error <= 0:
        return 1.0 if value == 0 else 0.0
    return math.erfc(abs(value) / error / math.sqrt(2))


def _judged(
    metric: ModuleType, state: Any, chosen: Sequence[Candidate], resampling: Resampling, examined: int
) -> list[Slice]:
    masks = np.stack([one.mask for one in chosen])
    inside = subsets.resampled(metric, state, masks, resampling)
    outside = subsets.resampled(metric, state, ~masks, resampling)
    scored = []
    for place, one in enumerate(chosen):
        both = np.stack([inside[:, place], outside[:, place]], axis=1)
        score = subsets.score(metric, state, one.mask, inside[:, place], resampling)
        gap = subsets.difference(metric, state, one.mask, ~one.mask, both, resampling)
        if score is not None and gap is not None:
            scored.append((one, score, gap))
    chances = holm([two_sided(gap.value, gap.low, gap.high) for _, _, gap in scored], examined)
    return [
        Slice(one.column, one.value, score, gap, chance)
        for (one, score, gap), chance in zip(scored, chances, strict=True)
    ]


def _candidates(columns: Columns, n: int) -> Iterator[Candidate]:
    """The slices of all columns that are large enough, and leave enough; each set of examples once."""
    seen: set[bytes] = set()
    for name, column in columns.items():
        for value, mask in _parts(column).items():
            size = int(mask.sum())
            key = np.packbits(mask).tobytes()
            if size >= LEAST and n - size >= LEAST and key not in seen:
                seen.add(key)
                yield Candidate(name, value, mask)


def _parts(column: Array | Sequence[Any]) -> Mapping[str, Array]:
    """The slices of one column, value in words -> which examples `(n,)` bool."""
    numbers = _numbers(column)
    if numbers is None:
        named = ["missing" if value is None else str(value) for value in column]
        kept = [name for name, count in Counter(named).most_common(_VALUES) if count >= LEAST]
        names = np.array(named, dtype=object)
        return {name: names == name for name in kept}
    missing = np.isnan(numbers)
    known = numbers[~missing]
    parts = {"missing": missing} if missing.any() else {}
    if len(different := np.unique(known)) <= _AS_THEY_ARE:
        return parts | {word: numbers == value for word, value in zip(_words(different), different, strict=True)}
    borders = np.unique(np.quantile(known, _QUARTERS, method="nearest"))
    piece = np.searchsorted(borders, numbers, side="left")
    words = _words(borders)
    between = [f"above {low} to {high}" for low, high in itertools.pairwise(words)]
    for number, name in enumerate([f"up to {words[0]}", *between, f"above {words[-1]}"]):
        parts[name] = (piece == number) & ~missing
    return parts


def _words(numbers: Array) -> list[str]:
    """Different numbers in words, with as few digits as tell them apart, four at least."""
    for digits in (4, 6, 9, 12):
        words = [f"{number:,.{digits}g}" for number in numbers]
        if len(set(words)) == len(words) and not any("e" in word for word in words):
            return words
    return [repr(float(number)) for number in numbers]


def _numbers(column: Array | Sequence[Any]) -> Array | None:
    """The column as float64 `(n,)`, NaN = missing; None where it holds anything but numbers."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiu":
        return column.astype(np.float64)
    if all(value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in column):
        return np.array([np.nan if value is None else value for value in column], dtype=np.float64)
    return None
