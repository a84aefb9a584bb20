"""First weights scaled by the number of inputs of a unit."""

from __future__ import annotations

from typing import Any

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """As the activation wants it: He for rectifiers, LeCun for SELU, else Glorot; biases zero."""
    activation = str(settings.get("model.activation", "relu"))
    method = {"selu": "lecun", "tanh": "xavier", "sigmoid": "xavier", "linear": "xavier"}.get(activation, "he")
    wanted = {"model.initialization": method, "model.initial_scale": None, "model.initial_bias": 0.0}
    values: dict[str, Any] = {path: value for path, value in wanted.items() if path in settings}
    found = change(settings, values, "signals keep their size from layer to layer") if values else None
    return [found] if found is not None else []
