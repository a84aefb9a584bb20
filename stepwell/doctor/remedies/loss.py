"""The loss that belongs to the kind of target."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Cross-entropy of classes, the squared error of numbers."""
    fitting = "mse" if record.facts.get("targets") == "numbers" else "cross_entropy"
    found = change(settings, {"loss.name": fitting}, "the loss of this kind of target")
    return [found] if found is not None else []
