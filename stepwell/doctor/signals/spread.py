"""How large a layer's output is: the root of its mean square, and the standard deviation of what enters it."""

from __future__ import annotations

from stepwell.doctor.layers import Layer


def of_layer(layer: Layer) -> dict[str, float]:
    """`rms` of the output; `entering`, the standard deviation of what enters an activation."""
    read = {"rms": float(layer.after.square().mean().sqrt())}
    if layer.before is not None:
        read["entering"] = float(layer.before.std(correction=0))
    return read
