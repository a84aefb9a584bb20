"""Padding that the loss counts.

What: sequences are filled up to one length, and the loss asks for an answer where there is nothing.
Why it matters: the network learns to say "padding", and its loss falls with the share of it, not with what it knows.
How it is seen: exactly: the answers at targets that end a sequence again and again are changed, and the loss changes.
Remedy: leave padding out of the loss: ignore_index, or a mask and a division by what is left.
Risk: what ends the sequences is meant: a silence, an empty label.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

MUCH = 0.1  # of all targets, from which padding decides what is learnt

KIND = "program"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("underfit_capacity", "overfit")
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """Exact, at the first update; spoken from a tenth of the targets on."""
    share = record.facts.get("padding_share", 0.0)
    if not record.facts.get("padding_counted") or share < MUCH:
        return None
    return Finding(
        name="padding_in_loss",
        severity=2,
        message=f"{100 * share:.0f} % of the targets that the loss counts end a sequence again and again: padding.",
        why="What is easiest to answer is learnt first, and a loss that falls says little about the rest.",
        remedy="pass ignore_index with the number of the padding, or mask its terms and divide by how many are left",
        where={"step": 0},
        evidence={"padding_share": share, "threshold": MUCH},
        refuted_by="these targets being answers that are meant",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """A loss over all places of a batch."""
    return ProgramFault("padding_in_loss")
