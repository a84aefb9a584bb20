"""A multilayer perceptron on the columns: numbers as they are or in pieces, categories as learned vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn

from stepwell.blocks.activation import Activation, activation
from stepwell.blocks.initialization import Initialization, initialize
from stepwell.blocks.members import Apart, Spread, mean_probabilities, share
from stepwell.blocks.normalization import Normalization
from stepwell.blocks.perceptron import Body, perceptron
from stepwell.blocks.piecewise import PiecewiseLinear
from stepwell.errors import RecipeError
from stepwell.schema import Field, Schema

LEAST = 1e-7
"""The smallest share of a class that an output function gives: its logarithm stays finite."""

_Width = Annotated[int, Meta(ge=1)]


@dataclass(frozen=True)
class Options:
    """The settings of the perceptron."""

    depth: Annotated[int, Meta(ge=0, description="Hidden layers; 0: a linear model.")] = 2
    width: Annotated[int, Meta(ge=1, description="Units of each hidden layer.")] = 256
    widths: Annotated[
        tuple[_Width, ...] | None, Meta(description="Units of each hidden layer in turn, in place of depth and width.")
    ] = None
    activation: Annotated[Activation, Meta(description="The non-linearity of the hidden layers.")] = "relu"
    activations: Annotated[
        tuple[Activation, ...] | None, Meta(description="That of each hidden layer in turn, in place of activation.")
    ] = None
    normalization: Annotated[Normalization, Meta(description="The normalization before each activation.")] = "none"
    dropout: Annotated[float, Meta(ge=0, lt=1, description="Share of units dropped after each hidden layer.")] = 0.0
    residual: Annotated[bool, Meta(description="Add a hidden layer's input to its output where the widths agree.")] = (
        False
    )
    initialization: Annotated[Initialization, Meta(description="The first weights of all layers.")] = "torch"
    initial_scale: Annotated[
        float | None,
        Meta(description="Normal: standard deviation, uniform: bound, constant: value, others: a factor; none: usual."),
    ] = None
    initial_bias: Annotated[float, Meta(description="The first bias of all layers.")] = 0.0
    embedding: Annotated[int, Meta(ge=1, description="Length of the vector that stands for a category.")] = 16
    pieces: Annotated[
        int, Meta(ge=1, description="Values that each number becomes where the preparation cuts it into bins.")
    ] = 16
    members: Annotated[
        int, Meta(ge=1, description="Networks in one that share most weights; their mean is the answer.")
    ] = 1
    one_unit: Annotated[bool, Meta(description="Two classes from one output unit, that of the second.")] = False
    output: Annotated[
        Activation,
        Meta(
            description="A function of the output units: of numbers itself, of classes their shares; linear: softmax."
        ),
    ] = "linear"


class Columns(nn.Module):
    """The inputs of a table side by side, as `width` numbers: `(batch, numbers)`, `(batch, categories)` or both.

    A number stays as it is, and where it has bins is followed by its pieces; a category is a learned vector.
    """

    def __init__(self, fields: Sequence[Field], pieces: int, embedding: int) -> None:
        super().__init__()
        self.kinds = [field.kind for field in fields]
        self.width = 0
        self.cut: list[int] = []
        for field in fields:
            columns = int(field.shape[0])
            if field.kind == "category":
                self.vectors = nn.Embedding(sum(field.levels), embedding)
                nn.init.uniform_(self.vectors.weight, -(embedding**-0.5), embedding**-0.5)
                # All columns share one table of vectors; a column's begin after those of the columns before it.
                starts = torch.tensor((0, *field.levels)).cumsum(0)[:-1]
                self.register_buffer("starts", starts, persistent=False)
                self.width += columns * embedding
                continue
            self.cut = [column for column, borders in enumerate(field.bins) if len(borders) > 1]
            if self.cut:
                self.pieces = PiecewiseLinear([field.bins[column] for column in self.cut], pieces)
            self.every = len(self.cut) == columns
            self.width += columns + len(self.cut) * pieces

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        """The inputs in the order of the schema to `(batch, width)`, float32."""
        parts: list[Tensor] = []
        for kind, x in zip(self.kinds, (first, second), strict=False):
            assert x is not None
            if kind == "category":
                parts.append(self.vectors(x + self.get_buffer("starts")).flatten(1))
                continue
            parts.append(x)
            if self.cut:
                parts.append(self.pieces(x if self.every else x[:, self.cut]))
        return torch.cat(parts, dim=1)


class Table(nn.Module):
    """Columns to `(batch, outputs)`; while training with k members, to one answer each, `(batch, k, outputs)`.

    The answer for classes are logits, for a number the number. The one answer of several members is the mean of
    their probabilities (as logits), or of their numbers.
    """

    def __init__(self, columns: Columns, body: nn.Module, options: Options, *, classes: bool) -> None:
        super().__init__()
        self.columns, self.body = columns, body
        self.members, self.classes = options.members, classes
        self.one_unit = options.one_unit
        self.function = None if options.output == "linear" else activation(options.output)

    def forward(self, first: Tensor, second: Tensor | None = None) -> Tensor:
        """The inputs in the order of the schema to answers."""
        answers = self._answers(self.body(self.columns(first, second)))
        if self.members == 1 or self.training:
            return answers
        if self.classes:
            return mean_probabilities(answers)
        return answers.mean(dim=1)

    def _answers(self, units: Tensor) -> Tensor:
        """Output units `(..., units)` to numbers, or to logits `(..., classes)`."""
        if not self.classes:
            return units if self.function is None else self.function(units)
        if isinstance(self.function, nn.Sigmoid) or (self.function is None and self.one_unit):
            logs = nn.functional.logsigmoid(units)
            return torch.cat((logs - units, logs), dim=-1) if self.one_unit else logs
        if self.function is None:
            return units
        shares = self.function(units).clamp(LEAST, 1.0 - LEAST)
        return torch.cat((1.0 - shares, shares), dim=-1).log() if self.one_unit else shares.log()


def build(options: Options, schema: Schema) -> Table:
    """From `(batch, numbers)` float32 and `(batch, categories)` int64, as far as the schema has them, to answers.

    Those are logits `(batch, classes)` or standardized numbers `(batch, 1)`; see `Table` for several members.
    RecipeError where options do not fit each other or the data.
    """
    target, output = schema.targets[0], schema.outputs[0]
    classes = target.kind == "category"
    if options.one_unit and len(target.classes) != 2:
        raise RecipeError(
            f"One output unit can tell two classes apart; here {_answered(target)}.",
            where="model.one_unit",
            do="leave --model.one_unit false",
        )
    bodies = _bodies(options)
    columns = Columns(schema.inputs, options.pieces, options.embedding)
    hidden: list[nn.Module] = []
    width = columns.width
    for body in bodies:
        hidden.append(perceptron(width, body))
        width = body.widths[0]
    last = nn.Linear(width, 1 if options.one_unit else int(output.shape[0]))
    initialize(last, options.initialization, scale=options.initial_scale, bias=options.initial_bias, linear=True)
    layers = nn.Sequential(*hidden)
    if options.members == 1:
        return Table(columns, nn.Sequential(layers, last), options, classes=classes)
    if not bodies:
        raise RecipeError(
            "Several members share hidden layers, and there are none.",
            where="model.members",
            do="set --model.members 1, or a --model.depth of at least 1",
        )
    share(layers, options.members)
    together = nn.Sequential(Spread(options.members), layers, Apart(last, options.members))
    return Table(columns, together, options, classes=classes)


def _bodies(options: Options) -> list[Body]:
    """What each hidden layer is like, in turn."""
    widths = (options.width,) * options.depth if options.widths is None else options.widths
    each = (options.activation,) * len(widths) if options.activations is None else options.activations
    if len(each) != len(widths):
        raise RecipeError(
            f"There are {len(each)} activations for {len(widths)} hidden layers.",
            where="model.activations",
            do="name one for each hidden layer, or --model.activation for all of them",
        )
    return [
        Body(
            (width,),
            activation_,
            options.normalization,
            options.dropout,
            options.residual,
            options.initialization,
            options.initial_scale,
            options.initial_bias,
        )
        for width, activation_ in zip(widths, each, strict=True)
    ]


def _answered(target: Field) -> str:
    return f"there are {len(target.classes)}" if target.classes else "a number is wanted"
