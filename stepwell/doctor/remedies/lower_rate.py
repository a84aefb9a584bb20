"""A lower learning rate."""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, rate_times
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """A tenth; and so far down that an early update is half a percent of the weights, where that is further."""
    early = measures.early_update(record)
    factors = [0.1]
    if early is not None and early > 0.1:
        factors.append(max(0.005 / early, 1e-6))
    found = [rate_times(settings, factor, "steps that do not overshoot") for factor in factors]
    return [one for one in found if one is not None]
