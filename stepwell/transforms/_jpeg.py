"""A faster way to the same pixels of a plain JPEG, where simplejpeg is installed (`pip install "stepwell[jpeg]"`).

Both Pillow and simplejpeg wrap libjpeg-turbo, each a build of its own. Which is faster depends on the processor: by
`benchmarks/feed.py`, resizing included, simplejpeg was 1.6 times as fast on an Intel Xeon and 0.94 times on an AMD
EPYC. It is used only where it gives the same bits, and sooner: both are tried once a process on made pictures. What is
not a plain JPEG, or not quite in order, is left to Pillow.
"""

from __future__ import annotations

import functools
import io
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from stepwell.schema import Array

WORTH = 1.1
"""Times as fast as Pillow that a decoder must be to be used; two measurements differ by hardly less."""

_TURNS = 5

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
    """The decoder of simplejpeg; None where it is not installed, gives other bits than Pillow, or is no faster here."""
    try:
        import simplejpeg
    except ImportError:
        return None
    decode: Decode = simplejpeg.decode_jpeg
    return decode if all(_alike(decode, *kind) for kind in _kinds()) and gain(decode) > WORTH else None


def _kinds() -> list[tuple[str, dict[str, Any]]]:
    """Modes of a picture and ways to save it: each subsampling of colors, in one pass and progressive, and gray."""
    ways = [{"subsampling": number, "progressive": late} for number in (0, 1, 2) for late in (False, True)]
    return [("L", {}), *(("RGB", way) for way in ways)]


def gain(decode: Decode) -> float:
    """How many times as fast as Pillow it decodes a made picture of 320 x 240; of a few turns each, the fastest."""
    content = _made(240, 320)

    def usual() -> None:
        with Image.open(io.BytesIO(content)) as image:
            image.load()

    def other() -> None:
        with Image.open(io.BytesIO(content)):  # what kind of file it is is Pillow's to say
            Image.fromarray(decode(content, "RGB"))

    taken: dict[Callable[[], None], list[float]] = {usual: [], other: []}
    for _ in range(_TURNS):
        for turn, seconds in taken.items():
            began = time.perf_counter()
            turn()
            seconds.append(time.perf_counter() - began)
    return min(taken[usual]) / max(min(taken[other]), 1e-9)


def _alike(decode: Decode, mode: str, way: dict[str, Any]) -> bool:
    """Whether both decoders agree on a made picture: slopes and noise, its sides no multiples of a block."""
    content = _made(45, 59, mode, **way)
    with Image.open(io.BytesIO(content)) as usual:
        same = np.asarray(usual)
    try:
        found = decode(content, "GRAY" if mode == "L" else "RGB")
    except ValueError:
        return False
    return bool(np.array_equal(found.reshape(same.shape), same))


def _made(height: int, width: int, mode: str = "RGB", **way: Any) -> bytes:
    """A JPEG file of slopes and noise."""
    rows, columns, bands = np.mgrid[0:height, 0:width, 0:3]
    noise = (7919 * rows + 104729 * columns * columns + 1299709 * bands * rows) % 61  # importing numpy.random is slow
    pixels = ((3 * rows + 2 * columns + 40 * bands) % 196 + noise).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, "JPEG", quality=85, **way)
    return file.getvalue()
