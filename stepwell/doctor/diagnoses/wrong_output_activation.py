"""Answers that cannot reach the targets.

What: the last activation has a range, and the targets, or the loss, ask for others.
Why it matters: the network comes as near as it can and stays there, flat.
How it is seen: exactly for numbers: targets outside the range by more than 5 % of their deviation. For classes:
    sigmoid, tanh or rectified outputs under a loss of several classes, where the training struggles.
Remedy: no activation at the end for numbers; logits with the library's loss for classes.
Risk: clipping may be meant.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, ProgramFault, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "lr_too_low",
    "underfit_capacity",
    "not_learning_unknown",
    "wrong_loss",
    "dead_relu",
    "too_few_epochs",
)
REMEDIES: tuple[str, ...] = ("linear_output",)


def diagnose(record: Record) -> Finding | None:
    """Exact for numbers; for classes where it harms."""
    facts = record.facts
    call = facts.get("output_call", "")
    low, high = facts.get("output_low"), facts.get("output_high")
    if facts.get("targets") == "numbers" and call:
        room = 0.05 * facts["target_deviation"]
        beyond = (low is not None and facts["target_low"] < low - room) or (
            high is not None and facts["target_high"] > high + room
        )
        if not beyond:
            return None
        lowest, highest = facts["target_low"], facts["target_high"]
        said = f"targets lie between {lowest:,.4g} and {highest:,.4g}, and {call} cannot reach them"
    elif facts.get("targets") == "classes" and call in ("sigmoid", "tanh", "relu"):
        several = facts.get("output_width", 1) > 1
        logs = facts.get("loss_logs") or facts.get("loss_wants") in ("logits", "probabilities")
        if not logs or not measures.mature(record) or not measures.harmed(record):
            return None
        if call == "sigmoid" and not several:
            return None
        said = f"{call} makes the answers, and the loss wants probabilities" + (
            " of several classes" if several else ""
        )
    else:
        return None
    return Finding(
        name="wrong_output_activation",
        severity=3,
        message=f"The last activation does not fit: {said}.",
        why="The network comes as near as its last activation allows and stays there, where the gradient is flat.",
        remedy="return plain numbers from the last layer; for classes use logits with cross_entropy",
        where={"step": 0, "layer": "output"},
        evidence={"output_call": call, "range": [low, high], "targets": [facts["target_low"], facts["target_high"]]},
        refuted_by="targets that are clipped on purpose",
    )


def infect(settings: Settings) -> Change | ProgramFault | None:
    """A sigmoid before numbers that it cannot reach."""
    if "model.output" in settings:
        return change(settings, {"model.output": "sigmoid"}, "the answers cannot reach the targets")
    return ProgramFault("wrong_output_activation")
