"""Learning by heart.

What: the loss falls on what is learnt from and rises on what is not.
Why it matters: from there on every update makes the model worse on new data.
How it is seen: the validation loss over its least by 0.15 of the best constant's, over the last three probes, while
    the training loss does not rise (measured: 0 of 84 healthy runs).
Remedy: stop at the least; weight decay, dropout, augmentation, a smaller network, more data.
Risk: only the sureness grows while the score still improves: then a notice.
"""

from __future__ import annotations

from statistics import fmean

from stepwell.doctor import measures
from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

RISE = 0.15  # of the loss of the best constant; measured on 84 healthy runs

KIND = "outcome"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ()
REMEDIES: tuple[str, ...] = ("early_stop", "more_decay", "more_dropout", "augmentation", "smaller_network")


def diagnose(record: Record) -> Finding | None:
    """From validation; over three probes."""
    rise = measures.valid_rise(record)
    if rise is None or rise[0] <= RISE or not measures.mature(record) or measures.failing(record):
        return None  # what learns nothing learns nothing by heart
    before = next(row["loss"] for row in record.probes if row["step"] == rise[1])
    if fmean(row["loss"] for row in record.probes[-3:]) > before:
        return None  # both rose, as after a spike
    scores = [
        (row["step"], row["valid_balanced_accuracy"]) for row in record.probes if "valid_balanced_accuracy" in row
    ]
    best = max((score for step, score in scores if step <= rise[1]), default=None)
    still = bool(scores) and best is not None and sum(score for _, score in scores[-3:]) / 3 >= best - 0.01
    return Finding(
        name="overfit",
        severity=1 if still else 2,
        message=f"The validation loss rose by {rise[0]:.2f} of the best constant's since update {rise[1]:,}, while "
        "the training loss fell on.",
        why="What is learnt now is learnt by heart: it makes answers to new data worse"
        + (" or only too sure." if still else "."),
        remedy=f"stop at update {rise[1]:,} (keep the best weights), add weight decay or dropout, or get more data",
        where={"part": "valid", "step": rise[1]},
        evidence={"rise": rise[0], "threshold": RISE},
        refuted_by="a validation score that still improves",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """A twentieth of the examples, a third of them with another's label."""
    return DataFault("overfit", 0.05)
