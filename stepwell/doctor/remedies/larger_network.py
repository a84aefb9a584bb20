"""A larger network."""

from __future__ import annotations

from typing import Any

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Four times the width, 32 units at least."""
    values: dict[str, Any] = {}
    if settings.get("model.widths"):
        values["model.widths"] = tuple(max(32, 4 * width) for width in settings["model.widths"])
    elif isinstance(settings.get("model.width"), int):
        values["model.width"] = max(32, 4 * settings["model.width"])
    found = change(settings, values, "more to learn with") if values else None
    return [found] if found is not None else []
