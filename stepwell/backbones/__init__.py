"""Networks that turn a picture into feature maps; a task's head makes a model of any of them.

A backbone is a module called with `(batch, channels, height, width)` floats that returns a tuple of
feature maps, the coarsest last; `channels` and `strides` say how deep and how coarse each of them is.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from stepwell.schema import Field


def shorter_side(field: Field) -> int | None:
    """The shorter side of the field's pictures in pixels; None where a side differs between examples."""
    sides = [size for size in field.shape[1:] if isinstance(size, int)]
    return min(sides) if len(sides) == len(field.shape) - 1 else None


def operations(backbone: nn.Module, field: Field) -> int:
    """Additions and multiplications in convolutions and products of matrices, for one picture of the field."""
    sides = [size for size in field.shape if isinstance(size, int)]
    was = backbone.training
    with FlopCounterMode(display=False) as counted, torch.no_grad():
        backbone.eval()(torch.zeros(1, *sides))
    backbone.train(was)
    return int(counted.get_total_flops())
