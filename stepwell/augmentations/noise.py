"""Add Gaussian noise to pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor

from stepwell.augmentations import Draw, each, limits, names, restore, tensor, with_fields
from stepwell.schema import Batch, Schema


@dataclass(frozen=True)
class Options:
    """The settings of noise."""

    strength: Annotated[
        float,
        Meta(ge=0, le=1, description="Greatest standard deviation, a share of the range of values; drawn evenly."),
    ] = 0.05
    probability: Annotated[float, Meta(ge=0, le=1, description="Share of examples that get noise.")] = 0.5


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with noise in some pictures, alone to each value, clamped to the range."""
    numbers = draw("strength", (3,))
    strength = options.strength * numbers[:, 0] * (numbers[:, 1] < options.probability)
    seeds = (numbers[:, 2] * 2**53).astype("int64")
    changed: dict[str, Tensor] = {}
    for name in names(batch, schema, "image"):
        old = batch.fields[name]
        noise = torch.zeros(old.shape)
        generator = torch.Generator()
        # A generator seeded by example: a draw for each value would cost more than the noise is worth.
        for row in np.flatnonzero(strength).tolist():
            noise[row].normal_(generator=generator.manual_seed(int(seeds[row])))
        low, high = limits(old)
        deviation = each(tensor(strength, old), old) * (high - low)
        changed[name] = restore(old.float() + deviation * noise.to(old.device), old)
    return with_fields(batch, changed)
