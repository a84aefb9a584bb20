"""Errors on rare classes count more."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """By the inverse of the share of a class."""
    found = change(settings, {"imbalance.name": "class_weights"}, "rare classes count as much as frequent ones")
    return [found] if found is not None else []
