"""The noise from which an example is made, drawn from its name: the same in every run and for every network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepwell import randomness
from stepwell.schema import Columns, Trace


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Writes `noise`, standard normal `(n, size)`, from the column `name`."""

    size: int

    @property
    def reads(self) -> tuple[str, ...]:
        return ("name",)

    @property
    def writes(self) -> tuple[str, ...]:
        return ("noise",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Draw the noise of every example."""
        return {"noise": randomness.normal(0, "noise", 0, randomness.keys(list(columns["name"])), (self.size,))}
