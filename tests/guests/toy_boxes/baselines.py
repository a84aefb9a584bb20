"""The simple rival: the same box in every picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell.preparation import Prepared
from stepwell.schema import Columns, Schema, Trace
from stepwell.task import Rival
from toy_boxes.prepare import decode


def rivals(train: Prepared, schema: Schema, seed: int, seconds: float) -> dict[str, Rival]:
    """`constant`: the mean box as shares of the square, placed in each picture as the network's answers are."""
    mean = np.asarray(train.columns["box"]).mean(axis=0)

    def answer(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return decode({"answer": np.tile(mean, (len(traces), 1))}, traces, schema)

    return {"constant": Rival(answer, len(train), f"the mean of {len(train):,} training boxes")}
