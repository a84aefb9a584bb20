"""Each layer adds to what it is given (He et al., CVPR 2016)."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Where the widths agree."""
    found = change(settings, {"model.residual": True}, "gradients have a way around each layer")
    return [found] if found is not None else []
