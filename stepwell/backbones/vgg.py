"""VGG: stacks of 3x3 convolutions, each stack halving the picture; small and fast on a CPU.

Simonyan and Zisserman, ICLR 2015, with batch normalization and without the dense layers. Each stack
pools right after its first convolution, before normalization and activation see the values: their
cost falls to a quarter, and so does that of the convolutions which follow (Jordan, "94 % on
CIFAR-10 in 3.29 seconds", 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor, nn

from stepwell.backbones import shorter_side
from stepwell.blocks.activation import Activation, activation
from stepwell.blocks.initialization import Initialization, initialize
from stepwell.blocks.normalization import Normalization, normalization
from stepwell.errors import RecipeError
from stepwell.schema import Field

ACCEPTS = ("image",)

WIDEST = 16
"""No stage has more than this many times the channels of the first."""


@dataclass(frozen=True)
class Options:
    """The settings of a VGG."""

    depth: Annotated[int, Meta(ge=1, description="Convolutions a stage.")] = 2
    width: Annotated[int, Meta(ge=1, description="Channels of the first stage; each later one has twice as many.")] = 32
    stages: Annotated[
        Annotated[int, Meta(ge=1)] | None,
        Meta(description="How often the picture is halved; none: down to some 4 pixels, at least 3 times."),
    ] = None
    activation: Annotated[Activation, Meta(description="The non-linearity.")] = "relu"
    normalization: Annotated[Normalization, Meta(description="The normalization after each convolution.")] = "batch"
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of channels dropped after each stage.")] = 0.0
    initialization: Annotated[Initialization, Meta(description="The first weights of the convolutions.")] = "he"


class VGG(nn.Module):
    """The stages in turn; gives one feature map a stage."""

    def __init__(self, stages: list[nn.Module], channels: list[int]) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages)
        self.channels = tuple(channels)
        self.strides = tuple(2**number for number in range(1, len(stages) + 1))

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        """`(batch, channels, height, width)` to one map a stage, the coarsest last."""
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return tuple(maps)


def build(options: Options, field: Field) -> VGG:
    """The network for pictures `(channels, height, width)`; RecipeError where they are too small for its stages."""
    side = shorter_side(field)
    count = options.stages or _stages_for(side)
    if side is not None and side < 2**count:
        fitting = int(math.log2(side)) if side > 1 else 0
        raise RecipeError(
            f"Halving {count} times leaves nothing of pictures with {side} pixels on the shorter side.",
            where="model.stages",
            do=f"use --model.stages {fitting}" if fitting else "prepare larger pictures, or use --model mlp",
        )
    stages: list[nn.Module] = []
    channels: list[int] = []
    inputs = int(field.shape[0])
    for number in range(count):
        outputs = options.width * min(2**number, WIDEST)
        stages.append(_stage(inputs, outputs, options))
        channels.append(outputs)
        inputs = outputs
    network = VGG(stages, channels)
    initialize(network, options.initialization)
    return network


def _stages_for(side: int | None) -> int:
    """Halvings that leave 3 to 6 pixels of a side; 3 of pictures below 48 pixels, 5 where sizes differ."""
    return 5 if side is None else max(3, math.ceil(math.log2(side / 6)))


def _stage(inputs: int, outputs: int, options: Options) -> nn.Sequential:
    layers: list[nn.Module] = []
    for position in range(options.depth):
        bare = options.normalization == "none"
        layers.append(nn.Conv2d(inputs if position == 0 else outputs, outputs, 3, padding=1, bias=bare))
        if position == 0:
            layers.append(nn.MaxPool2d(2))
        if not bare:
            layers.append(normalization(options.normalization, outputs, 2))
        layers.append(activation(options.activation))
    if options.dropout:
        layers.append(nn.Dropout2d(options.dropout))
    return nn.Sequential(*layers)
