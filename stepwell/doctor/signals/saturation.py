"""Units that squash and work where they are flat, judged by the derivative and not by the value.

A unit counts as saturated where its derivative is under a tenth of the largest possible on at least 90 % of rows.
"""

from __future__ import annotations

import torch

from stepwell.doctor.layers import Layer

FLAT, MOST = 0.1, 0.9


def of_layer(layer: Layer) -> dict[str, float]:
    """`saturated`, the share of such units, for sigmoid and tanh; {} for others."""
    if layer.function == "sigmoid" and layer.before is not None:
        slope = 4 * layer.after * (1 - layer.after)
    elif layer.function == "tanh" and layer.before is not None:
        slope = 1 - layer.after**2
    else:
        return {}
    flat = (slope < FLAT).float().mean(0)
    return {"saturated": float((flat >= MOST).float().mean()), "slope": float(torch.median(slope.mean(0)))}
