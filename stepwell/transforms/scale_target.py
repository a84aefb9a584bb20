"""A number to be predicted, in standard deviations from the mean of the training part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np

from stepwell.schema import Array, Columns, Trace


@dataclass(frozen=True)
class Options:
    """Whether the number is scaled at all."""

    scale: Annotated[bool, msgspec.Meta(description="subtract the mean and divide by the deviation")] = True


@dataclass(frozen=True)
class Fitted:
    """Writes the column `value`, float64 `(n,)` in its own unit, as `(value - mean) / std`."""

    mean: float = 0.0
    std: float = 1.0

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of true values."""
        return ("value",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same column, scaled."""
        return ("value",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:  # noqa: ARG002 - nothing to note
        """Scale in float64."""
        return {"value": (np.asarray(columns["value"], dtype=np.float64) - self.mean) / self.std}

    def restored(self, scaled: Array) -> Array:
        """What `apply` made of values, back in their own unit, float64."""
        return np.asarray(scaled, dtype=np.float64) * self.std + self.mean


def fit(options: Options, values: Sequence[float] | Array) -> Fitted:
    """Mean and (population) deviation of the finite values of the training part; a deviation of 0 counts as 1."""
    if not options.scale:
        return Fitted()
    known = np.asarray(values, dtype=np.float64)
    spread = float(known.std())
    return Fitted(float(known.mean()), spread if spread > 0 else 1.0)
