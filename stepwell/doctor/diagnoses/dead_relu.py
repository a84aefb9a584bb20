"""Rectifiers that are silent on every sample.

What: nearly all units of a layer answer 0, whatever enters.
Why it matters: no gradient passes through a silent unit, so it stays silent.
How it is seen: at least 95 % of a layer silent at the beginning, or 90 % (or one unit left) at the last two probes;
    and the training struggles (measured: 0 of 84 healthy runs; a healthy bottleneck had 75 %). Or a whole layer from
    the beginning to the end, and more than a quarter of the loss is left.
Remedy: the cause first (rate, bias); then leaky or ELU units, He initialization, a normalization layer.
Risk: sparse layers are silent by design as long as a signal passes.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

WHOLE = 0.99  # of a layer's units

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("vanishing_gradient", "not_learning_unknown", "underfit_capacity", "lr_too_low")
REMEDIES: tuple[str, ...] = ("initialization", "lower_rate", "activation", "normalization")


def diagnose(record: Record) -> Finding | None:
    """At the beginning and at the last probes."""
    if not measures.mature(record) or not measures.lagging(record):
        return None
    begun = measures.layers(measures.first_probe(record), "dead")
    probes = measures.last_probes(record, 2)
    late = [measures.layers(row, "dead") for row in probes]
    live = [measures.layers(row, "live") for row in probes]
    dead = {name: share for name, share in begun.items() if share >= 0.95}
    struggles, since = measures.struggling(record), 0
    if not struggles:  # other ways lead around the layer: only what is dead whole, and to the end
        last = late[-1] if late else {}
        dead = {name: share for name, share in dead.items() if min(share, last.get(name, 0.0)) >= WHOLE}
    if not dead and len(probes) == 2 and struggles:
        since = int(probes[0]["step"])
        dead = {
            name: late[1][name]
            for name in late[1]
            if all(one.get(name, 0.0) >= 0.9 for one in late)
            or (late[1][name] > 0.5 and all(one.get(name, 9) <= 1 for one in live))
        }
    if not dead:
        return None
    name = next(iter(dead))
    return Finding(
        name="dead_relu",
        severity=2,
        message=f"{100 * dead[name]:.0f} % of the units of {name} give 0 on every sample (healthy: at most 75 %"
        + (f"; at the beginning {100 * begun.get(name, 0):.0f} %)." if since else "), from the beginning on."),
        why="No gradient passes through a silent unit, so nothing can wake it.",
        remedy="look for the cause first (learning rate, biases); then nn.LeakyReLU() or nn.ELU() and He "
        "initialization",
        where={"step": since, "layer": name},
        evidence={"dead": dead, "at_first": {one: begun.get(one) for one in dead}},
        refuted_by="a signal that passes this layer all the same",
    )


def infect(settings: Settings) -> Change | None:
    """Biases so low that nothing wakes a unit."""
    return change(settings, {"model.activation": "relu", "model.initial_bias": -20.0}, "no sample wakes a unit")
