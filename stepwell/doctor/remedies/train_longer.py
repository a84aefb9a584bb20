"""More training."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Four times as long."""
    known = [path for path in ("budget.steps", "budget.epochs") if settings.get(path)]
    return [Change({path: 4 * settings[path] for path in known}, "it was still learning")] if known else []
