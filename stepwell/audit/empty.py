"""Files of zero bytes: what a broken download or a full disk leaves behind."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.errors import counted
from stepwell.inspection import Inspection
from stepwell.schema import Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2, or 3 where at least half of what was looked at is empty."""
    empty = sorted(i for i, size in inspection.sizes.items() if size == 0 and i in inspection.errors)
    if not empty:
        return []
    return [
        Finding(
            name="empty",
            severity=3 if 2 * len(empty) >= len(inspection.looked) else 2,
            message=f"{counted(len(empty), 'file holds', 'files hold')} no byte at all{inspection.scope}.",
            why="They are left out of every part; often a copy or a download was cut short, and more is missing "
            "than these.",
            remedy="copy or download the data again, or remove these files",
            evidence={"count": len(empty), "looked_at": len(inspection.looked)},
            examples=inspection.names(empty),
            refuted_by="a size above zero of the files named here",
        )
    ]
