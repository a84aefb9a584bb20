"""What is minimized: the cross-entropy of every voxel."""

from __future__ import annotations

import math

from torch import nn
from torch.nn import functional

from stepwell.recipe import Recipe
from stepwell.schema import Batch, Loss, Objective, Schema, Term


def objectives(recipe: Recipe, schema: Schema) -> tuple[Objective, ...]:
    """The one objective; its term counts voxels."""

    def loss(model: nn.Module, batch: Batch) -> Loss:
        mask = batch.fields["mask"]
        total = functional.cross_entropy(model(batch.fields["image"]), mask, reduction="sum")
        return Loss({"cross_entropy": Term(total, float(mask.numel()))})

    def counts(batch: Batch) -> dict[str, float]:
        return {"cross_entropy": float(batch.fields["mask"].numel())}

    return (Objective("model", lambda model: model.parameters(), loss, counts=counts),)


def chance(schema: Schema) -> float:
    """The cross-entropy of an even guess, in nats."""
    return math.log(len(schema.field("scores").classes))
