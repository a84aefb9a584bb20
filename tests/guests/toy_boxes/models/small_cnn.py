"""Two strided convolutions and two dense layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
from torch import Tensor, nn

from stepwell.blocks.standardize import Standardize
from stepwell.schema import Schema


@dataclass(frozen=True)
class Options:
    """The size of the network."""

    width: Annotated[int, msgspec.Meta(ge=1, description="channels of the first convolution")] = 12
    dense: Annotated[int, msgspec.Meta(ge=1, description="units of the dense layer")] = 64


class SmallCNN(nn.Module):
    """Pixels `(batch, 1, side, side)` to the four edges as shares of the square, `(batch, 4)` in (0, 1)."""

    def __init__(self, options: Options, schema: Schema) -> None:
        super().__init__()
        image = schema.inputs[0]
        side = int(image.shape[1])
        self.layers = nn.Sequential(
            Standardize(image),
            nn.Conv2d(1, options.width, 5, stride=2, padding=2),
            nn.ReLU(),
            nn.Conv2d(options.width, 2 * options.width, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(2 * options.width * (-(-side // 4)) ** 2, options.dense),
            nn.ReLU(),
            nn.Linear(options.dense, 4),
        )

    def forward(self, image: Tensor) -> Tensor:
        """The four edges."""
        edges: Tensor = self.layers(image).sigmoid()
        return edges


def build(options: Options, schema: Schema) -> SmallCNN:
    """The network for the pictures of `schema`."""
    return SmallCNN(options, schema)
