"""Cross-entropy of ordered classes: an answer far from the truth costs more than one beside it.

For every border between two classes the question is whether the truth lies beyond it (Frank and Hall, ECML 2001;
Cheng, Wang and Pollastri, IJCNN 2008). The probability that it does is the sum of the softmax over the classes beyond,
so that it can only fall from border to border, which CORAL (Cao, Mirjalili and Raschka, 2020) gets by sharing weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor

from stepwell.losses._terms import class_factors, shares, summed
from stepwell.schema import Term

ACCEPTS = ("category",)
"""The kinds of target that the loss compares answers with."""

ORDERED = True
"""The classes must come in an order (`Field.ordered`)."""


@dataclass(frozen=True)
class Options:
    """The settings of the ordinal loss."""

    class_weights: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...] | None,
        Meta(description="A factor on the loss of each class, in the order of the classes; none: 1 each."),
    ] = None


def term(options: Options, outputs: Tensor, targets: Tensor, weight: Tensor | None) -> Term:
    """The sum over examples of the mean cross-entropy over borders, in nats, over the number or weight of examples.

    `outputs` are logits `(batch, classes)` in the order of the classes; `targets` class numbers `(batch,)` int64 or
    shares `(batch, classes)`. Two classes have one border: then it is the cross-entropy.
    """
    logs, wanted = outputs.float().log_softmax(dim=1), shares(targets, outputs)
    upto = logs.logcumsumexp(dim=1)[:, :-1]
    beyond = logs.flip(1).logcumsumexp(dim=1).flip(1)[:, 1:]
    true = wanted.cumsum(dim=1)[:, :-1]  # the share of the truth that lies before each border
    losses = -(true * upto + (1.0 - true) * beyond).mean(dim=1)
    factors = (wanted * class_factors(options.class_weights, outputs)).sum(dim=1)
    return summed(losses * factors, weight)
