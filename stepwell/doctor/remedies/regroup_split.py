"""A split that keeps copies on one side."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True
BY_GAIN = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Copies and near copies together."""
    if "split.near" not in settings or settings["split.near"]:
        return []
    return [Change({"split.near": 6}, "no example is on both sides")]
