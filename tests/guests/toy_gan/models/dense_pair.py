"""A generator and a critic, perceptrons both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import torch
from torch import Tensor, nn

from stepwell.blocks.perceptron import Body, perceptron
from stepwell.blocks.standardize import Standardize
from stepwell.schema import Field, Schema


@dataclass(frozen=True)
class Options:
    """The size of both."""

    width: Annotated[int, msgspec.Meta(ge=1, description="units of a hidden layer")] = 64
    depth: Annotated[int, msgspec.Meta(ge=1, description="hidden layers")] = 2


class Generator(nn.Module):
    """Noise `(batch, numbers)` to points `(batch, 2)` in their own units."""

    mean: Tensor
    std: Tensor

    def __init__(self, options: Options, noise: Field, made: Field) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(made.mean))
        self.register_buffer("std", torch.tensor(made.std))
        self.body = perceptron(int(noise.shape[0]), Body((options.width,) * options.depth))
        self.output = nn.Linear(options.width, 2)

    def forward(self, noise: Tensor) -> Tensor:
        """A point for each row of noise."""
        made: Tensor = self.output(self.body(noise)) * self.std + self.mean
        return made


class DensePair(nn.Module):
    """Both networks; each objective minimizes over one of them."""

    def __init__(self, options: Options, schema: Schema) -> None:
        super().__init__()
        self.generator = Generator(options, schema.field("noise"), schema.field("made"))
        body = perceptron(2, Body((options.width,) * options.depth, "leaky_relu"))
        self.critic = nn.Sequential(Standardize(schema.field("point")), body, nn.Linear(options.width, 1))


def build(options: Options, schema: Schema) -> DensePair:
    """The pair for the points of `schema`."""
    return DensePair(options, schema)
