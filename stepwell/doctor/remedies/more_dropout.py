"""More units dropped (Srivastava et al., JMLR 2014)."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Three in ten."""
    found = change(settings, {"model.dropout": 0.3}, "no unit can rely on another")
    return [found] if found is not None else []
