"""Raw sensor values to what a network likes, as its own first layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from stepwell.schema import Field


class Standardize(nn.Module):
    """Subtracts a mean and divides by a standard deviation, both fixed, a channel each.

    Takes `(batch, channels, ...)` in any dtype, bytes too, and gives floats of the same shape. The
    statistics are buffers, so they travel with the weights and are part of the exported network.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, field: Field) -> None:
        """From the field's `mean` and `std` (empty: 0 and 1); ValueError where a std is not positive."""
        super().__init__()
        if any(not value > 0 for value in field.std):
            raise ValueError(f"the standard deviations of {field.name!r} must be positive: {field.std}")
        shape = (-1, *(1 for _ in field.shape[1:]))
        self.register_buffer("mean", torch.tensor(field.mean or (0.0,)).reshape(shape))
        self.register_buffer("std", torch.tensor(field.std or (1.0,)).reshape(shape))

    def forward(self, x: Tensor) -> Tensor:
        """`(batch, channels, ...)` of any dtype to floats of the same shape."""
        return (x.to(self.mean.dtype) - self.mean) / self.std
