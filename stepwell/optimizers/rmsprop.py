"""RMSprop: steps scaled by a running mean of the squared gradient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta

from stepwell.optimizers import Group, decayed, light


@dataclass(frozen=True)
class Options:
    """The settings of RMSprop (Tieleman and Hinton, Coursera lecture 6.5, 2012)."""

    learning_rate: Annotated[float, Meta(gt=0, description="The step size before the schedule.")] = 1e-3
    memory: Annotated[float, Meta(ge=0, lt=1, description="Memory of the running mean of the squared gradient.")] = 0.99
    momentum: Annotated[float, Meta(ge=0, lt=1, description="Share of the last step that is kept.")] = 0.0
    centered: Annotated[bool, Meta(description="Scale by the variance of the gradient, not by its square.")] = False
    epsilon: Annotated[float, Meta(gt=0, description="Added to the root of the mean, against division by 0.")] = 1e-8
    l2: Annotated[float, Meta(ge=0, description="This times the weights is added to their gradient.")] = 0.0


def build(options: Options, groups: Sequence[Group]) -> torch.optim.RMSprop:
    """The optimizer over `groups`; torch has no fused kernel for it."""
    return light(torch.optim.RMSprop)(
        decayed(groups, options.l2),
        lr=options.learning_rate,
        alpha=options.memory,
        momentum=options.momentum,
        centered=options.centered,
        eps=options.epsilon,
    )
