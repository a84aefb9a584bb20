"""A normalization before each activation (Ioffe and Szegedy, ICML 2015; Ba et al., 2016)."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """Over the batch; over the layer where batches are smaller than 16."""
    kind = "layer" if int(record.facts.get("batch_rows") or 16) < 16 else "batch"
    found = change(settings, {"model.normalization": kind}, "each layer gets numbers of one size")
    return [found] if found is not None else []
