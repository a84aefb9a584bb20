"""The learning rate rises to its full height, then falls to almost nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta


@dataclass(frozen=True)
class Options:
    """The settings of one cycle (Smith and Topin 2018); the optimizer's rate is the peak."""

    rise: Annotated[float, Meta(ge=0, le=1, description="Share of the training up to the peak.")] = 0.3
    initial: Annotated[float, Meta(ge=0, le=1, description="Share of the peak at the start.")] = 0.04
    final: Annotated[float, Meta(ge=0, le=1, description="Share of the peak at the end.")] = 1e-4
    curve: Annotated[Literal["cosine", "linear"], Meta(description="The form of rise and fall.")] = "cosine"


def factor(options: Options, cycle: int, total: int, evaluations: Sequence[float]) -> float:
    """`initial` at cycle 0, 1 at the peak, `final` at the last cycle, `total` - 1."""
    peak = options.rise * total - 1
    if cycle < peak:
        return _between(options, options.initial, 1.0, cycle / peak)
    peak = max(peak, 0.0)
    last = total - 1
    return _between(options, 1.0, options.final, min((cycle - peak) / (last - peak), 1.0) if last > peak else 0.0)


def _between(options: Options, start: float, end: float, share: float) -> float:
    if options.curve == "cosine":
        share = (1 - math.cos(math.pi * share)) / 2
    return start + (end - start) * share
