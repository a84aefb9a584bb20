"""The hinge loss: the true class must lead every other by a margin, as in a support vector machine."""

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
    """The settings of the hinge loss."""

    margin: Annotated[float, Meta(gt=0, description="How far the true class's output must lead the next one's.")] = 1.0
    squared: Annotated[bool, Meta(description="Square what is missing of the margin.")] = False
    class_weights: Annotated[
        tuple[Annotated[float, Meta(ge=0)], ...] | None,
        Meta(description="A factor on the loss of each class, in the order of the classes; none: 1 each."),
    ] = None


def term(options: Options, outputs: Tensor, targets: Tensor, weight: Tensor | None) -> Term:
    """The sum over examples of what they lack of the margin, over the number or weight of examples.

    `outputs` are scores `(batch, classes)`, `targets` class numbers `(batch,)` int64 or shares `(batch, classes)`
    (each class then counts by its share). Crammer and Singer, Journal of Machine Learning Research, 2001. Its
    probabilities are those of no model: calibrate them before they are believed.
    """
    scores, wanted = outputs.float(), shares(targets, outputs)
    own = torch.eye(outputs.shape[1], dtype=torch.bool, device=outputs.device)
    # For each class as if it were the true one: the highest score of the others, (batch, classes).
    rival = scores.unsqueeze(1).masked_fill(own, -torch.inf).amax(dim=2)
    lack = (options.margin + rival - scores).clamp(min=0.0)
    lack = lack.square() if options.squared else lack
    return summed((wanted * class_factors(options.class_weights, outputs) * lack).sum(dim=1), weight)
