"""Squashing units that work where they are flat.

What: sigmoids or tanhs are driven to their ends on nearly every sample.
Why it matters: their derivative is near zero there, and the layers below learn nothing.
How it is seen: at least half of a layer's units with a derivative under a tenth of the largest on 90 % of samples
    (measured: 0 of 84 healthy runs).
Remedy: scale the inputs, Xavier initialization, a normalization layer, or rectifiers.
Risk: gates of an LSTM saturate on purpose, and are not looked at.
"""

from __future__ import annotations

from stepwell.doctor import measures
from stepwell.doctor.changes import Change, Settings, change
from stepwell.doctor.record import Record
from stepwell.schema import Finding

HALF = 0.5  # measured on 84 healthy runs

KIND = "dynamics"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ("vanishing_gradient", "lr_too_low")
REMEDIES: tuple[str, ...] = ("scale_inputs", "initialization", "activation", "normalization")


def diagnose(record: Record) -> Finding | None:
    """At the beginning and the last probes; spoken where it harms."""
    if not measures.mature(record):
        return None
    probes = measures.last_probes(record) or [measures.first_probe(record)]
    output = record.facts.get("output_call")
    read = [measures.layers(row, "saturated") for row in [measures.first_probe(record), *probes] if row]
    flat: dict[str, float] = {}
    for name in read[-1] if read else {}:
        if output in ("sigmoid", "tanh") and name == list(read[-1])[-1]:
            continue  # sure answers are flat, and well
        early, late = read[0].get(name, 0.0), min(one.get(name, 0.0) for one in read[1:] or read)
        if max(early, late) >= HALF:
            flat[name] = max(early, late)
    spread = measures.gradient_spread(record) or 0.0
    if not flat or not (measures.struggling(record) or spread > 1.0):
        return None
    name = max(flat, key=lambda one: flat[one])
    return Finding(
        name="saturated_units",
        severity=2,
        message=f"{100 * flat[name]:.0f} % of the units of {name} are saturated (healthy: under 50 %).",
        why="Where a sigmoid or tanh is flat its derivative is near zero, and the layers below it learn nothing.",
        remedy="scale the inputs, initialize with torch.nn.init.xavier_uniform_, or use nn.ReLU()",
        where={"layer": name, "step": 0 if read[0].get(name, 0.0) >= HALF else record.length},
        evidence={"saturated": flat, "threshold": HALF, "gradient_spread": spread},
        refuted_by="a gradient of the layers below that is as large as those above",
    )


def infect(settings: Settings) -> Change | None:
    """A flat function, and weights that drive it to its ends."""
    values = {"model.activation": "tanh", "model.initialization": "normal", "model.initial_scale": 5.0}
    return change(settings, values, "units begin at the ends of their range")
