"""A heavier penalty on the weights (Loshchilov and Hutter, ICLR 2019)."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Ten times, a hundredth at least."""
    path = next((one for one in ("optimizer.weight_decay", "optimizer.l2") if one in settings), None)
    if path is None:
        return []
    return [Change({path: float(f"{max(0.01, 10 * float(settings[path])):.2g}")}, "large weights cost more")]
