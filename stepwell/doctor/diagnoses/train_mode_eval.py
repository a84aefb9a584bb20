"""Validation in training mode.

What: the model answers to held-out data with dropout on, or normalizes by the batch and learns its statistics.
Why it matters: scores are too low and random, and statistics of held-out data flow into the model.
How it is seen: exactly: norm and dropout layers in training mode in a pass without gradients over rows that were
    not learnt from.
Remedy: model.eval() before validating, model.train() after.
Risk: Monte-Carlo dropout does so on purpose.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ()
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact."""
    awake = record.facts.get("training_mode_in_evaluation")
    if not awake:
        return None
    return Finding(
        name="train_mode_eval",
        severity=2,
        message=f"It validates in training mode: {', '.join(awake[:3])}.",
        why="Dropout drops at random, and normalization takes in statistics of the held-out rows: scores are "
        "wrong and leak.",
        remedy="call model.eval() before validating, and model.train() after",
        where={"part": "valid", "layer": awake[0]},
        evidence={"layers": awake},
        refuted_by="Monte-Carlo dropout, which is meant",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """Validation in training mode."""
    return ProgramFault("train_mode_eval")
