"""Random changes of training batches: `apply(options, batch, schema, draw) -> Batch`, a file each.

They work on whole batches of tensors. Every random number is a `draw` by example, so an example changes
alike in every batch that it may come in. Pictures are `(batch, channels, height, width)` in
raw sensor values; their dtype stays, and so does their range. Fields of kind "mask",
`(batch, height, width)` or `(batch, channels, height, width)`, and "boxes", `(batch, boxes, 4)` as
x1, y1, x2, y2 in pixels, move along where a change moves things.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stepwell.schema import Batch, Schema

Draw = Callable[[str, tuple[int, ...]], npt.NDArray[np.float64]]
"""(name, shape) -> uniform numbers (batch, *shape) in [0, 1), one block an example, float64."""


def names(batch: Batch, schema: Schema, kind: str) -> list[str]:
    """The fields of a kind that the batch holds, inputs first."""
    return [
        field.name for field in (*schema.inputs, *schema.targets) if field.kind == kind and field.name in batch.fields
    ]


def with_fields(batch: Batch, changed: Mapping[str, Tensor]) -> Batch:
    """The batch with some fields replaced."""
    return replace(batch, fields={**batch.fields, **changed})


def tensor(numbers: npt.NDArray[Any], like: Tensor) -> Tensor:
    """Numbers as a tensor on the device of `like`: float32, or what integers and booleans they are."""
    if numbers.dtype == np.float64:
        numbers = numbers.astype(np.float32)
    return torch.from_numpy(numbers).to(like.device, non_blocking=True)


def each(numbers: Tensor, like: Tensor) -> Tensor:
    """One number an example `(batch,)` shaped so that it meets `like` `(batch, ...)`."""
    return numbers.reshape(-1, *(1 for _ in like.shape[1:]))


def limits(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """The least and the greatest value that each picture may take, `(batch, 1, 1, 1)` float32.

    For integers those of the dtype, for floats the extremes of the picture itself: nothing else is
    known of a sensor that gives floats.
    """
    if pictures.is_floating_point():
        return pictures.amin((1, 2, 3), keepdim=True), pictures.amax((1, 2, 3), keepdim=True)
    bounds = torch.iinfo(pictures.dtype)
    shape = (len(pictures), 1, 1, 1)
    device = pictures.device
    return torch.full(shape, float(bounds.min), device=device), torch.full(shape, float(bounds.max), device=device)


def restore(values: Tensor, original: Tensor) -> Tensor:
    """Computed float pictures in the dtype and range of the original ones: clamped, and rounded for integers."""
    low, high = limits(original)
    clamped = values.clamp(low, high)
    return clamped if original.is_floating_point() else clamped.round_().to(original.dtype)
