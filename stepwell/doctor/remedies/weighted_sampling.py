"""Rare classes are shown more often."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Each class as often as the others."""
    found = change(settings, {"imbalance.name": "weighted_sampling"}, "rare classes are seen as often as frequent ones")
    return [found] if found is not None else []
