"""Pad pictures and cut out a window of the old size at a random place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from msgspec import Meta
from torch import Tensor

from stepwell.augmentations import Draw, names, tensor, with_fields
from stepwell.schema import Batch, Schema

Fill = Literal["zeros", "edge", "reflect"]


@dataclass(frozen=True)
class Options:
    """The settings of cropping."""

    padding: Annotated[
        Annotated[int, Meta(ge=0)] | Literal["auto"] | None,
        Meta(
            description="Pixels added on each side; none: an eighth of the shorter side, at least 1; "
            "auto: a few, and none in a training that is too short for it."
        ),
    ] = None
    fill: Annotated[
        Fill, Meta(description="What is added: zeros, the nearest pixel, or the picture mirrored at its edge.")
    ] = "reflect"


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with every picture moved by up to `padding` pixels each way.

    Masks are filled with 0 (no object) unless `fill` mirrors or repeats; boxes are cut at the edges, and
    one that was moved out of the picture is left without area. ValueError where `padding` is still
    "auto" (a fault of the caller).
    """
    if options.padding == "auto":
        raise ValueError("crop.padding is still 'auto': the task's choices come before training")
    if options.padding == 0:
        return batch
    changed: dict[str, Tensor] = {}
    fraction = draw("place", (2,))
    for kind in ("image", "mask", "boxes"):
        for name in names(batch, schema, kind):
            old = batch.fields[name]
            picture = batch.fields[names(batch, schema, "image")[0]] if kind == "boxes" else old
            height, width = picture.shape[-2:]
            padding = max(1, min(height, width) // 8) if options.padding is None else options.padding
            moved = tensor((fraction * (2 * padding + 1)).astype("int64") - padding, old)
            if kind == "boxes":
                changed[name] = _moved(old, moved, height, width)
            else:
                changed[name] = _window(old, moved, options.fill)
    return with_fields(batch, changed)


def _window(pictures: Tensor, moved: Tensor, fill: Fill) -> Tensor:
    """Pictures `(batch, [channels,] height, width)` seen through windows moved `(batch, 2)` pixels down and right."""
    height, width = pictures.shape[-2:]
    rows, rows_inside = _positions(moved[:, 0], height, fill)
    columns, columns_inside = _positions(moved[:, 1], width, fill)
    pixels = pictures.permute(0, 2, 3, 1) if pictures.ndim == 4 else pictures[..., None]
    rows = rows + height * torch.arange(len(pictures), device=pictures.device)[:, None]
    places = (rows[:, :, None] * width + columns[:, None, :]).flatten()
    found = pixels.reshape(-1, pixels.shape[-1]).index_select(0, places).reshape(pixels.shape)
    if fill == "zeros":
        found = found * (rows_inside[:, :, None] & columns_inside[:, None, :])[..., None].to(found.dtype)
    return found.permute(0, 3, 1, 2) if pictures.ndim == 4 else found[..., 0]


def _positions(moved: Tensor, size: int, fill: Fill) -> tuple[Tensor, Tensor]:
    """Where each pixel of a window comes from `(batch, size)`, and whether that is inside the picture."""
    positions = torch.arange(size, device=moved.device) + moved[:, None]
    inside = (positions >= 0) & (positions < size)
    if fill == "reflect" and size > 1:
        period = 2 * (size - 1)
        positions = positions.remainder(period)
        positions = torch.minimum(positions, period - positions)
    return positions.clamp(0, size - 1), inside


def _moved(boxes: Tensor, moved: Tensor, height: int, width: int) -> Tensor:
    down, right = moved.to(boxes.dtype).unbind(1)
    shift = torch.stack([right, down, right, down], 1)
    limit = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device)
    return torch.minimum((boxes - shift[:, None]).clamp(min=0), limit)
