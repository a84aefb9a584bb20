"""What is minimized: the mean squared error of all hours and columns, scaled."""

from __future__ import annotations

from torch import nn

from stepwell.recipe import Recipe
from stepwell.schema import Batch, Loss, Objective, Schema, Term


def objectives(recipe: Recipe, schema: Schema) -> tuple[Objective, ...]:
    """The one objective; its term counts numbers, hours times columns."""
    inputs = [field.name for field in schema.inputs]

    def loss(model: nn.Module, batch: Batch) -> Loss:
        off = model(*(batch.fields[name] for name in inputs)) - batch.fields["target"]
        return Loss({"squared": Term(off.square().sum(), float(off.numel()))})

    def counts(batch: Batch) -> dict[str, float]:
        return {"squared": float(batch.fields["target"].numel())}

    return (Objective("model", lambda model: model.parameters(), loss, counts=counts),)


def chance(schema: Schema) -> float:
    """The mean of the training part, always answered, is off by one deviation squared."""
    return 1.0
