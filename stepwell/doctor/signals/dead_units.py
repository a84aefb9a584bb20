"""Units of rectifiers that are silent on every sample of the probe: no gradient passes through them."""

from __future__ import annotations

from stepwell.doctor.layers import Layer

RECTIFIERS = frozenset({"relu", "relu6"})


def of_layer(layer: Layer) -> dict[str, float]:
    """`dead`, the share of units that are 0 on every row, `live`, the count of others; {} where nothing rectifies."""
    if layer.function not in RECTIFIERS or layer.before is None:
        return {}
    alive = (layer.before > 0).any(0)
    return {"dead": 1.0 - float(alive.double().mean()), "live": float(alive.sum())}
