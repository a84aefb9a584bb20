"""No function of the output units."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Plain numbers."""
    found = change(settings, {"model.output": "linear"}, "the answers can reach every target")
    return [found] if found is not None else []
