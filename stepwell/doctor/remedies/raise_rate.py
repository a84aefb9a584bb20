"""A higher learning rate."""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, rate_times
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """So far up that an early update is one percent of the weights, ten-thousandfold at most; and tenfold."""
    early = measures.early_update(record)
    wanted = min(0.01 / early, 1e4) if early else 100.0
    found = [rate_times(settings, factor, "steps that get somewhere") for factor in (wanted, 10.0) if factor > 1.5]
    return [one for one in found if one is not None]
