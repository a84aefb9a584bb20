"""The convolutional network of the textbooks: convolutions with max pooling, then a dense layer.

As in LeCun et al. (Proceedings of the IEEE, 1998) with ReLU and maxima: by default 32 and 64 filters of 3x3,
each layer halved by pooling, and 128 dense units; 421,642 weights for ten classes of 28x28 gray pixels
(225,034 without padding). The softmax is part of the loss, and of decoding.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta
from torch import nn

from stepwell.blocks.activation import Activation
from stepwell.blocks.convolution import Style, convolution
from stepwell.blocks.initialization import Initialization, initialize
from stepwell.blocks.normalization import Normalization
from stepwell.blocks.perceptron import Body, perceptron
from stepwell.blocks.standardize import Standardize
from stepwell.errors import RecipeError
from stepwell.schema import Schema


@dataclass(frozen=True)
class Options:
    """The settings of the network."""

    depth: Annotated[int, Meta(ge=1, description="Convolutions, each halved by pooling.")] = 2
    width: Annotated[
        int, Meta(ge=1, description="Filters of the first convolution; each later one has twice as many.")
    ] = 32
    filters: Annotated[
        Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(min_length=1)] | None,
        Meta(description="Filters of each convolution in turn, in place of depth and width."),
    ] = None
    dense: Annotated[tuple[Annotated[int, Meta(ge=1)], ...], Meta(description="Units of each dense layer in turn.")] = (
        128,
    )
    kernel: Annotated[Literal[1, 3, 5, 7, 9, 11], Meta(description="Side of the filters in pixels.")] = 3
    padding: Annotated[
        Literal["same", "valid"], Meta(description="Same: zeros around keep the size; valid: a convolution shrinks it.")
    ] = "same"
    activation: Annotated[Activation, Meta(description="The non-linearity of all layers.")] = "relu"
    normalization: Annotated[Normalization, Meta(description="The normalization before each activation.")] = "none"
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of units dropped after each dense layer.")] = 0.0
    initialization: Annotated[Initialization, Meta(description="The first weights of all layers.")] = "he"


def build(options: Options, schema: Schema) -> nn.Sequential:
    """From `(batch, channels, height, width)` raw pixels to logits `(batch, classes)`.

    RecipeError where the pictures differ in size, or where pooling leaves nothing of them.
    """
    field = schema.inputs[0]
    channels, height, width = field.shape
    if not (isinstance(channels, int) and isinstance(height, int) and isinstance(width, int)):
        raise RecipeError(
            "A cnn with dense layers needs pictures of one size.",
            where="model.name",
            do="prepare them to one size, or use another --model, for instance resnet",
        )
    filters = options.filters or tuple(options.width * 2**number for number in range(options.depth))
    left = _left(height, width, len(filters), options)
    style = Style(options.kernel, options.padding, options.activation, options.normalization)
    layers: list[nn.Module] = []
    for count in filters:
        layers.append(convolution(channels, count, style, pool=2))
        channels = count
    convolutions = nn.Sequential(*layers)
    initialize(convolutions, options.initialization)
    body = Body(
        options.dense,
        options.activation,
        options.normalization,
        options.dropout,
        initialization=options.initialization,
    )
    flat = channels * left[0] * left[1]
    output = nn.Linear(options.dense[-1] if options.dense else flat, len(schema.targets[0].classes))
    initialize(output, options.initialization, linear=True)
    return nn.Sequential(Standardize(field), convolutions, nn.Flatten(), perceptron(flat, body), output)


def _left(height: int, width: int, count: int, options: Options) -> tuple[int, int]:
    """The size after `count` convolutions with pooling; RecipeError where nothing is left."""
    shrinks = options.kernel - 1 if options.padding == "valid" else 0
    size = (height, width)
    for number in range(count):
        size = ((size[0] - shrinks) // 2, (size[1] - shrinks) // 2)
        if min(size) < 1:
            hint = "--model.padding same, " if shrinks else ""
            fewer = f"--model.depth {number}, " if number else ""
            raise RecipeError(
                f"Pooling after convolution {number + 1} of {count} leaves nothing of {height}x{width} pixels.",
                where="model.depth" if options.filters is None else "model.filters",
                do=f"use {hint}{fewer}larger pictures, or --model mlp",
            )
    return size
