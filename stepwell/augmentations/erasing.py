"""Erase a rectangle of some pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor

from stepwell.augmentations import Draw, names, tensor, with_fields
from stepwell.schema import Batch, Field, Schema


@dataclass(frozen=True)
class Options:
    """The settings of random erasing (Zhong et al., AAAI 2020)."""

    area: Annotated[
        float, Meta(ge=0, le=1, description="Greatest share of the picture; drawn evenly from a tenth of it.")
    ] = 0.2
    aspect: Annotated[float, Meta(ge=1, description="Greatest ratio of the longer to the shorter side.")] = 3.0
    probability: Annotated[float, Meta(ge=0, le=1, description="Share of examples in which something is erased.")] = 0.5


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with a rectangle of some pictures set to the sensor's mean (0 where none is stated).

    The rectangle lies wholly inside; very long ones are cut to the picture. Masks and boxes stay: what
    is hidden is still there.
    """
    numbers = draw("rectangle", (5,))
    area = options.area * (0.1 + 0.9 * numbers[:, 0]) * (numbers[:, 4] < options.probability)
    ratio = options.aspect ** (2 * numbers[:, 1] - 1)
    changed: dict[str, Tensor] = {}
    for name in names(batch, schema, "image"):
        old = batch.fields[name]
        height, width = old.shape[-2:]
        rows = _inside(np.sqrt(area * height * width * ratio), numbers[:, 2], height)
        columns = _inside(np.sqrt(area * height * width / ratio), numbers[:, 3], width)
        erased = tensor(rows, old)[:, None, :, None] & tensor(columns, old)[:, None, None, :]
        changed[name] = torch.where(erased, _fill(schema.field(name), old), old)
    return with_fields(batch, changed)


def _inside(
    length: np.ndarray[tuple[int], np.dtype[np.float64]], place: np.ndarray[tuple[int], np.dtype[np.float64]], size: int
) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which of `size` positions lie in a stretch of that length at that place in [0, 1), `(batch, size)`."""
    whole = np.minimum(np.rint(length), size)
    start = np.floor(place * (size - whole + 1))
    positions = np.arange(size)
    inside: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (positions >= start[:, None]) & (
        positions < (start + whole)[:, None]
    )
    return inside


def _fill(field: Field, pictures: Tensor) -> Tensor:
    """The value that erases, `(1, channels, 1, 1)` in the dtype of the pictures."""
    mean = torch.tensor(field.mean or (0.0,), device=pictures.device).reshape(1, -1, 1, 1)
    return (mean if pictures.is_floating_point() else mean.round()).to(pictures.dtype)
