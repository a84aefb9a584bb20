"""A lighter penalty on the weights."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """None, of whichever there is."""
    heavy = [path for path in ("training.l1", "optimizer.weight_decay", "optimizer.l2") if settings.get(path)]
    return [Change(dict.fromkeys(heavy, 0.0), "the data outweigh the penalty")] if heavy else []
