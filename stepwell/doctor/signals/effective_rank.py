"""In how many directions a layer's output varies: the exponential of the entropy of its variance over directions.

Source: Roy and Vetterli, "The effective rank" (2007), on the squared singular values of the centered output.
"""

from __future__ import annotations

import torch

from stepwell.doctor.layers import Layer

TINY, WIDE, ROWS = 1e-300, 1024, 128  # more samples cost many times as much and say no more of a collapse


def of_layer(layer: Layer) -> dict[str, float]:
    """`rank` from 1 up, and `width`; {} for layers too wide to look at cheaply, or that do not vary at all."""
    values = layer.per_sample[:ROWS].double()
    width = values.shape[1]
    if width > WIDE:
        return {"width": float(width)}
    centered = values - values.mean(0)
    share = torch.linalg.svdvals(centered) ** 2
    total = float(share.sum())
    if total <= TINY:
        return {"width": float(width), "rank": 1.0}
    share = share / total
    return {"width": float(width), "rank": float(torch.exp(-(share * torch.log(share + TINY)).sum()))}
