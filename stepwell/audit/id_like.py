"""Columns that name the row instead of describing it: running numbers, keys, free text that never repeats."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell import columns
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding

UNIQUE = 0.95
"""From this share of different values on a text names rows."""

FEWEST = 30
WORDS = 3.0
"""From this many words a cell on a text that never repeats is free text, no name."""


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1; before the split alone."""
    if parts is not None or len(inspection.looked) < FEWEST:
        return []
    kinds = {name: kind for name, column in inspection.columns.items() if (kind := _kind(column))}
    found = []
    for kind, why in _WHY.items():
        names = [name for name, own in kinds.items() if own == kind]
        if names:
            found.append(
                Finding(
                    name="free_text" if kind == "free text" else "id_like",
                    severity=1,
                    message=f"{columns.listed(names)}: {_SAID[kind]} in {len(inspection.looked):,} rows.",
                    why=why,
                    remedy="leave these columns out; name one as the group where several rows belong to one person or "
                    "thing"
                    if kind != "free text"
                    else "leave these columns out, or make columns of what in the text matters",
                    where={"column": ", ".join(names[:5])},
                    evidence={"columns": names[:20], "kind": kind},
                    examples=inspection.names(inspection.looked, 3),
                    refuted_by="values that come again in new rows",
                )
            )
    return found


_SAID = {
    "number": "running numbers, different in every row,",
    "key": "texts that (nearly) never repeat",
    "free text": "free text that (nearly) never repeats",
}
_WHY = {
    "number": "A running number says when or where a row was written down. If that is tied to the answer it is a leak, "
    "if not it is noise that can be learnt by heart.",
    "key": "What is seen once in training and never again teaches nothing of new rows, and can be learnt by heart.",
    "free text": "As a category every text is its own value, never seen again.",
}


def _kind(column: Array | Sequence[str | None]) -> str:
    """Of a column that names rows what it holds, else ""."""
    if isinstance(column, np.ndarray):
        return "number" if _running(column) else ""
    present = [cell for cell in column if cell is not None]
    if len(present) < FEWEST or len(set(present)) < UNIQUE * len(present) or columns.dates(present) is not None:
        return ""
    few = present[:1000]
    words = sum(len(cell.split()) for cell in few) / len(few)
    return "free text" if words >= WORDS else "key"


def _running(column: Array) -> bool:
    """Whether every value is another whole number and they lie so close that chance would have repeated one."""
    if not np.isfinite(column).all() or not (column == np.floor(column)).all():
        return False
    span = float(np.ptp(column)) + 1
    return len(column) <= span <= 2 * len(column) and len(np.unique(column)) == len(column)
