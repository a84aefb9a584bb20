"""Stochastic gradient descent: plain, with momentum, or with Nesterov's momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from msgspec import Meta

from stepwell.errors import RecipeError
from stepwell.optimizers import Group, decayed, fused, light


@dataclass(frozen=True)
class Options:
    """The settings of SGD (Sutskever et al., ICML 2013)."""

    learning_rate: Annotated[float, Meta(gt=0, description="The step size before the schedule.")] = 0.1
    momentum: Annotated[float, Meta(ge=0, lt=1, description="Share of the last step that is kept; 0: plain.")] = 0.9
    nesterov: Annotated[bool, Meta(description="Look ahead along the momentum.")] = False
    l2: Annotated[float, Meta(ge=0, description="This times the weights is added to their gradient.")] = 0.0


def build(options: Options, groups: Sequence[Group]) -> torch.optim.SGD:
    """The optimizer over `groups`; RecipeError where `nesterov` has no momentum to look along."""
    if options.nesterov and options.momentum == 0:
        raise RecipeError(
            "Nesterov's momentum needs a momentum above 0.",
            where="optimizer.momentum",
            do="set --optimizer.momentum 0.9, or leave --optimizer.nesterov false",
        )
    return light(torch.optim.SGD)(
        decayed(groups, options.l2),
        lr=options.learning_rate,
        momentum=options.momentum,
        nesterov=options.nesterov,
        fused=fused(groups),
    )
