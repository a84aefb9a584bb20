"""It does not learn, and nothing here says why.

What: the loss stays at that of a constant answer.
Why it matters: more of the same will not help; the cause must be found first.
How it is seen: a loss over nine tenths of the best constant's for the last fifth, which no longer falls, with
    classes not told apart, and no other diagnosis.
Remedy: the cheapest telling experiment: fit 16 samples with Adam; if that works it is the optimizer, else the
    model, loss or data. Healing tries other rates and another optimizer.
Risk: a long plateau before a sudden fall.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "unknown"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ()
REMEDIES: tuple[str, ...] = ("raise_rate", "lower_rate", "optimizer")  # what has no name is answered by experiments


def diagnose(record: Record) -> Finding | None:
    """By the horizon, last of all."""
    now = measures.level(record)
    if not measures.mature(record) or not measures.failing(record) or record.progress < 0.5:
        return None
    if measures.broken_at(record) is None and (measures.falls_still(record) or measures.tells(record)):
        return None
    return Finding(
        name="not_learning_unknown",
        severity=2,
        message="It learns nothing: the loss is "
        + ("not finite." if now is None else f"{now:.2f} of that of the best constant answer."),
        why="Nothing that was read says why. The cheapest experiment that would: train 16 samples with Adam at 0.003.",
        remedy="if 16 samples can be learnt by heart, change the optimizer or its rate; if not, look at model, "
        "loss and data",
        where={"step": record.length},
        evidence={"level": now, "own_fit": record.facts.get("own_fit"), "adam_fit": record.facts.get("adam_fit")},
        refuted_by="a loss that falls when trained longer",
    )


def infect(settings: Settings) -> None:  # noqa: ARG001 - the same of any settings
    """None: what is unknown cannot be made."""
    return
