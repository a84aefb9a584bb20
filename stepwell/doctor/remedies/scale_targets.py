"""Targets of one scale, and answers scaled back."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Mean 0, standard deviation 1."""
    found = change(settings, {"prepare.scale_target": True}, "the network answers numbers around 1")
    return [found] if found is not None else []
