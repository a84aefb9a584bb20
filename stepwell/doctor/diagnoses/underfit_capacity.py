"""A network too small for its task.

What: one layer is so narrow that what is asked for does not pass.
Why it matters: no training makes up for it.
How it is seen: the loss stays over 0.5 of the best constant's, a hidden layer has fewer units than half of the classes
    and than eight, or one alone between others, or Adam cannot fit a batch either; nothing else explains it.
Remedy: wider layers, by four.
Risk: a wider network does no better.
"""

from __future__ import annotations

from typing import Any

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

NARROW = 8  # units that tell any number of classes apart: language models have thousands of classes on 64

KIND = "outcome"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("not_learning_unknown",)
REMEDIES: tuple[str, ...] = ("larger_network", "less_decay", "train_longer")


def diagnose(record: Record) -> Finding | None:
    """At the end, last of all."""
    now = measures.level(record)
    if not measures.mature(record) or now is None or now <= 0.5 or record.progress < 0.5:
        return None
    widths = measures.layers(measures.first_probe(record), "width")
    classes = record.facts.get("classes_seen") or record.facts.get("target_distinct", 2)
    single = measures.through_one_unit(record)
    narrow = record.facts.get("targets") == "classes" and (
        single or min(widths.values(), default=classes) < min(classes / 2, NARROW)
    )
    adam, own = record.facts.get("adam_fit"), record.facts.get("own_fit")
    unfit = adam is not None and own is not None and min(adam, own) > 0.4 and record.facts.get("weights", 0) < 2_000
    if not narrow and not unfit:
        return None
    width = min(widths.values(), default=0)
    return Finding(
        name="underfit_capacity",
        severity=2,
        message=f"The network is too small: its narrowest layer has {width:.0f} units for {classes} classes."
        if narrow
        else f"The network is too small: it cannot learn 16 samples by heart (loss {adam:.2f} of a constant's).",
        why="What tells the classes apart does not pass through so narrow a layer, however long it trains.",
        remedy="make the hidden layers four times as wide",
        where={"step": record.length},
        evidence={"narrowest": width, "level": now, "adam_fit": adam},
        refuted_by="the same level with a network four times as wide",
    )


def infect(settings: Settings) -> Change | None:
    """One unit a layer."""
    values: dict[str, Any] = {"model.width": 1}
    if settings.get("model.widths"):
        values["model.widths"] = (1,) * len(settings["model.widths"])
    return change(settings, values, "one unit carries all")
