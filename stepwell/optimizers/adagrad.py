"""Adagrad: steps scaled by the sum of all squared gradients so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta

from stepwell.optimizers import Group, decayed, fused, light

FUSED = frozenset(("cpu",))
"""Where torch has one kernel for a whole step of Adagrad."""


@dataclass(frozen=True)
class Options:
    """The settings of Adagrad (Duchi, Hazan and Singer, JMLR 2011)."""

    learning_rate: Annotated[float, Meta(gt=0, description="The step size before the schedule.")] = 1e-2
    initial: Annotated[float, Meta(ge=0, description="What the sums begin at.")] = 0.0
    epsilon: Annotated[float, Meta(gt=0, description="Added to the root of the sum, against division by 0.")] = 1e-10
    l2: Annotated[float, Meta(ge=0, description="This times the weights is added to their gradient.")] = 0.0


def build(options: Options, groups: Sequence[Group]) -> torch.optim.Adagrad:
    """The optimizer over `groups`."""
    return light(torch.optim.Adagrad)(
        decayed(groups, options.l2),
        lr=options.learning_rate,
        initial_accumulator_value=options.initial,
        eps=options.epsilon,
        fused=fused(groups, FUSED),
    )
