"""A loss that expects something else than what the model answers.

What: raw numbers where probabilities are expected, or labels that the output cannot stand for.
Why it matters: the loss still gives a number, but least is not where the answers are right.
How it is seen: exactly: nll_loss without normalized log probabilities; a logarithm, written by hand, of answers
    outside 0..1; labels over 1 for one unit.
Remedy: log_softmax before nll_loss; or logits with cross_entropy; or one unit per class.
Risk: none.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

RANGED = ("relu", "tanh", "softplus", "exp", "relu6", "hardtanh")

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "sign_flipped_loss",
    "wrong_loss",
    "underfit_capacity",
    "lr_too_low",
    "not_learning_unknown",
    "exploding_gradient",
    "lr_too_high",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update."""
    facts = record.facts
    calls = facts.get("loss_calls", [])
    squashed = facts.get("loss_softmax") or any(name in ("sigmoid", "logsigmoid", "logsumexp") for name in calls)
    logarithm = facts.get("loss_logs") or facts.get("loss_wants") == "probabilities"
    reason = None
    if facts.get("loss_wants") == "log probabilities" and facts.get("output_finite") and "log_softmax" not in calls:
        if "nll_loss" in calls and not facts.get("output_log_normalized"):
            reason = "nll_loss expects log probabilities, and the rows of the output are none", "log_softmax first"
    elif (
        logarithm
        and not squashed
        and not facts.get("output_in_unit")
        and facts.get("output_finite")
        and facts.get("output_call") not in RANGED
    ):
        reason = "the loss takes logarithms of answers that are not between 0 and 1", "a sigmoid or softmax first"
    high = facts.get("target_high", 0.0)
    if facts.get("output_width") == 1 and logarithm and facts.get("targets") == "classes" and high > 1:
        reason = f"labels up to {high:.0f} meet one unit whose loss knows 0 and 1", "one unit per class"
    if "cross_entropy" in calls and facts.get("output_width") == 1 and facts.get("targets") == "classes":
        reason = "cross_entropy over one class is 0 whatever is answered", "one unit per class"
    if facts.get("loss_reduces_by_sum") and facts.get("loss_softmax") and facts.get("loss_logs"):
        reason = "a cross-entropy by hand is summed over the batch, not averaged", "cross_entropy, which averages"
    if reason is None:
        return None
    return Finding(
        name="loss_output_mismatch",
        severity=3,
        message=f"Loss and output do not belong together: {reason[0]}.",
        why="The loss gives a number all the same, but it is not least where the answers are right.",
        remedy=f"give the loss what it expects: {reason[1]}",
        where={"step": 0, "layer": "output"},
        evidence={"loss": calls[:6], "output_call": facts.get("output_call")},
        refuted_by="a documented loss that wants just this",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """A loss of log-probabilities on plain numbers."""
    return ProgramFault("loss_output_mismatch")
