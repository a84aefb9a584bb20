"""AdamW: Adam with a decay of the weights that its scaling does not touch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta
from torch.optim.adamw import adamw

from stepwell.optimizers import Group, decayed, fused, light
from stepwell.optimizers._direct import direct


@dataclass(frozen=True)
class Options:
    """The settings of AdamW (Loshchilov and Hutter, ICLR 2019)."""

    learning_rate: Annotated[float, Meta(gt=0, description="The step size before the schedule.")] = 1e-3
    beta1: Annotated[float, Meta(ge=0, lt=1, description="Memory of the running mean of the gradient.")] = 0.9
    beta2: Annotated[float, Meta(ge=0, lt=1, description="Memory of the running mean of its square.")] = 0.999
    epsilon: Annotated[float, Meta(gt=0, description="Added to the root of the latter, against division by 0.")] = 1e-8
    weight_decay: Annotated[
        float, Meta(ge=0, description="This times the learning rate is taken off the weights at each step, as a share.")
    ] = 0.01


def build(options: Options, groups: Sequence[Group]) -> torch.optim.AdamW:
    """The optimizer over `groups`."""
    return light(torch.optim.AdamW)(
        decayed(groups, options.weight_decay),
        lr=options.learning_rate,
        betas=(options.beta1, options.beta2),
        eps=options.epsilon,
        fused=fused(groups),
    )


def step(optimizer: torch.optim.AdamW) -> Callable[[], None]:
    """What makes one step of `optimizer`, bit for bit its own, with less ado."""
    return direct(optimizer, adamw)
