"""Every epoch shows all examples, and those of small classes again until the classes have about one size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stepwell.imbalance import Balance, Labels, Ratio, counts, generator


@dataclass(frozen=True)
class Options:
    """How large small classes become."""

    ratio: Ratio = 1.0


def balance(options: Options, labels: Labels, classes: int, seed: int) -> Balance:
    """Each class has `ratio` of the largest one's rows at least: whole rounds of its own, and a drawn rest."""
    wanted = int(np.ceil(options.ratio * counts(labels, classes).max()))
    members = [np.flatnonzero(labels == one) for one in range(classes)]
    members = [one for one in members if len(one)]

    def draw(epoch: int) -> Labels:
        chance = generator(seed, "over-sampling", epoch)
        rows = []
        for own in members:
            rounds, rest = divmod(max(wanted, len(own)), len(own))
            rows += [np.tile(own, rounds), chance.permutation(own)[:rest]]
        return chance.permutation(np.concatenate(rows)).astype(np.int64)

    return Balance(draw=draw, shown=sum(max(wanted, len(own)) for own in members))
