"""Cross-entropy between the true classes and the softmax of the outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor
from torch.nn import functional

from stepwell.losses._terms import class_factors, summed
from stepwell.schema import Term

ACCEPTS = ("category",)
"""The kinds of target that the loss compares answers with."""


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
        weight=None if options.class_weights is None else class_factors(options.class_weights, outputs),
        reduction="sum" if weight is None else "none",
        label_smoothing=options.label_smoothing,
    )
    return Term(losses, float(len(outputs))) if weight is None else summed(losses, weight)
