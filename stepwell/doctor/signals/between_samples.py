"""How much of a layer's output differs between samples: the variance over samples, as a share of the second moment.

Near 0 the layer says the same of every sample, and nothing that follows can tell them apart. Of 84 healthy runs the
least share of any layer was 10^-2.3 at initialization and 10^-2.1 later.
"""

from __future__ import annotations

from stepwell.doctor.layers import Layer

TINY = 1e-30


def of_layer(layer: Layer) -> dict[str, float]:
    """`between` in 0..1."""
    values = layer.per_sample.double()
    second = float((values**2).mean(0).sum())
    return {"between": float(values.var(0, unbiased=False).sum()) / max(second, TINY)}
