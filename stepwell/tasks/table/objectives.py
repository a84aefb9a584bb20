"""What is minimized: the loss of the recipe between the answers and the true class or number."""

from __future__ import annotations

import math
from functools import partial

from torch import nn

from stepwell.blocks.members import mean_over_members
from stepwell.errors import RecipeError
from stepwell.recipe import Recipe
from stepwell.schema import Batch, Loss, Network, Objective, Schema


def objectives(recipe: Recipe, schema: Schema) -> tuple[Objective, ...]:
    """The one objective, "model", over all parameters; its term has the name of the loss.

    A network of several members answers `(batch, members, outputs)` while it trains: the loss is the mean of
    theirs, so that each learns as if it were alone. RecipeError where the loss does not fit the target.
    """
    name, options, module = recipe.name("loss"), recipe.options("loss"), recipe.module("loss")
    target = schema.targets[0]
    if target.kind not in getattr(module, "ACCEPTS", (target.kind,)):
        wants = "numbers" if "number" in module.ACCEPTS else "classes"
        raise RecipeError(
            f"The loss {name} is for {wants}, and {target.measure or target.name!r} is a {_called(target.kind)}.",
            where="loss.name",
            do="leave --loss auto, or name one that fits, such as " + fitting(target.kind),
        )

    def loss(model: nn.Module, batch: Batch) -> Loss:
        answers = model(*(batch.fields[field.name] for field in schema.inputs))
        term = partial(module.term, options)
        return Loss({name: mean_over_members(term, answers, batch.fields[target.name], batch.weight)})

    def counts(batch: Batch) -> dict[str, float]:
        return {name: float(len(batch)) if batch.weight is None else float(batch.weight.sum())}

    return (Objective("model", lambda model: model.parameters(), loss, counts=counts),)


def fitting(kind: str) -> str:
    """The loss that is taken for a target of this kind where the recipe leaves it open."""
    return "mse" if kind == "number" else "cross_entropy"


def networks(model: nn.Module, schema: Schema) -> dict[str, Network]:
    """The one network of the artifact, from scaled numbers and codes to logits or a standardized number."""
    return {"model": Network(model, schema.inputs, schema.outputs)}


def chance(schema: Schema) -> float:
    """The cross-entropy of an even guess over the classes, in nats, or the squared error of the mean, standardized."""
    classes = schema.targets[0].classes
    return math.log(len(classes)) if classes else 1.0


def _called(kind: str) -> str:
    return "number" if kind == "number" else "class"
