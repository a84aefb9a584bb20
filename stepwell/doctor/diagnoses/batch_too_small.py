"""Batches so small that updates are mostly noise.

What: the loss goes up and down and does not settle.
Why it matters: each update follows a few samples; with momentum and a fixed rate it never settles.
How it is seen: under 4 samples in a batch, and the training struggles.
Remedy: 16 samples or more, or a falling rate.
Risk: averaging the weights gives the same.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("oscillation",)
REMEDIES: tuple[str, ...] = ("larger_batch", "lower_rate")


def diagnose(record: Record) -> Finding | None:
    """By the horizon; spoken where it harms."""
    rows = record.facts.get("batch_rows") or (record.facts.get("output_shape") or [0])[0]
    if not 0 < rows < 4 or not measures.mature(record) or not measures.struggling(record):
        return None
    return Finding(
        name="batch_too_small",
        severity=2,
        message=f"Batches of {rows} make updates that are mostly noise, and the loss does not settle.",
        why="Each update follows a few samples and undoes what others taught.",
        remedy="use batches of 16 or more, or let the learning rate fall",
        where={"step": record.length},
        evidence={"batch": rows, "own_rises": measures.own_rises(record)},
        refuted_by="the same level with averaged weights",
    )


def infect(settings: Settings) -> Change | None:
    """One example an update."""
    return change(settings, {"training.batch_size": 1}, "each update follows one example")
