"""Adam: steps scaled by running means of the gradient and of its square."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch.optim.adam import adam

from stepwell.optimizers import Group, decayed, fused, light
from stepwell.optimizers._direct import direct


@dataclass(frozen=True)
class Options:
    """The settings of Adam (Kingma and Ba, ICLR 2015)."""

    learning_rate: Annotated[float, Meta(gt=0, description="The step size before the schedule.")] = 1e-3
    beta1: Annotated[float, Meta(ge=0, lt=1, description="Memory of the running mean of the gradient.")] = 0.9
    beta2: Annotated[float, Meta(ge=0, lt=1, description="Memory of the running mean of its square.")] = 0.999
    epsilon: Annotated[float, Meta(gt=0, description="Added to the root of the latter, against division by 0.")] = 1e-8
    l2: Annotated[float, Meta(ge=0, description="This times the weights is added to their gradient.")] = 0.0


def build(options: Options, groups: Sequence[Group]) -> torch.optim.Adam:
    """The optimizer over `groups`."""
    return light(torch.optim.Adam)(
        decayed(groups, options.l2),
        lr=options.learning_rate,
        betas=(options.beta1, options.beta2),
        eps=options.epsilon,
        fused=fused(groups),
    )


def step(optimizer: torch.optim.Adam) -> Callable[[], None]:
    """What makes one step of `optimizer`, bit for bit its own, with less ado."""
    return direct(optimizer, adam)
