"""Fewer outputs than classes.

What: labels name more classes than there are outputs for.
Why it matters: some classes can never be answered.
How it is seen: exactly: the largest label against the width of the output, or of what the loss is given.
Remedy: as many outputs as there are classes.
Risk: none.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "program"
SEVERITY = 3
EXPLAINS: tuple[str, ...] = ("wrong_loss", "sign_flipped_loss", "not_learning_unknown", "underfit_capacity")
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update."""
    facts = record.facts
    width, high = facts.get("loss_width") or facts.get("output_width"), facts.get("target_high")
    if facts.get("targets") != "classes" or width is None or high is None or facts.get("targets") == "unseen":
        return None
    if (width > 1 and high < width) or (width == 1 and high <= 1):
        return None
    return Finding(
        name="wrong_output_width",
        severity=3,
        message=f"Labels go up to {high:.0f}, and the model has {width} output{'' if width == 1 else 's'}.",
        why="Classes without an output of their own can never be answered.",
        remedy=f"make the last layer {high + 1:.0f} wide",
        where={"step": 0, "layer": "output"},
        evidence={"width": width, "largest_label": high},
        refuted_by="labels that are not classes but numbers",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """Fewer output units than classes."""
    return ProgramFault("wrong_output_width")
