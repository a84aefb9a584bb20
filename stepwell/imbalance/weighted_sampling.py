"""Every epoch draws as many examples as there are, with replacement, all classes equally often on average."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from stepwell.imbalance import Balance, Labels, counts, generator


@dataclass(frozen=True)
class Options:
    """How steeply the chance of an example falls with the size of its class."""

    power: Annotated[
        float, Meta(gt=0, le=1, description="Chance is size to the power of minus this; 1: classes come alike.")
    ] = 1.0


def balance(options: Options, labels: Labels, classes: int, seed: int) -> Balance:
    """`n` rows an epoch, each drawn with a chance in proportion to `size ** -power`."""
    chance = (counts(labels, classes) ** -options.power)[labels]
    border = np.cumsum(chance / chance.sum())

    def draw(epoch: int) -> Labels:
        drawn = generator(seed, "weighted sampling", epoch).random(len(labels))
        return np.minimum(np.searchsorted(border, drawn, side="right"), len(labels) - 1).astype(np.int64)

    return Balance(draw=draw, shown=len(labels))
