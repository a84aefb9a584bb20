"""Binary cross-entropy: a yes or no for each class by itself, as with one sigmoid unit each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor
from torch.nn import functional

from stepwell.losses._terms import class_factors, shares, summed
from stepwell.schema import Term

ACCEPTS = ("category",)
"""The kinds of target that the loss compares answers with."""


@dataclass(frozen=True)
class Options:
    """The settings of binary cross-entropy."""

    class_weights: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...] | None,
        Meta(description="A factor on the loss of each class, in the order of the classes; none: 1 each."),
    ] = None


def term(options: Options, outputs: Tensor, targets: Tensor, weight: Tensor | None) -> Term:
    """The sum over examples of their mean cross-entropy over classes, in nats, over the number or weight of examples.

    `outputs` are logits `(batch, classes)`; `targets` class numbers `(batch,)` int64 or shares `(batch, classes)`.
    Two classes are one question, whose logit is the difference of the two outputs. With more, each output is
    the logit of its class against all others, and their softmax only ranks the classes. An example counts by the
    weight of its class.
    """
    logits, wanted = outputs.float(), shares(targets, outputs)
    factors = (wanted * class_factors(options.class_weights, outputs)).sum(dim=1)
    if outputs.shape[1] == 2:
        logits, wanted = logits[:, 1:] - logits[:, :1], wanted[:, 1:]
    losses = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    return summed(losses.mean(dim=1) * factors, weight)
