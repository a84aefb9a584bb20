"""Dropout that leaves too little.

What: most of what a layer says is dropped.
Why it matters: what is learnt is learnt by chance survivors, slowly or not at all.
How it is seen: a share over 0.7, and the training struggles while units are dropped, over 0.9 and it lags; or 0.5 and
    more of so few units that at most 12 are left, and it struggles without dropping too.
Remedy: a share of 0.1 to 0.5.
Risk: very wide layers bear more.
"""

from __future__ import annotations

import math

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

HALF, FEW = 0.5, 12
MOST, ALL_BUT = 0.7, 0.9

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "underfit_capacity",
    "not_learning_unknown",
    "too_few_epochs",
    "rnn_vanishing_time",
    "lr_too_high",
)
REMEDIES: tuple[str, ...] = ("less_dropout",)


def diagnose(record: Record) -> Finding | None:
    """From the layers; spoken where it harms."""
    share = float(record.facts.get("dropout", 0.0))
    units, left = _narrowest(record)
    if not measures.mature(record):
        return None
    struggles, training = measures.struggling(record), measures.level_in_training(record) or 0.0
    most = share > MOST and (struggles or training > (measures.LAGGING if share > ALL_BUT else measures.STRUGGLING))
    thin = share >= HALF and left <= FEW and struggles
    if not most and not thin:
        return None
    known = math.isfinite(units)
    fewest = f", {left:.0f} of {units:.0f} are left where fewest are" if known else ""
    return Finding(
        name="excessive_dropout",
        severity=2,
        message=f"Dropout drops {100 * share:.0f} % of the units{fewest}.",
        why="Too little is left of each layer for the next one to learn from.",
        remedy="lower dropout to between 0.1 and 0.3",
        where={"step": 0},
        evidence={"dropout": share, "narrowest": units if known else None},
        refuted_by="the same level without dropout",
    )


def _narrowest(record: Record) -> tuple[float, float]:
    """Of the units among which half or more are dropped those of which fewest are left, and how many these are.

    In older records, which do not say where units are dropped, the narrowest layer stands for them.
    """
    if "dropped" in record.facts:
        dropped = [(float(units), units * (1 - share)) for share, units in record.facts["dropped"] if share >= HALF]
    else:
        widths = measures.layers(measures.first_probe(record), "width").values()
        dropped = [(width, width * (1 - float(record.facts.get("dropout", 0.0)))) for width in widths]
    return min(dropped, key=lambda one: one[1], default=(math.inf, math.inf))


def infect(settings: Settings) -> Change | None:
    """Nineteen units of twenty dropped."""
    return change(settings, {"model.dropout": 0.95}, "one unit of twenty is left")
