"""The mean squared error of numbers, or of the probabilities of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta
from torch import Tensor

from stepwell.losses._terms import errors, summed
from stepwell.schema import Term

ACCEPTS = ("number", "category")
"""The kinds of target that the loss compares answers with."""


@dataclass(frozen=True)
class Options:
    """The settings of the squared error."""

    of: Annotated[
        Literal["probabilities", "outputs"],
        Meta(description="What of classes is compared: their probabilities, or the bare outputs."),
    ] = "probabilities"


def term(options: Options, outputs: Tensor, targets: Tensor, weight: Tensor | None) -> Term:
    """The sum over examples of their mean squared error over values or classes, over the number or weight of examples.

    `outputs` are `(batch, values)` with `targets` float `(batch,)` or `(batch, values)`; or logits
    `(batch, classes)` with class numbers `(batch,)` int64 or shares `(batch, classes)`: then it is the Brier score
    divided by the number of classes. `weight` is one an example `(batch,)`.
    """
    return summed(errors(outputs, targets, raw=options.of == "outputs").square().mean(dim=1), weight)
