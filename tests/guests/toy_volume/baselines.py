"""The simple rivals: everything is the body, and a threshold on single voxels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell.preparation import Prepared
from stepwell.schema import Columns, Schema, Trace
from stepwell.task import Rival

STEPS = 64


def rivals(train: Prepared, schema: Schema, seed: int, seconds: float) -> dict[str, Rival]:
    """`constant`, and `threshold`: the one with the best Dice over all training voxels."""
    voxels = np.concatenate([np.asarray(volume).ravel() for volume in train.columns["image"]])
    body = np.concatenate([np.asarray(mask).ravel() for mask in train.columns["mask"]])
    levels = np.quantile(voxels, np.linspace(0.0, 1.0, STEPS, endpoint=False))
    dice = [2.0 * body[voxels > level].sum() / (body.sum() + (voxels > level).sum()) for level in levels]
    best = float(levels[int(np.argmax(dice))])

    def answer_constant(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return {"mask": [np.ones(np.shape(volume)[1:], np.uint8) for volume in columns["image"]]}

    def answer_threshold(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return {"mask": [(np.asarray(volume)[0] > best).astype(np.uint8) for volume in columns["image"]]}

    return {
        "constant": Rival(answer_constant, len(train), "every voxel is the body"),
        "threshold": Rival(answer_threshold, len(train), f"voxels above {best:.1f}, by {len(train):,} training scans"),
    }
