"""Examples that cannot be read: not what their name says, no permission, damaged.

Those that are empty or end too early have checks of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stepwell.errors import counted
from stepwell.inspection import Inspection
from stepwell.schema import Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2, or 3 where at least half of what was looked at cannot be read."""
    errors = {
        i: text
        for i, text in sorted(inspection.errors.items())
        if inspection.sizes.get(i) != 0 and "truncated" not in text.lower()
    }
    if not errors:
        return []
    first, reason = next(iter(errors.items()))
    share = len(inspection.errors) / len(inspection.looked)
    return [
        Finding(
            name="unreadable",
            severity=3 if share >= 0.5 else 2,
            message=f"{counted(len(errors), 'example', 'examples')} cannot be read{inspection.scope}, for instance "
            f"{inspection.examples.ids[first]!r}: {reason}",
            why="They are left out of every part. If one class or source is hit more than another, the rest is no "
            "longer a fair sample.",
            remedy="copy or export these files again, or remove them",
            evidence={
                "count": len(errors),
                "looked_at": len(inspection.looked),
                "reasons": dict(Counter(errors.values()).most_common(5)),
            },
            examples=inspection.names(list(errors)),
            refuted_by="another program opening the files named here without complaint",
        )
    ]
