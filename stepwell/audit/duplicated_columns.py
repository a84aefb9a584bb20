"""Columns that say the same as another: equal, the same numbers in another unit, or the same values renamed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from stepwell import columns
from stepwell.errors import counted
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding

REPEATED = 3
"""A column whose values occur less often than this on average is compared as numbers alone."""


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1; before the split alone, on a sample of the rows."""
    seen = columns.sample(inspection, labeled=False) if parts is None else None
    if seen is None or len(seen.rows) < columns.ENOUGH:
        return []
    alike: dict[bytes, list[str]] = {}
    for name, column in seen.columns.items():
        for key in _keys(column):
            alike.setdefault(key, []).append(name)
    sets = sorted({tuple(names) for names in alike.values() if len(names) > 1})
    # What is equal as numbers is equal as names too: the larger set says it all.
    sets = [one for one in sets if not any(set(one) < set(other) for other in sets)]
    if not sets:
        return []
    shown = "; ".join(" = ".join(repr(name) for name in names[:4]) for names in sets[:3])
    more = f"; and {len(sets) - 3:,} more sets" if len(sets) > 3 else ""
    surplus = sum(len(names) - 1 for names in sets)
    return [
        Finding(
            name="duplicated_columns",
            severity=1,
            message=f"{counted(surplus, 'column repeats', 'columns repeat')} what another says{seen.scope}: "
            f"{shown}{more}.",
            why="The same fact counts several times, its importance is divided among the copies, and all of them must "
            "be there at prediction.",
            remedy="keep one of each set and leave the others out (--reader.drop)",
            where={"column": ", ".join(sets[0][:5])},
            evidence={"surplus": surplus, "sets": [list(names[:10]) for names in sets[:20]], "rows": len(seen.rows)},
            refuted_by="a row in which one column of a set changes and the other does not",
        )
    ]


def _keys(column: Array | Sequence[str | None]) -> list[bytes]:
    """What equal columns have in common: one key by which value goes with which, one for numbers up to a unit."""
    codes, levels = columns.coded(column)
    if levels < 2:
        return []  # constant: a check of its own
    keys = []
    if levels * REPEATED <= len(codes):
        _, first, order = np.unique(codes, return_index=True, return_inverse=True)
        renamed = np.argsort(np.argsort(first))[order].astype(np.int32)
        keys.append(b"names" + hashlib.sha256(renamed.tobytes()).digest())
    if isinstance(column, np.ndarray):
        scaled = _scaled(column)
        if scaled is not None:
            keys.append(b"numbers" + hashlib.sha256(scaled.tobytes()).digest())
    else:
        keys.append(b"texts" + hashlib.sha256("\0".join(f"{cell!r}" for cell in column).encode()).digest())
    return keys


def _scaled(column: Array) -> Array | None:
    """The numbers without offset, unit and sign, rounded so that the last digits of a conversion do not count."""
    present = column[np.isfinite(column)]
    if len(present) == 0:
        return None
    with np.errstate(over="ignore"):
        span = np.ptp(present)
    if not 0 < span < np.inf:
        return None
    scaled: Array = (column - present[0]) / span
    changed = scaled[np.isfinite(scaled) & (np.abs(scaled) > 1e-9)]
    # Beyond the range, which is 1: what stands for missing and for either infinity.
    whole = np.nan_to_num(scaled * np.sign(changed[0]), nan=9.0, posinf=8.0, neginf=-8.0)
    rounded: Array = np.round(whole, 7) + 0.0
    return rounded
