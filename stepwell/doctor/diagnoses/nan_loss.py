"""A loss by hand that is not finite where the library's is.

What: the logarithm of a softmax or sigmoid is taken in two calls.
Why it matters: a probability that rounds to 0 has an infinite logarithm; one such row ends the training.
How it is seen: exactly: softmax or sigmoid, then log, without a clamp; and the loss is not finite.
Remedy: log_softmax, or cross_entropy on logits, which never leave the finite.
Risk: none.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = ("exploding_gradient", "lr_too_high", "not_learning_unknown")
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """From the calls to the loss, when it is not finite."""
    calls = record.facts.get("loss_calls", [])
    by_hand = "log" in calls and ("softmax" in calls or "sigmoid" in calls) and not record.facts.get("loss_clamps")
    step = measures.broken_at(record)
    if step is None or not by_hand:
        return None
    return Finding(
        name="nan_loss",
        severity=3,
        message=f"The loss is not finite from update {step:,} on: it takes log(softmax(…)) in two calls.",
        why="A probability that rounds to zero has an infinite logarithm; one such row is enough.",
        remedy="use torch.nn.functional.cross_entropy on the logits (or log_softmax)",
        where={"step": step},
        evidence={"calls": calls},
        refuted_by="cross_entropy on the same logits that is not finite either",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """A logarithm of probabilities that reach zero."""
    return ProgramFault("nan_loss")
