"""Columns that hold one value, or nothing, in every row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell import columns
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1; looked for in all rows, before the split alone."""
    if parts is not None or len(inspection.looked) < 2:
        return []
    values = {name: value for name, column in inspection.columns.items() if (value := _only_value(column)) is not None}
    if not values:
        return []
    empty = [name for name, value in values.items() if not value]
    said = f" ({len(empty):,} of them without any value)" if empty else ""
    return [
        Finding(
            name="constant_columns",
            severity=1,
            message=f"{len(values):,} of {len(inspection.columns):,} columns never change{said}: "
            f"{columns.listed(list(values))}.",
            why="What is the same in every row tells no row from another; it costs width, and a new value at "
            "prediction has never been seen.",
            remedy="leave these columns out (--reader.drop), or look why the export filled them with one value",
            where={"column": ", ".join(list(values)[:5])},
            evidence={"columns": len(values), "empty": len(empty), "values": dict(list(values.items())[:20])},
            refuted_by="a second value in one of these columns",
        )
    ]


def _only_value(column: Array | Sequence[str | None]) -> str | None:
    """The one value of a column as text, "" where it is empty throughout; None where there are two."""
    if isinstance(column, np.ndarray):
        same = bool((column == column[0]).all() or np.isnan(column).all())
        return None if not same else "" if np.isnan(column[0]) else f"{column[0]:g}"
    return None if len(set(column)) > 1 else (column[0] or "")
