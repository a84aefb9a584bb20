"""Blend pictures, and their labels, two and two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor

from stepwell.augmentations import Draw, each, names, restore, tensor, with_fields
from stepwell.augmentations._pairs import blend_labels, partners, shares
from stepwell.schema import Batch, Schema


@dataclass(frozen=True)
class Options:
    """The settings of mixup (Zhang et al., ICLR 2018)."""

    alpha: Annotated[float, Meta(gt=0, description="Shares are drawn from Beta(alpha, alpha); 1: evenly.")] = 0.2
    probability: Annotated[float, Meta(ge=0, le=1, description="Share of examples that are blended.")] = 1.0


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with each picture blended with a partner's, and the labels likewise: `(batch, classes)` floats.

    The partner is drawn among the batch, so unlike other augmentations this one depends on which
    examples meet in a batch. RecipeError where a target is no class.
    """
    share = shares(options.alpha, options.probability, draw)
    partner = partners(draw)
    changed: dict[str, Tensor] = {}
    for name in names(batch, schema, "image"):
        old = batch.fields[name]
        values = old.float()
        own = each(tensor(share, old), old)
        changed[name] = restore(own * values + (1 - own) * values[tensor(partner, old)], old)
    return with_fields(batch, {**changed, **blend_labels(batch, schema, share, partner, "mixup")})
