"""Examples whose name says that they are not to be used, as laboratories mark what went wrong."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.inspection import Inspection
from stepwell.schema import Finding

MARK = "DO_NOT_USE"


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2 where a name holds the mark."""
    marked = [index for index, name in enumerate(inspection.examples.ids) if MARK in name]
    if not marked:
        return []
    return [
        Finding(
            name="marked_unusable",
            severity=2,
            message=f"{len(marked):,} examples are marked {MARK}.",
            why="Who marked them knew that something was wrong with them.",
            remedy="take them out, or take the mark off",
            evidence={"count": len(marked)},
            examples=inspection.names(marked),
            refuted_by="a mark that meant something else",
        )
    ]
