"""The learning rate falls by the same factor at each cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True)
class Options:
    """The settings of an exponential fall."""

    final: Annotated[float, Meta(gt=0, le=1, description="The share of the rate that is left at the end.")] = 0.01


def factor(options: Options, cycle: int, total: int, evaluations: Sequence[float]) -> float:
    """1 at cycle 0, `final` at cycle `total`, on a straight line in the logarithm between."""
    return float(options.final ** (cycle / max(total, 1)))
