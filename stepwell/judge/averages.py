"""The mean of one number an example, with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from stepwell.judge import bootstrap
from stepwell.schema import Array, Score


def mean(
    values: Array,
    groups: Sequence[str] | None,
    seed: int,
    limits: tuple[float, float] | None,
    direction: Literal["max", "min"] = "max",
) -> Score:
    """The mean of `values` `(n,)`, resampled by group where two share one; `limits` are those of a single value.

    With limits the interval also allows for values at them that the examples happen not to hold, as a share needs that
    is 0 or 1; without, the resamples stand alone.
    """
    resampling = bootstrap.plan(len(values), groups, seed)
    replicates = np.array([weight @ values / weight.sum() for weight in resampling.weights()])
    value = np.array([values.mean()])
    low, high = bootstrap.interval(replicates[:, None], value, np.array([float(resampling.units)]), limits)
    return Score(float(value[0]), float(low[0]), float(high[0]), len(values), direction, bootstrap.LEVEL)
