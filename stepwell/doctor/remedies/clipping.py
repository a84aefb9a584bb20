"""Gradients cut to a norm (Pascanu, Mikolov and Bengio, ICML 2013)."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """To 1 over all parameters."""
    found = change(settings, {"training.clip_norm": 1.0}, "no step is longer than usual")
    return [found] if found is not None else []
