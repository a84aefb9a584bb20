"""The loss takes the classes' frequencies into account, so that the answers favor none for being frequent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from stepwell.imbalance import Balance, Labels, counts


@dataclass(frozen=True)
class Options:
    """How much of the classes' frequencies is taken out of the answers."""

    tau: Annotated[float, Meta(gt=0, le=5, description="Factor on the logarithm of the frequencies.")] = 1.0


def balance(options: Options, labels: Labels, classes: int, seed: int) -> Balance:
    """The logits of the loss are those of the network plus `tau * log(share)` (Menon et al., ICLR 2021)."""
    del seed
    sizes = counts(labels, classes)
    return Balance(offset=options.tau * np.log(sizes / sizes.sum()))
