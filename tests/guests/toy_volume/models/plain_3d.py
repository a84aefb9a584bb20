"""Convolutions at one scale."""

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

    width: Annotated[int, msgspec.Meta(ge=1, description="channels of a layer")] = 8
    depth: Annotated[int, msgspec.Meta(ge=1, description="convolutions")] = 3


class Plain3D(nn.Module):
    """Volumes `(batch, 1, depth, height, width)` to scores `(batch, 2, depth, height, width)`."""

    def __init__(self, options: Options, schema: Schema) -> None:
        super().__init__()
        layers: list[nn.Module] = [Standardize(schema.inputs[0])]
        for number in range(options.depth):
            layers += [nn.Conv3d(options.width if number else 1, options.width, 3, padding=1), nn.ReLU()]
        output = nn.Conv3d(options.width, len(schema.outputs[0].classes), 1)
        # The first answer is that nothing is known.
        nn.init.zeros_(output.weight)
        assert output.bias is not None
        nn.init.zeros_(output.bias)
        self.layers = nn.Sequential(*layers, output)

    def forward(self, image: Tensor) -> Tensor:
        """The scores of every voxel."""
        scores: Tensor = self.layers(image)
        return scores


def build(options: Options, schema: Schema) -> Plain3D:
    """The network for the scans of `schema`."""
    return Plain3D(options, schema)
