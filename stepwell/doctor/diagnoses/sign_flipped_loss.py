"""A loss that is made larger.

What: the sign of the loss is turned round.
Why it matters: the network learns to be wrong, ever more surely.
How it is seen: exactly: the last call before backward is a negation of a cross-entropy or of a squared error; or a
    loss of classes under zero.
Remedy: remove the minus.
Risk: log likelihoods are negated on purpose: then the loss itself is a likelihood.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

LOSSES = frozenset(
    {"cross_entropy", "nll_loss", "mse_loss", "l1_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits"}
)

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "exploding_gradient",
    "lr_too_high",
    "not_learning_unknown",
    "nan_loss",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update."""
    facts = record.facts
    calls = [name for name in facts.get("loss_calls", []) if name not in ("div", "mul", "neg", "__neg__", "__rmul__")]
    negated = any(name in ("neg", "__neg__") for name in facts.get("loss_calls", [])[-3:])
    known = calls[-1:] and calls[-1] in LOSSES
    initial = facts.get("initial_loss")
    below = isinstance(initial, float) and initial < 0
    if not (negated and known and below):
        return None
    return Finding(
        name="sign_flipped_loss",
        severity=3,
        message=f"The loss is the negative of {calls[-1]}: training makes the error larger.",
        why="Gradient descent lowers what it is given; given the negative of an error it learns to be wrong.",
        remedy="remove the minus before the loss",
        where={"step": 0},
        evidence={"calls": facts.get("loss_calls", [])[-4:], "initial_loss": initial},
        refuted_by="an objective that is to be made large, and is negated for that",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """The negative of the loss."""
    return ProgramFault("sign_flipped_loss")
