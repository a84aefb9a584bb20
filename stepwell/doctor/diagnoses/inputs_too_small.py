"""Inputs so small that the first layer hears next to nothing of them.

What: all columns are far smaller than what weights are made for, as when pixels are divided by 255 twice.
Why it matters: what the first layer makes of them is lost beside its biases, and its gradients are as small as they
    are: it learns late, or never.
How it is seen: the largest root mean square of a column under 0.03, and the training struggles.
Remedy: standardize each column by the mean and deviation of the training part, kept with the model.
Risk: a network that begins with a normalization layer does not need it.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

SMALL = 0.03  # a thirtieth of what weights are made for

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "vanishing_gradient",
    "bad_init_small",
    "lr_too_low",
    "underfit_capacity",
    "too_few_epochs",
    "not_learning_unknown",
    "rnn_vanishing_time",
)
REMEDIES: tuple[str, ...] = ("scale_inputs", "normalization")


def diagnose(record: Record) -> Finding | None:
    """From the first batches; spoken where it harms."""
    rms = None if record.facts.get("inputs_made") else record.facts.get("input_rms")
    if rms is None or not 0 < rms < SMALL or not measures.mature(record) or not measures.harmed(record):
        return None
    return Finding(
        name="inputs_too_small",
        severity=2,
        message=f"Inputs are very small: the largest column has a root mean square of {rms:.2g} (about 1 is usual).",
        why="What the first layer makes of them is lost beside its biases, and its gradients are as small: it learns "
        "late, or never.",
        remedy="standardize every column with the mean and deviation of the training part: x = (x - mean) / deviation; "
        "look whether they are divided twice",
        where={"part": "train", "step": 0},
        evidence={"root_mean_square": rms, "threshold": SMALL},
        refuted_by="the same loss after standardizing",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """Inputs a ten-thousandth as large."""
    return DataFault("inputs_too_small", 1e-4)
