"""What is minimized: the loss of the recipe between the logits and the true class."""

from __future__ import annotations

import math

from torch import nn

from stepwell.recipe import Recipe
from stepwell.schema import Batch, Loss, Network, Objective, Schema


def objectives(recipe: Recipe, schema: Schema) -> tuple[Objective, ...]:
    """The one objective, "model", over all parameters; its term has the name of the loss."""
    name, options = recipe.name("loss"), recipe.options("loss")
    term = recipe.module("loss").term
    image, label = schema.inputs[0].name, schema.targets[0].name

    def loss(model: nn.Module, batch: Batch) -> Loss:
        return Loss({name: term(options, model(batch.fields[image]), batch.fields[label], batch.weight)})

    def counts(batch: Batch) -> dict[str, float]:
        return {name: float(len(batch)) if batch.weight is None else float(batch.weight.sum())}

    return (Objective("model", lambda model: model.parameters(), loss, counts=counts),)


def networks(model: nn.Module, schema: Schema) -> dict[str, Network]:
    """The one network of the artifact, from raw pixels to logits."""
    return {"model": Network(model, schema.inputs, schema.outputs)}


def chance(schema: Schema) -> float:
    """The cross-entropy of an even guess over the classes, in nats."""
    return math.log(len(schema.targets[0].classes))
