"""A box in the pixels of a picture to shares of the square that the picture was letterboxed into, and back.

Both go by the note that the transform `resize` left in the trace: a point at x lies at x * scale + offset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stepwell.schema import Array, Columns, Trace


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Places the column `box`, `(n, 4)` left, top, right, bottom, in a square of `side` pixels."""

    side: int

    @property
    def reads(self) -> tuple[str, ...]:
        return ("box",)

    @property
    def writes(self) -> tuple[str, ...]:
        return ("box",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Every box as shares of the square, in [0, 1] where it lies in the picture."""
        scale, offset, _ = _notes(traces)
        return {"box": (np.asarray(columns["box"], dtype=np.float64) * scale + offset) / self.side}


def back(boxes: Array, side: int, traces: Sequence[Trace]) -> Array:
    """Boxes `(n, 4)` as shares of the square to pixels of the original pictures, cut at their borders."""
    scale, offset, size = _notes(traces)
    return np.clip((np.asarray(boxes, dtype=np.float64) * side - offset) / scale, 0.0, size)


def _notes(traces: Sequence[Trace]) -> tuple[Array, Array, Array]:
    """Scale, offset and original size for left, top, right and bottom of each example: `(n, 4)` each."""
    notes = [trace["resize"] for trace in traces]
    scale, offset, size = (
        np.array([note[name] for note in notes], dtype=np.float64).reshape(-1, 2)[:, [1, 0, 1, 0]]
        for name in ("scale", "offset", "size")
    )
    return scale, offset, size
