"""Every epoch shows all examples of the smallest class and as many of each larger one, drawn anew each time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stepwell.imbalance import Balance, Labels, Ratio, generator


@dataclass(frozen=True)
class Options:
    """How small large classes become."""

    ratio: Ratio = 1.0


def balance(options: Options, labels: Labels, classes: int, seed: int) -> Balance:
    """No class shows more rows an epoch than the smallest class has, divided by `ratio`; which ones is drawn."""
    members = [np.flatnonzero(labels == one) for one in range(classes)]
    members = [one for one in members if len(one)]
    most = int(np.ceil(min(len(one) for one in members) / options.ratio))

    def draw(epoch: int) -> Labels:
        chance = generator(seed, "under-sampling", epoch)
        return chance.permutation(np.concatenate([chance.permutation(own)[:most] for own in members])).astype(np.int64)

    return Balance(draw=draw, shown=sum(min(most, len(own)) for own in members))
