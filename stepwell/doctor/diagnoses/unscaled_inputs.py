"""Inputs far from the size that weights are made for.

What: columns are large, or of very different sizes.
Why it matters: a large column drowns the others, saturates what squashes, and makes one learning rate too high for
    it and too low for the rest.
How it is seen: the largest root mean square of a column over 50, or the largest deviation over 30 times the median
    one, or a root mean square over 8 with saturated units at the beginning; and the training struggles (measured: 0
    of 84 healthy runs); or ten times these, and more than a quarter of the loss is left.
Remedy: standardize each column by the mean and deviation of the training part, kept with the model; a logarithm
    first where a column spans decades.
Risk: a network that begins with a normalization layer does not need it.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

LARGE, SPREAD, RAW = 50.0, 30.0, 8.0  # measured on 84 healthy runs; raw pixels of 0 to 16 are healthy

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "dead_relu",
    "underfit_capacity",
    "lr_too_low",
    "vanishing_gradient",
    "not_learning_unknown",
    "too_few_epochs",
    "rnn_vanishing_time",
    "overfit",
)
REMEDIES: tuple[str, ...] = ("scale_inputs", "normalization")


def diagnose(record: Record) -> Finding | None:
    """From the first batches; spoken where it harms."""
    facts = record.facts
    rms, spread = facts.get("input_rms"), facts.get("input_spread")
    if rms is None or spread is None or facts.get("inputs_made"):
        return None
    saturated = max(measures.layers(measures.first_probe(record), "saturated").values(), default=0.0)
    large = rms > LARGE or spread > SPREAD or (rms > RAW and saturated > 0.3)
    harmed = measures.mature(record) and (measures.harmed(record) or saturated >= 0.5)
    begins_high = (measures.excess(record) or 0.0) > 2.0 and measures.mature(record)
    far = (rms > 10 * LARGE or spread > 10 * SPREAD) and measures.mature(record) and measures.lagging(record)
    slow = rms > RAW and measures.mature(record) and measures.struggling(record)
    if not far and not (large and (harmed or begins_high)) and not (slow and rms > 12 and spread > 3):
        return None
    return Finding(
        name="unscaled_inputs",
        severity=2,
        message=f"Inputs are not scaled: the largest column has a root mean square of {rms:,.4g} (about 1 is "
        "usual), and "
        f"its deviation is {spread:,.3g} times that of the median column.",
        why="The largest columns drown the others and push units to where they are flat; one learning rate cannot "
        "fit all.",
        remedy="standardize every column with the mean and deviation of the training part: x = (x - mean) / deviation",
        where={"part": "train", "step": 0},
        evidence={"root_mean_square": rms, "threshold": LARGE, "spread": spread, "spread_threshold": SPREAD},
        refuted_by="the same loss after standardizing",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """Inputs a thousand times as large, and moved."""
    return DataFault("unscaled_inputs", 1000.0)
