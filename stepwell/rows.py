"""Rows of a table that are equal: a hash of each, and whether chance alone explains that some are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from stepwell import randomness

Keys = npt.NDArray[np.uint64]

Column = npt.NDArray[Any] | Sequence[Any]
"""The cells of a column: numbers `(n,)`, NaN where nothing is, or a text or None each."""

OWN = 0.5
"""A column with more different values than this share of the rows names them, or nearly: it tells no rows alike."""

_APART = 0x9E3779B97F4A7C15  # an odd number without a pattern (2**64 by the golden ratio)


def keys(columns: Sequence[Column], count: int) -> Keys:
    """A 64-bit hash of each of `count` rows, `(count,)`: equal where all cells are; nothing missing equals 0 or ""."""
    found = np.zeros(count, dtype=np.uint64)
    for column in columns:
        found = randomness.mixed(found * np.uint64(31) + _cells(column))
    return found


def equal_by_chance(columns: Sequence[Column], known: Keys) -> bool:
    """Whether rows, whose `keys` are known, are equal because their columns take few values, and were not copied.

    Where chance makes rows equal it makes more that differ in a single column: by a digit, by one answer of many.
    A copy has no such neighbors. So the rows that repeat another one in all columns but one are counted, for each
    column in turn, against those that do so in all. It is chance as well where columns that knew nothing of each other
    would make as many pairs of equal rows: of one fine column some values always come twice. Nothing equal is no
    chance either.
    """
    count, copies = len(known), _repeated(known)
    if not copies:
        return False
    whole = np.zeros(count, dtype=np.uint64)
    for place, column in enumerate(columns):
        whole += _placed(column, place)
    nearly, share = 0, 1.0  # of all pairs of rows that are equal in every column so far, were these independent
    for place, column in enumerate(columns):
        if nearly >= copies:
            break
        own = _placed(column, place)
        counts = np.unique(own, return_counts=True)[1].astype(np.float64)
        share *= float((counts * (counts - 1)).sum()) / (count * (count - 1))
        if len(counts) <= OWN * count:
            nearly += _repeated(whole - own) - copies
    return copies <= max(nearly, share * count * (count - 1) / 2)


def _repeated(found: Keys) -> int:
    return len(found) - len(np.unique(found))


def _placed(column: Column, place: int) -> Keys:
    """Hashes of a column's cells, others at another place: a row is their sum, which a column is taken from again."""
    mixed: Keys = randomness.mixed(_cells(column) + np.uint64((place + 1) * _APART % 2**64))
    return mixed


def _cells(column: Column) -> Keys:
    if isinstance(column, np.ndarray):
        # One zero and one NaN, whatever their bits were.
        bits: Keys = np.where(np.isnan(column), np.nan, column.astype(np.float64) + 0.0).view(np.uint64)
        return bits
    known = {value: place for place, value in enumerate(dict.fromkeys(column))}
    each = randomness.keys(["absent" if value is None else f"text {value}" for value in known])
    own: Keys = each[[known[value] for value in column]]
    return own
