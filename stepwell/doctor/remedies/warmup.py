"""A learning rate that rises over the first steps (Goyal et al., 2017)."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Over the first twentieth."""
    found = change(settings, {"training.warmup": 0.05}, "the first steps are small")
    return [found] if found is not None else []
