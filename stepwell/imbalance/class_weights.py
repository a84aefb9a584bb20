"""Examples of rare classes weigh more in the loss: by the inverse of their class's size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from stepwell.imbalance import Balance, Labels, by_class, counts


@dataclass(frozen=True)
class Options:
    """How steeply the weight falls with the size of a class."""

    power: Annotated[
        float, Meta(gt=0, le=1, description="Weight is size to the power of minus this; 1: classes count alike.")
    ] = 1.0


def balance(options: Options, labels: Labels, classes: int, seed: int) -> Balance:
    """Weights in proportion to `size ** -power` (King and Zeng, Political Analysis 9, 2001, for power 1)."""
    del seed
    return Balance(weight=by_class(labels, counts(labels, classes) ** -options.power))
