"""Fewer units dropped."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """A tenth; none where it is a tenth already."""
    share = 0.1 if float(settings.get("model.dropout", 0.0)) > 0.1 else 0.0
    found = change(settings, {"model.dropout": share}, "enough of each layer is left")
    return [found] if found is not None else []
