"""Cross-entropy between the true classes and the softmax of the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor
from torch.nn import functional

from stepwell.errors import RecipeError
from stepwell.schema import Term


@dataclass(frozen=True)
class Options:
    """The settings of cross-entropy."""

    label_smoothing: Annotated[
        float, Meta(ge=0, lt=1, description="Share of the target spread evenly over all classes.")
    ] = 0.0
    class_weights: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...] | None,
        Meta(description="A factor on the loss of each class, in the order of the classes; none: 1 each."),
    ] = None


def term(options: Options, outputs: Tensor, targets: Tensor, weight: Tensor | None) -> Term:
    """The sum of the examples' losses, in nats, over the number of examples (or the sum of their weights).

    `outputs` are logits `(batch, classes)`; `targets` class numbers `(batch,)` int64, or shares of
    the classes `(batch, classes)` that add up to 1; `weight` is one an example `(batch,)`. Label
    smoothing is that of Szegedy et al. (CVPR 2016). Class weights do not enter the count, so weights
    of mean 1 over the data keep the size of the loss (torch divides by their sum instead).
    """
    # Under autocast the logits are half floats, in which a sum over a batch would lose its digits.
    losses = functional.cross_entropy(
        outputs.float(),
        targets,
        weight=_class_weights(options, outputs),
        reduction="none",
        label_smoothing=options.label_smoothing,
    )
    if weight is None:
        return Term(losses.sum(), float(len(losses)))
    return Term((losses * weight).sum(), float(weight.sum()))


def _class_weights(options: Options, outputs: Tensor) -> Tensor | None:
    if options.class_weights is None:
        return None
    if len(options.class_weights) != outputs.shape[1]:
        raise RecipeError(
            f"There are {len(options.class_weights)} class weights for {outputs.shape[1]} classes.",
            where="loss.class_weights",
            do="give one weight a class, in the order in which the classes are listed",
        )
    return torch.tensor(options.class_weights, device=outputs.device)
