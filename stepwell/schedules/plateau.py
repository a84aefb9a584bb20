"""The learning rate falls when validation gets no better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta


@dataclass(frozen=True)
class Options:
    """The settings of a fall on plateaus."""

    patience: Annotated[int, Meta(ge=0, description="Validations without gain that are borne before a fall.")] = 3
    factor: Annotated[float, Meta(gt=0, lt=1, description="What each fall multiplies the rate by.")] = 0.1
    gain: Annotated[
        float, Meta(ge=0, description="The least change, in units of the quantity, that counts as a gain.")
    ] = 1e-4
    final: Annotated[float, Meta(ge=0, le=1, description="The share of the rate below which it does not fall.")] = 1e-4


def factor(options: Options, cycle: int, total: int, evaluations: Sequence[float]) -> float:
    """1, times `factor` for each run of more than `patience` validations without gain; never below `final`.

    A validation that is not a number is no gain.
    """
    best, waited, share = math.inf, 0, 1.0
    for value in evaluations:
        if value < best - options.gain:
            best, waited = value, 0
        else:
            waited += 1
        if waited > options.patience:
            share, waited = max(share * options.factor, options.final), 0
    return share
