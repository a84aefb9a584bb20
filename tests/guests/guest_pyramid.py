"""Two strided convolutions: the smallest backbone that sees a neighborhood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from torch import Tensor, nn

from stepwell.schema import Field

ACCEPTS = ("image",)


@dataclass(frozen=True)
class Options:
    """The size of the backbone."""

    width: Annotated[int, msgspec.Meta(ge=1, description="channels of the first map; the second has twice as many")] = 8


class Pyramid(nn.Module):
    """`(batch, channels, h, w)` to maps of half and of a quarter of the size."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, width, 3, stride=2, padding=1)
        self.second = nn.Conv2d(width, 2 * width, 3, stride=2, padding=1)
        self.channels = (width, 2 * width)
        self.strides = (2, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """The two maps, the coarser last."""
        fine = self.first(x).relu()
        return fine, self.second(fine).relu()


def build(options: Options, field: Field) -> Pyramid:
    """The backbone for pictures of `field`, which come standardized."""
    channels = field.shape[0]
    assert isinstance(channels, int)
    return Pyramid(channels, options.width)
