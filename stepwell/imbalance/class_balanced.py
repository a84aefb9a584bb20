"""Examples weigh by the inverse of their class's effective number, which grows ever slower with its size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from stepwell.imbalance import Balance, Labels, by_class, counts


@dataclass(frozen=True)
class Options:
    """How much a further example of a class adds."""

    beta: Annotated[
        float, Meta(ge=0, lt=1, description="0: every class has one effective example; near 1: as many as it has.")
    ] = 0.999


def balance(options: Options, labels: Labels, classes: int, seed: int) -> Balance:
    """Weights in proportion to `(1 - beta) / (1 - beta ** size)` (Cui et al., CVPR 2019)."""
    del seed
    effective = (1 - options.beta ** counts(labels, classes)) / (1 - options.beta)
    return Balance(weight=by_class(labels, 1 / effective))
