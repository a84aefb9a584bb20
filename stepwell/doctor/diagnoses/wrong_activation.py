"""A hidden activation that grows without bound.

What: exponentials between layers.
Why it matters: each layer raises the last to a power; a few of them leave the range of numbers.
How it is seen: exp as an activation of a hidden layer, and a loss that is not finite.
Remedy: ReLU or ELU.
Risk: none where the training ends in numbers that are not finite.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "beginning"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("bad_init_large", "not_learning_unknown")  # such layers begin large, however initialized
REMEDIES: tuple[str, ...] = ("activation",)


def diagnose(record: Record) -> Finding | None:
    """From the calls between layers, where the training breaks."""
    layers = measures.first_probe(record).get("layers", {})
    hidden = [name for name, row in layers.items() if row.get("function") == "exp"]
    broken = measures.broken_at(record) is not None
    if not hidden or not (broken or (measures.mature(record) and measures.failing(record))):
        return None
    return Finding(
        name="wrong_activation",
        severity=2,
        message=f"{len(hidden)} hidden layers use exp as their activation, and the training breaks.",
        why="Each such layer is an exponential of the one before; a few of them leave the range of numbers.",
        remedy="use nn.ReLU() or nn.ELU() instead",
        where={"step": 0, "layer": hidden[0]},
        evidence={"layers": hidden[:10]},
        refuted_by="a training that stays finite",
    )


def infect(settings: Settings) -> Change | None:
    """The exponential function between the layers."""
    return change(settings, {"model.activation": "exp"}, "a few exponentials leave the range of numbers")
