"""What mixup and CutMix share: who is mixed with whom, in which shares, and what becomes of the labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from stepwell.augmentations import Draw, each, tensor
from stepwell.errors import RecipeError
from stepwell.schema import Batch, Schema

Numbers = npt.NDArray[np.float64]


def shares(alpha: float, probability: float, draw: Draw) -> Numbers:
    """The share `(batch,)` that each example keeps of itself: Beta(alpha, alpha), or 1 where it is left alone."""
    from scipy.special import betaincinv  # heavy to import, and few trainings mix

    numbers = draw("share", (2,))
    return np.where(numbers[:, 1] < probability, betaincinv(alpha, alpha, numbers[:, 0]), 1.0)


def partners(draw: Draw) -> npt.NDArray[np.int64]:
    """The position `(batch,)` of each example's partner: the next in a drawn circle, so never itself unless alone."""
    circle = np.argsort(draw("partner", ()), kind="stable")
    partner = np.empty_like(circle)
    partner[circle] = np.roll(circle, -1)
    return partner


def blend_labels(
    batch: Batch, schema: Schema, share: Numbers, partner: npt.NDArray[np.int64], component: str
) -> dict[str, Tensor]:
    """The targets as shares of the classes `(batch, classes)` float32; RecipeError where a target is no class."""
    blended: dict[str, Tensor] = {}
    for field in schema.targets:
        if field.kind != "category":
            raise RecipeError(
                f"{component} blends classes, but the target {field.name!r} is of kind {field.kind!r}.",
                where="augmentation",
                do=f"leave {component} out of --augmentation",
            )
        labels = batch.fields[field.name]
        soft = labels if labels.ndim == 2 else functional.one_hot(labels.long(), len(field.classes)).float()
        own = each(tensor(share, soft), soft)
        blended[field.name] = torch.lerp(soft[tensor(partner, soft)], soft, own)
    return blended
