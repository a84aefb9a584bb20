"""Make pictures brighter or darker, and stronger or weaker in contrast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta
from torch import Tensor

from stepwell.augmentations import Draw, each, limits, names, restore, tensor, with_fields
from stepwell.schema import Batch, Schema


@dataclass(frozen=True)
class Options:
    """The settings of brightness and contrast; each is the greatest change either way, drawn evenly."""

    brightness: Annotated[float, Meta(ge=0, le=1, description="Share of the range of values that is added.")] = 0.1
    contrast: Annotated[float, Meta(ge=0, le=1, description="Share by which differences from the mean grow.")] = 0.2
    probability: Annotated[float, Meta(ge=0, le=1, description="Share of examples that are changed.")] = 1.0


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with the values of every picture stretched about the picture's mean, shifted, and clamped."""
    numbers = draw("change", (3,))
    changes = (2 * numbers[:, :2] - 1) * (numbers[:, 2:] < options.probability)
    changed: dict[str, Tensor] = {}
    for name in names(batch, schema, "image"):
        old = batch.fields[name]
        brightness, contrast = (each(one, old) for one in tensor(changes, old).unbind(1))
        low, high = limits(old)
        values = old.float()
        mean = values.mean((1, 2, 3), keepdim=True)
        shift = mean + options.brightness * brightness * (high - low)
        changed[name] = restore((values - mean) * (1 + options.contrast * contrast) + shift, old)
    return with_fields(batch, changed)
