"""Gradients that do not reach back in time.

What: what came first in a sequence gets next to no gradient.
Why it matters: nothing that lies far back can be learnt.
How it is seen: the gradient at the first three steps of time under 10^-2.3 of that at the last three, in the early
    probes; and it fails though its weights have moved (measured: 1 of 84 healthy runs, where the answer lies at the
    end).
Remedy: an LSTM or GRU with a forget bias of 1 to 3, shorter sequences, or attention.
Risk: the task needs no memory.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

MOVED = 0.12  # of its size, the fastest matrix in all: what has not moved has not tried (as in lr_too_low)

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("underfit_capacity", "not_learning_unknown", "lr_too_low", "too_few_epochs")
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """In the early probes; spoken where it fails."""
    ratios = [row["first_over_last"] for row in record.probes if row.get("first_over_last") is not None]
    if not ratios or not measures.mature(record) or measures.few(record):
        return None
    early = sorted(ratios[: max(3, len(ratios) // 3)])[len(ratios[: max(3, len(ratios) // 3)]) // 2]
    if not early < 10**-2.3 or not measures.failing(record) or (measures.reach(record) or MOVED) < MOVED:
        return None
    return Finding(
        name="rnn_vanishing_time",
        severity=2,
        message=f"Gradients fade through time: the first steps get {early:.0e} of what the last get (healthy: over "
        "5e-3).",
        why="What came early in a sequence has no part in what is learnt.",
        remedy="use nn.LSTM or nn.GRU with a forget bias of 1 to 3, shorter sequences, or attention",
        where={"step": 0},
        evidence={"first_over_last": early, "threshold": 10**-2.3},
        refuted_by="the same level on sequences whose order in time is shuffled",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """A plain recurrence in place of gates."""
    return ProgramFault("rnn_vanishing_time")
