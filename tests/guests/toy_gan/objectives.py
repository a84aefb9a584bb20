"""What is minimized: the Wasserstein loss with gradient penalty (Gulrajani et al., 2017), five to one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import torch
from torch import Tensor, nn

from stepwell.recipe import Recipe
from stepwell.schema import Batch, Loss, Network, Objective, Schema, Term


@dataclass(frozen=True)
class Options:
    """How the two take turns."""

    critic_updates: Annotated[int, msgspec.Meta(ge=1, description="updates of the critic in a cycle")] = 5
    penalty: Annotated[float, msgspec.Meta(ge=0, description="weight of the gradient penalty")] = 1.0


def objectives(recipe: Recipe, schema: Schema) -> tuple[Objective, ...]:
    """The critic's turns, then the generator's. Noise is drawn anew in each, by torch's own generator."""
    options = recipe.options("objective")

    def make(pair: Any, batch: Batch) -> Tensor:
        made: Tensor = pair.generator(torch.randn_like(batch.fields["noise"]))
        return made

    def criticize(pair: Any, batch: Batch) -> Loss:
        count = float(len(batch))
        real = batch.fields["point"]
        with torch.no_grad():
            made = make(pair, batch)
        between = torch.lerp(real, made, torch.rand_like(real[:, :1])).requires_grad_()
        slope = torch.autograd.grad(pair.critic(between).sum(), between, create_graph=True)[0]
        # A slope of 1 in standardized points, which are what the critic looks at.
        off = (slope * pair.generator.std).norm(dim=1) - 1.0
        return Loss(
            {
                "distance": Term((pair.critic(made) - pair.critic(real)).sum(), count),
                "penalty": Term(off.square().sum(), count, options.penalty),
            }
        )

    def generate(pair: Any, batch: Batch) -> Loss:
        return Loss({"distance": Term(-pair.critic(make(pair, batch)).sum(), float(len(batch)))})

    return (
        Objective("critic", lambda pair: _part(pair, "critic").parameters(), criticize, updates=options.critic_updates),
        Objective("generator", lambda pair: _part(pair, "generator").parameters(), generate),
    )


def networks(model: nn.Module, schema: Schema) -> dict[str, Network]:
    """What predicts is the generator alone."""
    return {"generator": Network(_part(model, "generator"), (schema.field("noise"),), schema.outputs)}


def _part(pair: nn.Module, name: str) -> nn.Module:
    return pair.get_submodule(name)
