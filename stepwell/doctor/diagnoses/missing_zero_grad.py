"""Gradients that are never set to zero.

What: every backward adds to what is there.
Why it matters: steps grow with the number of updates and point to the past.
How it is seen: exactly: non-zero gradients of parameters inside the optimizer at the first backward after a step,
    every time.
Remedy: optimizer.zero_grad() before backward.
Risk: accumulating on purpose steps only after several backwards: then nothing is said.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "lr_too_high",
    "exploding_gradient",
    "saturated_units",
    "dead_relu",
    "nan_loss",
    "not_learning_unknown",
    "oscillation",
    "too_few_epochs",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, from the fourth update on."""
    rows = [row for row in record.steps if "left_over" in row and row["step"] >= 1]
    if len(rows) < 3 or sum(row["left_over"] for row in rows) < 0.9 * len(rows):
        return None
    return Finding(
        name="missing_zero_grad",
        severity=3,
        message=f"Gradients are not set to zero: in {len(rows)} of {len(rows)} updates looked at, backward added "
        "to old ones.",
        why="Every step then follows the sum of all gradients so far: longer and longer, and toward the past.",
        remedy="call optimizer.zero_grad() before loss.backward()",
        where={"step": int(rows[0]["step"])},
        evidence={"updates": len(rows)},
        refuted_by="accumulation that is meant, which does not step after each backward",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """Gradients are never set to zero."""
    return ProgramFault("missing_zero_grad")
