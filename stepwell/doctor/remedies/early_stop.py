"""Training ends where validation gains no more."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """After five validations without a gain."""
    found = change(settings, {"training.patience": 5}, "it ends before it learns by heart")
    return [found] if found is not None else []
