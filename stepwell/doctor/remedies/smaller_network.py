"""A smaller network."""

from __future__ import annotations

from typing import Any

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """A quarter of the width; of a deep one two layers."""
    values: dict[str, Any] = {}
    if settings.get("model.widths"):
        values["model.widths"] = tuple(settings["model.widths"][:2])
    elif int(settings.get("model.depth") or 0) > 3 and "model.widths" in settings:
        values["model.depth"] = 2
    elif isinstance(settings.get("model.width"), int):
        values["model.width"] = max(4, settings["model.width"] // 4)
    found = change(settings, values, "less to learn by heart with") if values else None
    return [found] if found is not None else []
