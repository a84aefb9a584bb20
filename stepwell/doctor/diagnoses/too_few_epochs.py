"""A run that ends while it learns.

What: the loss still falls at the end, or there were no more than some dozen updates.
Why it matters: more of the same would be better.
How it is seen: the mean loss of the last third is under that of the third before by more than 1 % of the best
    constant's, and the training struggles: a notice. Harmful where there were fewer than 32 updates in all.
Remedy: more epochs, or a larger rate.
Risk: a schedule may be about to end it well.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

RISEN = 1.3  # of the best constant's loss: what is above was thrown there

KIND = "outcome"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("underfit_capacity", "not_learning_unknown")
REMEDIES: tuple[str, ...] = ("train_longer", "raise_rate")


def diagnose(record: Record) -> Finding | None:
    """At the end."""
    if not record.ended or not measures.struggling(record) or measures.broken_at(record) is not None:
        return None
    few = measures.few(record) and measures.mature(record) and (measures.level(record) or 0.0) < RISEN
    if not few and (not measures.falls_still(record) or record.length > 5_000 or _rose(record)):
        return None
    return Finding(
        name="too_few_epochs",
        severity=2 if few else 1,
        message=f"There were {record.length:,} updates in all, too few to learn much."
        if few
        else f"The loss still falls after {record.length:,} updates.",
        why="The run ends before it has learnt what it can.",
        remedy="train for more epochs",
        where={"step": record.length},
        evidence={"level": measures.level(record), "updates": record.length},
        refuted_by="the same level after twice the updates",
    )


def _rose(record: Record) -> bool:
    return (measures.late_loss(record) or 9.0) > RISEN


def infect(settings: Settings) -> Change | None:
    """Ten updates."""
    return change(
        settings, {"budget.steps": 10, "budget.epochs": None, "budget.time": None}, "it ends before it has learnt"
    )
