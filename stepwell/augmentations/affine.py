"""Rotate, scale, shear and translate pictures, in one resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import torch
from msgspec import Meta
from torch import Tensor
from torch.nn import functional

from stepwell.augmentations import Draw, names, restore, tensor, with_fields
from stepwell.schema import Batch, Schema

Matrices = npt.NDArray[np.float64]
PADDING = {"zeros": "zeros", "edge": "border", "reflect": "reflection"}


@dataclass(frozen=True)
class Options:
    """The settings of the affine map; each is the greatest change either way, drawn evenly."""

    rotate: Annotated[float, Meta(ge=0, le=180, description="Degrees.")] = 10.0
    scale: Annotated[float, Meta(ge=0, lt=1, description="Share of the size: 0.1 is from 1/1.1 to 1.1 times.")] = 0.1
    shear: Annotated[float, Meta(ge=0, lt=90, description="Degrees, along the width.")] = 0.0
    translate: Annotated[float, Meta(ge=0, le=1, description="Share of the width and of the height.")] = 0.0
    probability: Annotated[float, Meta(ge=0, le=1, description="Share of examples that are changed.")] = 1.0
    fill: Annotated[
        Literal["zeros", "edge", "reflect"],
        Meta(description="What appears at the edges: zeros, the nearest pixel, or the picture mirrored."),
    ] = "zeros"


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with every picture mapped about its center, bilinearly; masks take the nearest pixel.

    Boxes become the upright boxes around their mapped corners, cut at the edges.
    """
    images = names(batch, schema, "image")
    numbers = draw("map", (6,))
    changed: dict[str, Tensor] = {}
    for name in (*images, *names(batch, schema, "mask")):
        old = batch.fields[name]
        maps = _maps(options, numbers, *old.shape[-2:])
        planes = old[:, None] if old.ndim == 3 else old
        mode = "bilinear" if name in images else "nearest"
        grid = _grid(maps, planes)
        seen = functional.grid_sample(
            planes.float(), grid, mode=mode, padding_mode=PADDING[options.fill], align_corners=False
        )
        changed[name] = restore(seen, planes).reshape(old.shape)
    for name in names(batch, schema, "boxes"):
        height, width = batch.fields[images[0]].shape[-2:]
        changed[name] = _moved(batch.fields[name], _maps(options, numbers, height, width), height, width)
    return with_fields(batch, changed)


def _maps(options: Options, numbers: Matrices, height: int, width: int) -> Matrices:
    """Maps `(batch, 2, 3)` of x and y in pixels about the center, from a picture to its changed form."""
    angle, size, lean, right, down = (2 * numbers[:, :5] - 1).T
    angle = np.radians(options.rotate) * angle
    scale = (1 + options.scale) ** size
    shear = np.tan(math.radians(options.shear) * lean)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    x, y = options.translate * width * right, options.translate * height * down
    maps = np.stack(
        [np.stack([cos, cos * shear - sin, x], -1), np.stack([sin, sin * shear + cos, y], -1)],
        axis=1,
    )
    same = np.eye(2, 3)
    return np.where((numbers[:, 5] < options.probability)[:, None, None], maps, same)


def _grid(maps: Matrices, pictures: Tensor) -> Tensor:
    """Where each pixel of the changed pictures comes from, as `grid_sample` wants it: `(batch, height, width, 2)`."""
    height, width = pictures.shape[-2:]
    back = np.linalg.inv(maps[:, :, :2])
    offset = -back @ maps[:, :, 2:]
    half = np.array([width, height]) / 2  # grid_sample counts from -1 to 1 from edge to edge
    scaled = np.concatenate([back * half[None, None, :], offset], axis=2) / half[None, :, None]
    return functional.affine_grid(tensor(scaled, pictures), list(pictures.shape), align_corners=False)


def _moved(boxes: Tensor, maps: Matrices, height: int, width: int) -> Tensor:
    center = torch.tensor([width, height], dtype=boxes.dtype, device=boxes.device) / 2
    matrix = tensor(maps, boxes).to(boxes.dtype)
    corners = boxes[..., [[0, 1], [2, 1], [0, 3], [2, 3]]] - center  # (batch, boxes, 4 corners, 2)
    mapped = corners @ matrix[:, None, :, :2].transpose(-1, -2) + matrix[:, None, None, :, 2] + center
    mapped = torch.minimum(mapped.clamp(min=0), 2 * center)
    return torch.cat([mapped.amin(2), mapped.amax(2)], -1)
