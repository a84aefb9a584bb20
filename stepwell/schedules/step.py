"""The learning rate falls by a factor at equal distances."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True)
class Options:
    """The settings of a stepwise fall."""

    every: Annotated[float, Meta(gt=0, le=1, description="Share of the training between two falls.")] = 1 / 3
    factor: Annotated[float, Meta(gt=0, le=1, description="What each fall multiplies the rate by.")] = 0.1


def factor(options: Options, cycle: int, total: int, evaluations: Sequence[float]) -> float:
    """`factor` to the power of the falls so far."""
    # The rounding keeps a fall where it belongs when `every` is not a binary fraction.
    return options.factor ** math.floor(round(cycle / (options.every * max(total, 1)), 9))
