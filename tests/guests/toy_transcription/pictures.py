"""A signal as a strip of gray, channels from top to bottom, and what was read."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
from PIL import Image

from stepwell.schema import Picture
from toy_transcription.transforms import load_signal


def draw(raw: Mapping[str, Any], truth: Mapping[str, Any] | None, prediction: Mapping[str, Any] | None) -> Picture:
    """Draw one example; `ExampleError` where its file is damaged."""
    signal = load_signal.load(raw["signal"], raw.get("path", "")).T
    low, high = float(signal.min()), float(signal.max())
    gray = (255 * (signal - low) / max(high - low, 1e-9)).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.repeat(np.repeat(gray, 8, axis=0), 4, axis=1)).save(file, format="PNG")
    said = "" if prediction is None else f"read as {prediction['text']!r}"
    true = "" if truth is None else f"{truth['text']!r}"
    return Picture("image/png", file.getvalue(), ", ".join(one for one in (true, said) if one) or "a signal")
