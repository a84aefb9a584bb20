"""Shapes (n, 1) and (n,) that meet in the loss.

What: every answer is compared with every target.
Why it matters: the best answer to all targets at once is their mean: that is what is learnt.
How it is seen: exactly: the shapes of what meets in one call.
Remedy: give both the same shape: outputs.squeeze(1), or targets.unsqueeze(1).
Risk: pairwise losses compare all with all on purpose.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "underfit_capacity",
    "not_learning_unknown",
    "wrong_loss",
    "lr_too_low",
    "rnn_vanishing_time",
    "dead_relu",
    "lr_too_high",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update."""
    shapes = record.facts.get("loss_broadcast")
    if not shapes:
        return None
    return Finding(
        name="broadcast_loss",
        severity=3,
        message=f"In the loss, shapes {tuple(shapes[0])} and {tuple(shapes[1])} meet: every answer is compared "
        "with every target.",
        why="The answer that is best against all targets at once is their mean, so the network learns a constant.",
        remedy="give both one shape: outputs.squeeze(1), or targets.unsqueeze(1)",
        where={"step": 0, "layer": "output"},
        evidence={"shapes": shapes},
        refuted_by="a loss over pairs, which is meant",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """Targets of another shape than the answers."""
    return ProgramFault("broadcast_loss")
