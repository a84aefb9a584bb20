"""Cross-entropy that counts easy examples less, so that the rare and hard ones are heard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor

from stepwell.losses._terms import class_factors, shares, summed
from stepwell.schema import Term

ACCEPTS = ("category",)
"""The kinds of target that the loss compares answers with."""


@dataclass(frozen=True)
class Options:
    """The settings of the focal loss."""

    gamma: Annotated[float, Meta(ge=0, description="How much less easy examples count; 0: plain cross-entropy.")] = 2.0
    class_weights: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...] | None,
        Meta(description="A factor on the loss of each class, in the order of the classes; none: 1 each."),
    ] = None


def term(options: Options, outputs: Tensor, targets: Tensor, weight: Tensor | None) -> Term:
    """The sum of -(1 - p)^gamma log p over the true classes, in nats, over the number or weight of examples.

    p is the probability of the true class; `outputs` are logits `(batch, classes)`, `targets` class numbers
    `(batch,)` int64 or shares `(batch, classes)`. Lin et al., "Focal loss for dense object detection", ICCV 2017.
    """
    logs = outputs.float().log_softmax(dim=1)
    factors = class_factors(options.class_weights, outputs)
    hard = -torch.expm1(logs)  # 1 - p, exact where p is near 1
    # At p = 1 a power below 1 has no slope: kept just above 0, where the product with log p is 0 all the same.
    losses = -(hard.clamp(min=1e-12) ** options.gamma) * logs if options.gamma else -logs
    return summed((shares(targets, outputs) * factors * losses).sum(dim=1), weight)
