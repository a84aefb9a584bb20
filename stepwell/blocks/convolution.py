"""A convolution with what usually follows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import nn

from stepwell.blocks.activation import MONOTONE, Activation, activation
from stepwell.blocks.normalization import Normalization, normalization


@dataclass(frozen=True)
class Style:
    """What all convolutions of a network have in common."""

    kernel: int = 3
    padding: Literal["same", "valid"] = "same"
    activation: Activation = "relu"
    normalization: Normalization = "none"
    dropout: float = 0.0


def convolution(inputs: int, outputs: int, style: Style, *, stride: int = 1, pool: int = 1) -> nn.Sequential:
    """Convolution, normalization, activation, max pooling, dropout of whole channels, as far as asked for.

    From `(batch, inputs, height, width)` to `(batch, outputs, h, w)`; with "same" padding and an odd
    kernel h = ceil(height / stride) // pool. A monotone activation commutes with the maximum, so
    pooling then goes first: the same function, computed on fewer places.
    """
    padding = style.kernel // 2 if style.padding == "same" else 0
    layer = nn.Conv2d(inputs, outputs, style.kernel, stride, padding, bias=style.normalization == "none")
    after = [activation(style.activation), nn.MaxPool2d(pool) if pool > 1 else nn.Identity()]
    if style.activation in MONOTONE:
        after.reverse()
    parts = [layer, normalization(style.normalization, outputs, 2), *after]
    if style.dropout:
        parts.append(nn.Dropout2d(style.dropout))
    return nn.Sequential(*(part for part in parts if not isinstance(part, nn.Identity)))
