"""Targets far from the size of what a network answers at first.

What: numbers to be learnt are very large or very small.
Why it matters: errors, and with them gradients, are as large as the targets; a rate that fits one size diverges or
    crawls at another.
How it is seen: the deviation of the targets over 20 or under 0.005, and the training struggles (measured: 0 of 84
    healthy runs).
Remedy: standardize the targets by the training part, and turn answers back when predicting.
Risk: a relative loss already does that.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

LEAST, MOST = 0.005, 20.0  # measured on 84 healthy runs

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "lr_too_low",
    "underfit_capacity",
    "not_learning_unknown",
    "bad_init_large",
    "dead_relu",
    "too_few_epochs",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ("scale_targets", "lower_rate")


def diagnose(record: Record) -> Finding | None:
    """From the first targets; spoken where it harms."""
    deviation = record.facts.get("target_deviation")
    if record.facts.get("targets") != "numbers" or deviation is None or LEAST <= deviation <= MOST:
        return None
    if not measures.mature(record) or not measures.harmed(record):
        return None
    return Finding(
        name="unscaled_targets",
        severity=2,
        message=f"Targets are not scaled: their deviation is {deviation:,.4g} (about 1 is usual).",
        why="The error of the first answers is as large as the targets, and so are the gradients: steps are too "
        "long or "
        "too short whatever the rate.",
        remedy="train on (y - mean) / deviation of the training part and turn the answers back",
        where={"part": "train", "step": 0},
        evidence={"deviation": deviation, "range": [LEAST, MOST]},
        refuted_by="the same share of the constant's loss after scaling",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """Targets a thousand times as large, and moved."""
    return DataFault("unscaled_targets", 1000.0)
