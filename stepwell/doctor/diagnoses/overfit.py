"""Learning by heart.

What: the loss falls on what is learnt from and rises on what is not.
Why it matters: from there on every update makes the model worse on new data.
How it is seen: the validation loss over its least by 0.15 of the best constant's, over the last three probes, while
    the training loss does not rise (measured: 0 of 84 healthy runs); or, of numbers, never under nine tenths of the
    constant's while under a quarter of the training loss is left.
Remedy: stop at the least; weight decay, dropout, augmentation, a smaller network, more data.
Risk: only the sureness grows while the score still improves: then a notice, but for a validation loss over that of a
    constant and a score 0.3 under that of training.
"""

from __future__ import annotations

from statistics import fmean

from stepwell.doctor import measures
from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

GAP = 0.3  # of the balanced accuracy
LEARNT = 0.25  # of the loss of the best constant
RISE = 0.15  # of the loss of the best constant; measured on 84 healthy runs

KIND = "outcome"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ()
REMEDIES: tuple[str, ...] = ("early_stop", "more_decay", "more_dropout", "augmentation", "smaller_network")


def diagnose(record: Record) -> Finding | None:
    """From validation; over three probes."""
    if _from_the_first(record):
        return _by_heart(record)
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
    still = still and not _far_apart(record)
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


def _far_apart(record: Record) -> bool:
    """Whether a constant would be less surprised by the held-out rows, and they are answered far worse than others."""
    best, rows = measures.constant(record), record.probes[-3:]
    if best is None or fmean(row["valid_loss"] for row in rows) <= best:
        return False
    pairs = [(row.get("balanced_accuracy"), row.get("valid_balanced_accuracy")) for row in rows]
    return all(one is not None and other is not None and one - other > GAP for one, other in pairs)


def _from_the_first(record: Record) -> bool:
    """Whether numbers are learnt and nothing of that holds for other data, so that its loss has no least to rise from.

    Of classes the loss may say so though the answers are right, where they are only too sure.
    """
    best, now = measures.constant(record), measures.level(record)
    held = [row["valid_loss"] for row in record.probes if "valid_loss" in row]
    if record.facts.get("targets") != "numbers" or best is None or now is None or not held:
        return False
    return measures.mature(record) and now < LEARNT and min(held) > measures.FAILING * best


def _by_heart(record: Record) -> Finding:
    best, now = measures.constant(record) or 1.0, measures.level(record) or 0.0
    least = min(row["valid_loss"] for row in record.probes if "valid_loss" in row) / best
    return Finding(
        name="overfit",
        severity=2,
        message=f"What is learnt holds for nothing else: {100 * now:.0f} % of the constant's loss is left in training, "
        f"and validation never fell under {100 * least:.0f} %.",
        why="It is learnt by heart: a constant would answer new data as well.",
        remedy="get more data or a smaller network, add weight decay or dropout; look whether targets belong to their "
        "inputs",
        where={"part": "valid"},
        evidence={"level": now, "least_valid": least, "threshold": measures.FAILING},
        refuted_by="a simple model that predicts held-out rows",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """A twentieth of the examples, a third of them with another's label."""
    return DataFault("overfit", 0.05)
