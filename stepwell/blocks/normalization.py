"""Normalization layers by name, for vectors and for pictures."""

from __future__ import annotations

from typing import Literal

from torch import nn

Normalization = Literal["none", "batch", "layer", "group"]

GROUP = 16
"""The channels of a group of group normalization (Wu and He, ECCV 2018); more where 16 do not divide the channels."""


def normalization(name: Normalization, channels: int, axes: Literal[1, 2]) -> nn.Module:
    """A normalization over `channels`, each with a learned scale (1 at first) and shift (0 at first).

    `axes` 1 takes `(batch, channels)`, 2 takes `(batch, channels, height, width)`; the shape stays.
    Layer normalization is over all values of one example: over the channels of a vector, over
    channels and places of a picture (Ba, Kiros and Hinton 2016). "none" passes on what it gets.
    """
    if name == "batch":
        return nn.BatchNorm1d(channels) if axes == 1 else nn.BatchNorm2d(channels)
    if name == "layer":
        return nn.LayerNorm(channels) if axes == 1 else nn.GroupNorm(1, channels)
    if name == "group":
        # Never fewer than 16, where there are as many: of a group of one number nothing would be left.
        size = next(size for size in range(min(GROUP, channels), channels + 1) if channels % size == 0)
        return nn.GroupNorm(channels // size, channels)
    return nn.Identity()
