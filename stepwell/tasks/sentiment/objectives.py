"""What is minimized: the loss of the recipe between the logits and the true class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial

from torch import nn

from stepwell.blocks.members import mean_over_members
from stepwell.errors import RecipeError
from stepwell.recipe import Recipe
from stepwell.schema import Batch, Loss, Network, Objective, Schema


def objectives(recipe: Recipe, schema: Schema) -> tuple[Objective, ...]:
    """The one objective, "model", over all parameters; its term has the name of the loss.

    A network of several members answers `(batch, members, classes)` while it trains: the loss is the mean of theirs.
    RecipeError where the loss asks for classes in an order and these have none.
    """
    name = recipe.name("loss")
    term = partial(recipe.module("loss").term, recipe.options("loss"))
    tokens, label = schema.inputs[0].name, schema.targets[0].name
    if getattr(recipe.module("loss"), "ORDERED", False) and not schema.targets[0].ordered:
        raise RecipeError(
            f"The loss {name} is for classes in an order, such as stars; here they are "
            + ", ".join(repr(one) for one in schema.targets[0].classes[:4])
            + ".",
            where="loss.name",
            do="use --loss cross_entropy; where labels are stars: --reader.rating classes",
        )

    def loss(model: nn.Module, batch: Batch) -> Loss:
        answers = model(batch.fields[tokens], batch.lengths[tokens])
        return Loss({name: mean_over_members(term, answers, batch.fields[label], batch.weight)})

    def counts(batch: Batch) -> dict[str, float]:
        return {name: float(len(batch)) if batch.weight is None else float(batch.weight.sum())}

    def rates(model: nn.Module) -> Mapping[nn.Parameter, float]:
        own = getattr(model, "rates", None)
        return {} if own is None else own()

    return (Objective("model", lambda model: model.parameters(), loss, counts=counts, rates=rates),)


def networks(model: nn.Module, schema: Schema) -> dict[str, Network]:
    """The one network of the artifact, from token numbers and lengths to logits."""
    return {"model": Network(model, schema.inputs, schema.outputs)}


def chance(schema: Schema) -> float:
    """The cross-entropy of an even guess over the classes, in nats."""
    return math.log(len(schema.targets[0].classes))
