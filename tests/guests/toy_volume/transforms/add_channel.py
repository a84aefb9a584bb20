"""A volume as a picture of one channel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.schema import Columns, Trace


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """The column `image`, `(depth, height, width)` each, with an axis of one channel before."""

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image",)

    @property
    def writes(self) -> tuple[str, ...]:
        return ("image",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Add the axis."""
        return {"image": [volume[None] for volume in columns["image"]]}
