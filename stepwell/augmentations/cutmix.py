"""Paste a rectangle of another picture into each, and blend the labels by area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
from msgspec import Meta
from torch import Tensor

from stepwell.augmentations import Draw, names, tensor, with_fields
from stepwell.augmentations._pairs import Numbers, blend_labels, partners, shares
from stepwell.schema import Batch, Schema


@dataclass(frozen=True)
class Options:
    """The settings of CutMix (Yun et al., ICCV 2019)."""

    alpha: Annotated[float, Meta(gt=0, description="Kept areas are drawn from Beta(alpha, alpha); 1: evenly.")] = 1.0
    probability: Annotated[float, Meta(ge=0, le=1, description="Share of examples that are pasted into.")] = 0.5


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with a rectangle of a partner's picture in some, and labels blended by area, `(batch, classes)` floats.

    The rectangle has the picture's form; its center is anywhere, and what lies outside is lost, so the labels go
    by the area that was really pasted. The partner is drawn among the batch, so unlike other augmentations this one
    depends on which examples meet in a batch. RecipeError where a target is no class.
    """
    side = np.sqrt(1 - shares(options.alpha, options.probability, draw))
    center = draw("center", (2,))
    partner = partners(draw)
    changed: dict[str, Tensor] = {}
    kept = np.ones(len(batch))
    for name in names(batch, schema, "image"):
        old = batch.fields[name]
        rows = _inside(side, center[:, 0], old.shape[-2])
        columns = _inside(side, center[:, 1], old.shape[-1])
        pasted = tensor(rows, old)[:, None, :, None] & tensor(columns, old)[:, None, None, :]
        changed[name] = torch.where(pasted, old[tensor(partner, old)], old)
        kept = 1 - rows.mean(1) * columns.mean(1)
    return with_fields(batch, {**changed, **blend_labels(batch, schema, kept, partner, "cutmix")})


def _inside(side: Numbers, center: Numbers, size: int) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Which of `size` positions lie within half a `side` (a share of `size`) of the center, `(batch, size)`."""
    middles = (np.arange(size) + 0.5) / size
    inside: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = np.abs(middles - center[:, None]) < side[:, None] / 2
    return inside
