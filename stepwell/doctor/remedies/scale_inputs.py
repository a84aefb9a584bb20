"""Inputs of one scale, from what the training part holds."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Mean 0, standard deviation 1."""
    found = change(settings, {"prepare.scaling": "standard"}, "every column has the same say")
    return [found] if found is not None else []
