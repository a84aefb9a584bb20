"""Biases that begin so far off that units never answer.

What: a bias larger than what its inputs can make up for.
Why it matters: rectifiers begin silent on every sample, and get no gradient that could wake them; or all of them begin
    open, so that nothing bends and the answers begin far off.
How it is seen: all biases of a layer at one value beyond 3, and units dead or saturated at the beginning, or all
    samples alike after a layer, or a first loss over 2.5 times chance; and the training struggles, or a whole layer is
    dead to the end and more than a quarter of the loss is left.
Remedy: begin biases at zero.
Risk: a forget gate's bias of 1 to 3 is usual.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

FAR, WHOLE = 3.0, 0.99  # of a layer's units, at the beginning and at last
ALIKE = 1e-4  # of what a layer answers differs between samples; healthy: over 5e-3
EXCESS = 2.5  # of the first loss over chance; healthy: up to 1.5

KIND = "beginning"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = (
    "saturated_units",
    "bad_init_large",
    "vanishing_gradient",
    "lr_too_low",
    "not_learning_unknown",
    "underfit_capacity",
)
REMEDIES: tuple[str, ...] = ("initialization", "normalization")


def diagnose(record: Record) -> Finding | None:
    """At the beginning."""
    biases = {name: value for name, value in record.facts.get("equal_biases", {}).items() if abs(value) > FAR}
    first = measures.first_probe(record)
    dead = max(measures.layers(first, "dead").values(), default=0.0)
    flat = max(measures.layers(first, "saturated").values(), default=0.0)
    last = [max(measures.layers(row, "dead").values(), default=0.0) for row in measures.last_probes(record, 1)]
    gone = min([dead, *last]) >= WHOLE and measures.mature(record) and measures.lagging(record)
    off = (measures.excess(record) or 0.0) > EXCESS
    alike = measures.between_at_first(record)
    shut = alike is not None and alike[1] < ALIKE  # units that are no rectifiers, and yet let nothing pass
    if not biases or not (max(dead, flat) >= 0.9 or off or shut) or not (measures.harmed(record) or gone):
        return None
    name, value = max(biases.items(), key=lambda one: abs(one[1]))
    silent = max(dead, flat) >= 0.9
    return Finding(
        name="bad_init_bias",
        severity=2,
        message=f"Biases begin at {value:g}, and {100 * max(dead, flat):.0f} % of a layer's units begin without a "
        "gradient."
        if silent
        else f"Biases begin at {value:g}, and after a layer all samples look alike."
        if shut
        else f"Biases begin at {value:g}, and the first loss is {measures.excess(record):.1f} times that of chance.",
        why="What enters cannot outweigh such a bias, so the units are silent on every sample and nothing can "
        "wake them."
        if silent or shut
        else "What enters cannot outweigh such a bias, so all units are open on every sample: nothing bends.",
        remedy="begin biases at zero: torch.nn.init.zeros_(layer.bias)",
        where={"step": 0, "layer": name.rpartition(".")[0]},
        evidence={"biases": biases, "dead": dead, "saturated": flat},
        refuted_by="the same units with biases of zero",
    )


def infect(settings: Settings) -> Change | None:
    """Biases far below zero."""
    return change(settings, {"model.initial_bias": -5.0}, "every unit begins silent")
