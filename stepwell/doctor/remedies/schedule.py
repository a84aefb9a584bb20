"""A learning rate that falls to the end (Loshchilov and Hutter, ICLR 2017)."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """As the cosine does."""
    found = change(settings, {"schedule.name": "cosine"}, "late steps settle")
    return [found] if found is not None else []
