"""Reliability: how often answers of about the same probability are right, bin by bin.

The bins are those of the expected calibration error (`ece`), which is the mean distance of this curve from the
diagonal, by count. Empty bins are left out. Equal to `sklearn.calibration.calibration_curve` with 15 bins where no
probability lies on a border. Source: Guo, Pleiss, Sun and Weinberger, ICML 2017.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from stepwell.metrics import ece
from stepwell.metrics.ece import Confidences

DIRECTION: Literal["max", "min"] = "max"
KIND = "curve"
TITLE = "reliability"
MEASURE = "share"
HIGHER = "the nearer to the diagonal the better; below it the network is surer than it may be"

prepare = ece.prepare


def curve(state: Confidences) -> Mapping[str, list[float]]:
    """For each bin that has examples: their mean `confidence`, the share that is `right`, and their `count`."""
    counts = np.bincount(state.bin, minlength=ece.BINS)
    there = counts > 0
    confidence = np.bincount(state.bin, weights=state.confidence, minlength=ece.BINS)[there] / counts[there]
    right = np.bincount(state.bin, weights=state.right, minlength=ece.BINS)[there] / counts[there]
    return {"confidence": confidence.tolist(), "right": right.tolist(), "count": counts[there].astype(float).tolist()}
