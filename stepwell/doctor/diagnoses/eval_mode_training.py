"""Training in evaluation mode.

What: model.eval() was called, and no model.train() after it.
Why it matters: normalization layers use statistics that nobody updates, and dropout drops nothing.
How it is seen: exactly: norm and dropout layers whose training flag is off while gradients are made, in most of the
    first updates.
Remedy: model.train() before the training loop, and after each validation.
Risk: a frozen body is put to sleep on purpose: where most of the weights are frozen, nothing is said.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = ("overfit", "lr_too_high", "too_few_epochs")
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, from the first updates."""
    asleep = record.facts.get("evaluation_mode_in_training", {})
    updates = min(record.length, 64)
    lasting = [name for name, count in asleep.items() if count >= 0.9 * max(updates, 1)]
    if not lasting or updates < 2 or float(record.facts.get("learning_share", 1.0)) < 0.5:
        return None
    return Finding(
        name="eval_mode_training",
        severity=3,
        message=f"It trains in evaluation mode: {', '.join(lasting[:3])} are not in training mode.",
        why="Normalization uses statistics that are never updated, and dropout drops nothing.",
        remedy="call model.train() before the loop, and again after each validation",
        where={"step": 0, "layer": lasting[0]},
        evidence={"layers": lasting, "updates": updates},
        refuted_by="layers that are frozen on purpose",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """The network trains in evaluation mode."""
    return ProgramFault("eval_mode_training")
