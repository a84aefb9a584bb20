"""The learning rate falls along half a cosine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True)
class Options:
    """The settings of a cosine fall (Loshchilov and Hutter, ICLR 2017, without restarts)."""

    final: Annotated[float, Meta(ge=0, le=1, description="The share of the rate that is left at the end.")] = 0.0


def factor(options: Options, cycle: int, total: int, evaluations: Sequence[float]) -> float:
    """1 at cycle 0, `final` at cycle `total`, steepest in the middle."""
    return options.final + (1 - options.final) * (1 + math.cos(math.pi * cycle / max(total, 1))) / 2
