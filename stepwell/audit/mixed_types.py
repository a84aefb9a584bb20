"""Columns of numbers with words among them: one stray cell makes text of all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from stepwell import columns
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding

MOSTLY = 0.5
"""From this share of numbers on the words among them are strays."""

NAMES, SEVERAL = 20, 5
"""Up to so many different numbers may be names, where a value stands in so many rows on average: "2", "4", "5more"."""

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)*|[.,]\d+)([eE][+-]?\d+)?%?")


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2; before the split alone, on a sample of the rows."""
    seen = columns.sample(inspection, labeled=False) if parts is None else None
    if seen is None:
        return []
    strays = {name: cells for name, column in seen.columns.items() if (cells := _strays(column))}
    if not strays:
        return []
    told = "; ".join(
        f"{name!r} has {len(cells):,}, for instance {seen.columns[name][cells[0]]!r}"
        for name, cells in list(strays.items())[:3]
    )
    more = f"; and {len(strays) - 3:,} more columns" if len(strays) > 3 else ""
    return [
        Finding(
            name="mixed_types",
            severity=2,
            message=f"Words stand among numbers{seen.scope}: {told}{more}.",
            why="The whole column is taken for text: 9 and 10 are then two names, and neither is the larger one.",
            remedy="mend these cells, or name their words as missing values with --reader.missing",
            where={"column": ", ".join(list(strays)[:5])},
            evidence={
                name: dict(Counter(str(seen.columns[name][at]) for at in cells).most_common(5))
                for name, cells in list(strays.items())[:20]
            },
            examples=inspection.names([int(seen.rows[at]) for cells in strays.values() for at in cells[:2]]),
            refuted_by="numbers that are names, as those of houses are",
        )
    ]


def _strays(column: Array | Sequence[str | None]) -> list[int]:
    """Where the words stand, if most of what is there are numbers and not all."""
    if isinstance(column, np.ndarray):
        return []
    known = {cell: NUMBER.fullmatch(cell.strip()) is not None for cell in set(column) if cell is not None}
    words = [place for place, cell in enumerate(column) if cell is not None and not known[cell]]
    present = sum(cell is not None for cell in column)
    if sum(known.values()) <= NAMES and len(known) * SEVERAL <= present:
        return []
    return words if 0 < len(words) < (1 - MOSTLY) * present else []
