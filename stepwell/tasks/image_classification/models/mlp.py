"""A multilayer perceptron on the pixels, one after the other: it does not know which of them are neighbors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import nn

from stepwell.blocks.activation import Activation
from stepwell.blocks.initialization import Initialization, initialize
from stepwell.blocks.normalization import Normalization
from stepwell.blocks.perceptron import Body, perceptron
from stepwell.blocks.standardize import Standardize
from stepwell.errors import RecipeError
from stepwell.schema import Schema


@dataclass(frozen=True)
class Options:
    """The settings of the perceptron."""

    depth: Annotated[int, Meta(ge=0, description="Hidden layers; 0: a linear model.")] = 2
    width: Annotated[int, Meta(ge=1, description="Units of each hidden layer.")] = 256
    widths: Annotated[
        tuple[Annotated[int, Meta(ge=1)], ...] | None,
        Meta(description="Units of each hidden layer in turn, in place of depth and width."),
    ] = None
    activation: Annotated[Activation, Meta(description="The non-linearity of the hidden layers.")] = "relu"
    normalization: Annotated[Normalization, Meta(description="The normalization before each activation.")] = "none"
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of units dropped after each hidden layer.")] = 0.0
    residual: Annotated[bool, Meta(description="Add a hidden layer's input to its output where the widths agree.")] = (
        False
    )
    initialization: Annotated[Initialization, Meta(description="The first weights of all layers.")] = "he"
    initial_scale: Annotated[
        float | None,
        Meta(description="Normal: standard deviation, uniform: bound, constant: value, others: a factor; none: usual."),
    ] = None
    initial_bias: Annotated[float, Meta(description="The first bias of all layers.")] = 0.0


def build(options: Options, schema: Schema) -> nn.Sequential:
    """From `(batch, channels, height, width)` raw pixels to logits `(batch, classes)`.

    RecipeError where the pictures differ in size.
    """
    field = schema.inputs[0]
    sizes = [size for size in field.shape if isinstance(size, int)]
    if len(sizes) < len(field.shape):
        raise RecipeError(
            "An mlp needs pictures of one size.",
            where="model.name",
            do="prepare them to one size, or use another --model",
        )
    widths = (options.width,) * options.depth if options.widths is None else options.widths
    body = Body(
        widths,
        options.activation,
        options.normalization,
        options.dropout,
        options.residual,
        options.initialization,
        options.initial_scale,
        options.initial_bias,
    )
    pixels = math.prod(sizes)
    output = nn.Linear(widths[-1] if widths else pixels, len(schema.targets[0].classes))
    initialize(output, options.initialization, scale=options.initial_scale, bias=options.initial_bias, linear=True)
    return nn.Sequential(Standardize(field), nn.Flatten(), perceptron(pixels, body), output)
