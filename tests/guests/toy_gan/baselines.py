"""The simple rivals: always the mean, and a normal distribution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell.preparation import Prepared
from stepwell.schema import Columns, Schema, Trace
from stepwell.task import Rival


def rivals(train: Prepared, schema: Schema, seed: int, seconds: float) -> dict[str, Rival]:
    """`constant` and `normal`, which uses the first two numbers of the same noise."""
    points = np.asarray(train.truth["point"])
    mean, root = points.mean(axis=0), np.linalg.cholesky(np.cov(points.T))

    def answer_constant(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return {"point": np.tile(mean, (len(columns["noise"]), 1))}

    def answer_normal(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return {"point": mean + np.asarray(columns["noise"], dtype=np.float64)[:, :2] @ root.T}

    return {
        "constant": Rival(answer_constant, len(train), f"the mean of {len(train):,} training points"),
        "normal": Rival(answer_normal, len(train), f"mean and covariance of {len(train):,} training points"),
    }
