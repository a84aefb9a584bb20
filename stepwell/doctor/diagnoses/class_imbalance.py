"""A class so rare that it is never answered.

What: one class holds a small share of the rows, and its recall is zero.
Why it matters: the loss is least for a network that never answers it; accuracy looks high all the while.
How it is seen: the rarest class under a tenth of an even share, and the balanced accuracy near chance.
Remedy: weight the classes, or sample rare ones more often; judge by balanced accuracy.
Risk: weights make probabilities too large for rare classes: calibrate afterwards.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "not_learning_unknown",
    "shuffled_labels",
    "underfit_capacity",
    "lr_too_high",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ("class_weights", "weighted_sampling")


def diagnose(record: Record) -> Finding | None:
    """From the class counts and the recall by class."""
    share, classes = record.facts.get("rarest_share"), record.facts.get("classes_seen")
    probes = [row for row in record.probes if "balanced_accuracy" in row]
    if not share or not classes or classes < 2 or not probes or not measures.mature(record):
        return None
    known = [row.get("valid_balanced_accuracy", row["balanced_accuracy"]) for row in probes[-3:]]
    if share >= 0.1 / (classes - 1) or max(known) > 1 / classes + 0.1 * (1 - 1 / classes):
        return None
    return Finding(
        name="class_imbalance",
        severity=2,
        message=f"The rarest class holds {100 * share:.1f} % of the rows and is hardly ever answered: the balanced "
        "accuracy "
        f"is {max(known):.2f}, chance is {1 / classes:.2f}.",
        why="Never answering a rare class costs little loss, so that is what is learnt.",
        remedy="weight the loss by class, for instance CrossEntropyLoss(weight=counts.sum() / counts), or sample "
        "by class",
        where={"part": "train"},
        evidence={"rarest_share": share, "balanced_accuracy": max(known), "classes": classes},
        refuted_by="a recall of the rare class that is clearly above zero",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """One class in a hundred."""
    return DataFault("class_imbalance", 0.99)
