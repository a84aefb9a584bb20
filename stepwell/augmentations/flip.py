"""Mirror pictures, left to right or top to bottom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor

from stepwell.augmentations import Draw, each, names, tensor, with_fields
from stepwell.schema import Batch, Schema


@dataclass(frozen=True)
class Options:
    """The settings of flipping."""

    horizontal: Annotated[
        bool | Literal["auto"],
        Meta(description="Left to right; auto: only where a simple baseline loses nothing on flipped pictures."),
    ] = "auto"
    vertical: Annotated[bool | Literal["auto"], Meta(description="Top to bottom; auto: as for horizontal.")] = False
    probability: Annotated[float, Meta(ge=0, le=1, description="Share of examples that are mirrored, each way.")] = 0.5


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with some pictures mirrored; ValueError where a setting is still "auto" (a fault of the caller)."""
    for way, chosen in (("horizontal", options.horizontal), ("vertical", options.vertical)):
        if chosen == "auto":
            raise ValueError(f"flip.{way} is still 'auto': the task's choices come before training")
        if chosen:
            batch = _mirror(options.probability, batch, schema, draw, way)
    return batch


def _mirror(probability: float, batch: Batch, schema: Schema, draw: Draw, way: str) -> Batch:
    chosen = draw(way, ()) < probability
    axis = -1 if way == "horizontal" else -2
    changed: dict[str, Tensor] = {}
    for name in (*names(batch, schema, "image"), *names(batch, schema, "mask")):
        old = batch.fields[name]
        changed[name] = torch.where(each(tensor(chosen, old), old), old.flip(axis), old)
    for name in names(batch, schema, "boxes"):
        old = batch.fields[name]
        size = batch.fields[names(batch, schema, "image")[0]].shape[axis]
        changed[name] = torch.where(each(tensor(chosen, old), old), _mirrored(old, size, axis), old)
    return with_fields(batch, changed)


def _mirrored(boxes: Tensor, size: int, axis: int) -> Tensor:
    x1, y1, x2, y2 = boxes.unbind(-1)
    if axis == -1:
        return torch.stack([size - x2, y1, size - x1, y2], -1)
    return torch.stack([x1, size - y2, x2, size - y1], -1)
