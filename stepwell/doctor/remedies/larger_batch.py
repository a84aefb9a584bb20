"""More examples an update."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Sixteen times as many, 32 at least."""
    size = settings.get("training.batch_size")
    if not isinstance(size, int):
        return []
    found = change(settings, {"training.batch_size": max(32, 16 * size)}, "each update follows many examples")
    return [found] if found is not None else []
