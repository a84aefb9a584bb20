"""An activation that lets gradients through."""

from __future__ import annotations

from typing import Any

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """ELU in place of a rectifier that died, else the rectifier."""
    values: dict[str, Any] = {"model.activation": "elu" if finding.name == "dead_relu" else "relu"}
    if settings.get("model.activations"):
        values["model.activations"] = None
    found = change(settings, values, "a gradient passes through every layer")
    return [found] if found is not None else []
