"""Patches of scans that are smaller than a patch, filled up at the far ends; for training, where batches need it."""

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
    """Fills `image` with `background` and `mask` with zeros, up to `size`."""

    size: tuple[int, int, int]
    background: float

    @property
    def reads(self) -> tuple[str, ...]:
        return ("image", "mask")

    @property
    def writes(self) -> tuple[str, ...]:
        return ("image", "mask")

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Fill every patch."""
        return {
            "image": [self.filled(volume, self.background) for volume in columns["image"]],
            "mask": [self.filled(mask, 0) for mask in columns["mask"]],
        }

    def filled(self, volume: Array, value: float) -> Array:
        """`volume`, whose last three axes are space, at its size or at that of a patch where that is larger."""
        missing = [max(0, wanted - has) for wanted, has in zip(self.size, volume.shape[-3:], strict=True)]
        widths = [(0, 0)] * (volume.ndim - 3) + [(0, more) for more in missing]
        return np.pad(volume, widths, constant_values=value)
