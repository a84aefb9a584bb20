"""More columns than rows can speak for, or than the costly checks look at."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell import columns
from stepwell.inspection import Inspection
from stepwell.schema import Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1; before the split alone."""
    width, rows = len(inspection.examples.columns), len(inspection.looked)
    if parts is not None or (width <= rows and width <= columns.COLUMNS):
        return []
    unseen = width - columns.COLUMNS
    passed = f"; the checks of what columns tell looked at the first {columns.COLUMNS:,} only" if unseen > 0 else ""
    return [
        Finding(
            name="many_columns",
            severity=1,
            message=f"There are {width:,} columns and {rows:,} rows{passed}.",
            why="Where there are many columns for few rows, some of them fit the answer by chance alone, in training "
            "and not beyond it.",
            remedy="keep the columns that were known to matter before this data was looked at, or collect more rows",
            evidence={"columns": width, "rows": rows, "not_looked_at": max(0, unseen)},
            refuted_by="scores on the test part as good as those on the training part",
        )
    ]
