"""A faster way to the same pixels of a plain JPEG, where simplejpeg is installed (`pip install "stepwell[jpeg]"`).

Both Pillow and simplejpeg wrap libjpeg-turbo, each a build of its own; simplejpeg's wrapper costs less (measured by
`benchmarks/feed.py`: 1.6 times as fast, resizing included). It is used only where it gives the same bits: that is tried
once a process on made pictures, and what is not a plain JPEG, or not quite in order, is left to Pillow.
"""

from __future__ import annotations

import functools
import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from stepwell.schema import Array

Decode = Callable[[bytes, str], Array]
"""(content of a file, "RGB" or "GRAY") -> uint8 `(height, width, 3 or 1)`; ValueError where anything is amiss."""


def decoded(image: Image.Image) -> Image.Image | None:
    """The pixels of a picture that was opened from bytes in memory; None where Pillow is to decode it."""
    content = getattr(image, "fp", None)
    plain = image.format == "JPEG" and image.mode in ("L", "RGB") and "adobe" not in image.info
    if not plain or not isinstance(content, io.BytesIO) or (decode := decoder()) is None:
        return None
    try:
        pixels = decode(content.getvalue(), "GRAY" if image.mode == "L" else "RGB")
    except ValueError:
        return None  # Pillow reads it all the same, or says what is wrong
    if pixels.shape[:2] != (image.height, image.width):
        return None
    return Image.fromarray(pixels[:, :, 0] if image.mode == "L" else pixels)


@functools.cache
def decoder() -> Decode | None:
    """The decoder of simplejpeg; None where it is not installed, or where it gives other bits than Pillow."""
    try:
        import simplejpeg
    except ImportError:
        return None
    decode: Decode = simplejpeg.decode_jpeg
    return decode if all(_alike(decode, *kind) for kind in _kinds()) else None


def _kinds() -> list[tuple[str, dict[str, Any]]]:
    """Modes of a picture and ways to save it: each subsampling of colors, in one pass and progressive, and gray."""
    ways = [{"subsampling": number, "progressive": late} for number in (0, 1, 2) for late in (False, True)]
    return [("L", {}), *(("RGB", way) for way in ways)]


def _alike(decode: Decode, mode: str, way: dict[str, Any]) -> bool:
    """Whether both decoders agree on a made picture: slopes and noise, its sides no multiples of a block."""
    rows, columns, bands = np.mgrid[0:45, 0:59, 0:3]
    noise = (7919 * rows + 104729 * columns * columns + 1299709 * bands * rows) % 61  # importing numpy.random is slow
    pixels = ((3 * rows + 2 * columns + 40 * bands) % 196 + noise).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=85, **way)
    with Image.open(io.BytesIO(file.getvalue())) as usual:
        same = np.asarray(usual)
    try:
        found = decode(file.getvalue(), "GRAY" if mode == "L" else "RGB")
    except ValueError:
        return False
    return bool(np.array_equal(found.reshape(same.shape), same))
