"""A perceptron over everything that is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import torch
from torch import Tensor, nn

from stepwell.blocks.perceptron import Body, perceptron
from stepwell.schema import Schema


@dataclass(frozen=True)
class Options:
    """The size of the network."""

    width: Annotated[int, msgspec.Meta(ge=1, description="units of a hidden layer")] = 64
    depth: Annotated[int, msgspec.Meta(ge=0, description="hidden layers")] = 2


class Dense(nn.Module):
    """Past `(batch, past, 3)`, future `(batch, hours, 1)` and station `(batch, 1)` to `(batch, hours, 2)`, scaled."""

    def __init__(self, options: Options, schema: Schema) -> None:
        super().__init__()
        past, future, station = (field.shape for field in schema.inputs)
        self.hours = int(future[0])
        inputs = int(past[0]) * int(past[1]) + self.hours + int(station[0])
        self.body = perceptron(inputs, Body((options.width,) * options.depth))
        self.output = nn.Linear(options.width if options.depth else inputs, 2 * self.hours)
        # The first answer is the mean of the training part.
        nn.init.zeros_(self.output.weight)
        nn.init.zeros_(self.output.bias)

    def forward(self, past: Tensor, future: Tensor, station: Tensor) -> Tensor:
        """The forecast in standard deviations from the mean."""
        x = self.body(torch.cat([past.flatten(1), future.flatten(1), station], dim=1))
        forecast: Tensor = self.output(x).reshape(-1, self.hours, 2)
        return forecast


def build(options: Options, schema: Schema) -> Dense:
    """The network for the windows of `schema`."""
    return Dense(options, schema)
