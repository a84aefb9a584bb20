"""A softmax over a single unit: always 1.

What: one output goes through a softmax, which makes it 1 whatever enters.
Why it matters: the answer is constant, and its gradient zero: nothing can be learnt.
How it is seen: exactly: a softmax makes an output of width one.
Remedy: a sigmoid for one unit, or two units for the softmax.
Risk: none.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = (
    "wrong_loss",
    "lr_too_low",
    "not_learning_unknown",
    "underfit_capacity",
    "dead_relu",
    "vanishing_gradient",
    "bad_init_small",
    "bad_init_large",
    "loss_output_mismatch",
    "saturated_units",
    "symmetric_init",
    "wrong_output_activation",
    "lr_too_high",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update."""
    facts = record.facts
    if facts.get("output_width") != 1 or facts.get("output_call") not in ("softmax", "log_softmax"):
        return None
    return Finding(
        name="single_unit_softmax",
        severity=3,
        message="The model ends in a softmax over one unit, which is always 1: its answer cannot change.",
        why="A softmax divides by the sum over units; over one unit that is the unit itself, and the gradient is zero.",
        remedy="use torch.sigmoid (or logits with binary_cross_entropy_with_logits) for one unit",
        where={"step": 0, "layer": "output"},
        evidence={"output_width": 1},
        refuted_by="answers that differ",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """A softmax over one unit."""
    return ProgramFault("single_unit_softmax")
