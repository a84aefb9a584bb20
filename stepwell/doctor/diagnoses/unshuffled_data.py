"""Batches that hold one class after the other.

What: the data is sorted and not shuffled.
Why it matters: every update unlearns what the last one taught; running statistics follow the order.
How it is seen: exactly: the median count of classes in a batch is at most half of what shuffling gives.
Remedy: shuffle: DataLoader(…, shuffle=True), or a new permutation each epoch.
Risk: a curriculum is sorted on purpose.
"""

from __future__ import annotations

from stepwell.doctor.changes import ProgramFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

HALF = 0.51  # of what shuffling gives: one class in a batch of two is as sorted as can be

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "shuffled_labels",
    "lr_too_high",
    "overfit",
    "not_learning_unknown",
    "batch_too_small",
    "oscillation",
    "too_few_epochs",
    "rnn_vanishing_time",
    "dead_relu",
)
REMEDIES: tuple[str, ...] = ()  # advice alone: the fault is in the code or in the data


def diagnose(record: Record) -> Finding | None:
    """From the targets of the first batches."""
    seen, rows = record.facts.get("batch_classes"), record.facts.get("batch_rows", 0)
    shares = [count for count in record.facts.get("class_counts", []) if count]
    classes = record.facts.get("classes_seen") or len(shares)
    if not seen or rows < 16 or classes < 2 or len(seen) < 3:
        return None
    parts = record.facts.get("class_shares") or [1 / classes] * classes
    expected = sum(1 - (1 - part) ** rows for part in parts)
    middle = sorted(seen)[len(seen) // 2]
    if middle > HALF * expected:
        return None
    return Finding(
        name="unshuffled_data",
        severity=2,
        message=f"Batches hold {middle} of {classes} classes; shuffled ones of {rows} rows would hold {expected:.1f}.",
        why="Each update teaches one class and unlearns the others; normalization layers follow whatever came last.",
        remedy="shuffle the training data anew each epoch: DataLoader(data, shuffle=True)",
        where={"part": "train"},
        evidence={"classes_in_a_batch": middle, "expected": expected, "threshold": HALF},
        refuted_by="an order that is meant, such as a curriculum",
    )


def infect(settings: Settings) -> ProgramFault:  # noqa: ARG001 - the same of any settings
    """Examples in the order of their classes."""
    return ProgramFault("unshuffled_data")
