"""A softmax before a loss that applies one itself.

What: probabilities are given to a cross-entropy that expects logits.
Why it matters: the loss cannot fall under ln(1 + (C-1)/e), and gradients are small: learning is slow and ends early.
How it is seen: exactly: the answers of the first batches are not negative and sum to one, and go into cross_entropy.
Remedy: leave the softmax out of the model; apply it when predicting.
Risk: a temperature or a Gumbel softmax may be meant.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "underfit_capacity",
    "wrong_loss",
    "lr_too_low",
    "not_learning_unknown",
    "vanishing_gradient",
    "too_few_epochs",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update."""
    facts = record.facts
    if facts.get("loss_wants") != "logits" or "cross_entropy" not in facts.get("loss_calls", []):
        return None
    if not facts.get("output_rows_sum_to_one") or facts.get("output_call") == "log_softmax":
        return None
    return Finding(
        name="softmax_before_ce",
        severity=3,
        message="The model ends in a softmax, and cross_entropy applies another: its rows sum to 1 where logits "
        "are expected.",
        why="Squashed twice, even certain answers look uncertain: the loss has a floor and gradients are small.",
        remedy="return the logits: remove the softmax from the model's forward, and apply it when predicting",
        where={"step": 0, "layer": "output"},
        evidence={"output_call": facts.get("output_call"), "loss": "cross_entropy"},
        refuted_by="a loss that was meant to see probabilities",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """A softmax before a loss that takes logits."""
    return ProgramFault("softmax_before_ce")
