"""Another optimizer at its usual settings."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Adam at its own rate; where it is Adam already, its own settings."""
    if str(settings.get("optimizer.name", "")).startswith("adam"):
        usual = {"optimizer.beta1": 0.9, "optimizer.beta2": 0.999, "optimizer.epsilon": 1e-8}
        found = change(settings, {path: one for path, one in usual.items() if path in settings}, "its usual settings")
    else:
        adam: Settings = {"optimizer.name": "adam", "optimizer.learning_rate": 0.001}
        found = change(settings, adam, "steps of one size in every direction")
    return [found] if found is not None else []
