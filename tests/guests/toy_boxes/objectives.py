"""What is minimized: how far each edge is off, as a share of the square; one count a box."""

from __future__ import annotations

from torch import nn

from stepwell.recipe import Recipe
from stepwell.schema import Batch, Loss, Objective, Schema, Term


def objectives(recipe: Recipe, schema: Schema) -> tuple[Objective, ...]:
    """The one objective, "model"."""

    def loss(model: nn.Module, batch: Batch) -> Loss:
        off = (model(batch.fields["image"]) - batch.fields["box"]).abs().sum()
        return Loss({"edges": Term(off, float(len(batch)))})

    return (Objective("model", lambda model: model.parameters(), loss),)
