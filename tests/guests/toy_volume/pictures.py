"""The middle slice of a scan, and beside it what is the body by the truth and by the answer."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from stepwell.schema import Array, Picture

TIMES = 5


def draw(raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> Picture:
    """Draw one scan: the slice, then truth and answer beside it where they are known."""
    volume = np.asarray(raw["image"])
    middle = len(volume) // 2
    low, high = float(volume.min()), float(volume.max())
    strips: list[Array] = [255 * (volume[middle] - low) / max(high - low, 1e-9)]
    strips += [255 * np.asarray(one["mask"])[middle] for one in (truth, prediction) if one is not None]
    gray = np.concatenate(strips, axis=1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(gray.repeat(TIMES, axis=0).repeat(TIMES, axis=1)).save(file, format="PNG")
    words = ["the middle slice", *(["the truth"] if truth else []), *(["the answer"] if prediction else [])]
    return Picture("image/png", file.getvalue(), ", ".join(words))
