"""Files that begin well and end too early."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.errors import counted
from stepwell.inspection import Inspection
from stepwell.schema import Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2, or 3 where at least half of what was looked at is cut off.

    Known by the word "truncated" in the decoder's own reason, as Pillow and zlib say it.
    """
    errors = {
        i: text
        for i, text in sorted(inspection.errors.items())
        if inspection.sizes.get(i) != 0 and "truncated" in text.lower()
    }
    if not errors:
        return []
    return [
        Finding(
            name="truncated",
            severity=3 if 2 * len(errors) >= len(inspection.looked) else 2,
            message=f"{counted(len(errors), 'file ends before its', 'files end before their')} content does"
            f"{inspection.scope}.",
            why="They are left out of every part; half a picture filled up with gray would teach the gray.",
            remedy="copy or download these files again, or remove them",
            evidence={
                "count": len(errors),
                "looked_at": len(inspection.looked),
                "bytes": {inspection.examples.ids[i]: inspection.sizes.get(i) for i in list(errors)[:5]},
            },
            examples=inspection.names(list(errors)),
            refuted_by="the files named here being as long as their originals",
        )
    ]
