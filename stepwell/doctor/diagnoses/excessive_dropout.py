"""Dropout that leaves too little.

What: most of what a layer says is dropped.
Why it matters: what is learnt is learnt by chance survivors, slowly or not at all.
How it is seen: a share over 0.7, and the training struggles while units are dropped; or 0.5 and more in narrow layers,
    and it struggles without dropping too.
Remedy: a share of 0.1 to 0.5.
Risk: very wide layers bear more.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("underfit_capacity", "not_learning_unknown")
REMEDIES: tuple[str, ...] = ("less_dropout",)


def diagnose(record: Record) -> Finding | None:
    """From the layers; spoken where it harms."""
    share = float(record.facts.get("dropout", 0.0))
    widths = measures.layers(measures.first_probe(record), "width")
    narrow = min(widths.values(), default=1e9)
    if not measures.mature(record):
        return None
    struggles, training = measures.struggling(record), measures.level_in_training(record) or 0.0
    most = share > 0.7 and (struggles or training > measures.STRUGGLING)
    thin = share >= 0.5 and narrow * (1 - share) <= 12 and struggles
    if not most and not thin:
        return None
    return Finding(
        name="excessive_dropout",
        severity=2,
        message=f"Dropout drops {100 * share:.0f} % of the units, {narrow * (1 - share):.0f} of {narrow:.0f} are "
        "left in the narrowest layer.",
        why="Too little is left of each layer for the next one to learn from.",
        remedy="lower dropout to between 0.1 and 0.3",
        where={"step": 0},
        evidence={"dropout": share, "narrowest": narrow},
        refuted_by="the same level without dropout",
    )


def infect(settings: Settings) -> Change | None:
    """Nineteen units of twenty dropped."""
    return change(settings, {"model.dropout": 0.95}, "one unit of twenty is left")
