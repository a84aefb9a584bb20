"""Other views of each example."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Flips and shifts of pictures; none of other data, whose answer they could change."""
    if settings.get("augmentation") or "prepare.channels" not in settings:
        return []
    return [Change({"augmentation": ("flip", "crop")}, "each epoch shows other pictures")]
