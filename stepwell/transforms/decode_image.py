"""Any picture that Pillow reads becomes one declared form: uint8 `(channels, height, width)`, 1 or 3 channels.

A raw picture is the bytes of a file, an array, a Pillow image or a path. What happens to it, in training
and prediction alike:

- Rotation noted by the camera (EXIF) is applied. Of an animation the first frame counts.
- Palette, CMYK and other color spaces become RGB (no color profile is applied); one channel is the
  luma of ITU-R 601-2. What is transparent is laid on white.
- Deep values (16-bit and 32-bit pictures, arrays other than uint8) are scaled from the declared range
  `low … high`, which is fitted on the training part, to 0 … 255, and cut off beyond it.
- A picture of more than `max_pixels` is refused from its header, before anything is decoded. Pillow's own
  limit is process-wide and first only warns, so it is not used.

Arrays are `(h, w)`, `(h, w, c)` or `(c, h, w)` with 1 to 4 channels (gray, gray and alpha, RGB, RGBA); where
both the first and the last axis could be the channels, it is the last.
"""

from __future__ import annotations

import importlib
import io
import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from PIL import Image

from stepwell import archives
from stepwell.errors import DataError, ExampleError
from stepwell.schema import Array, Columns, Trace
from stepwell.transforms import _jpeg

Raw = bytes | str | Path | Array | Image.Image
"""One picture as it comes."""

FORMATS = (
    *("PNG", "JPEG", "WEBP", "GIF", "BMP", "DIB", "TIFF", "AVIF", "JPEG2000", "PPM", "QOI", "ICO", "SGI", "PCX"),
    *("XBM", "TGA"),
)
"""The formats that are tried, in this order. Left out: those that run other programs (EPS) or hold no plain picture."""

_USUAL = {b"\x89PNG": "PIL.PngImagePlugin", b"\xff\xd8\xff": "PIL.JpegImagePlugin"}
"""How a file of the usual formats begins, and what reads it: all plugins take longer to import than most pictures."""

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112
_PIXEL = 4  # bytes that Pillow takes for one, at most

# All that Pillow's plugins were seen to raise on damaged files.
_UNREADABLE = (
    *(OSError, SyntaxError, ValueError, TypeError, IndexError, KeyError, AttributeError, EOFError, OverflowError),
    *(AssertionError, RuntimeError, MemoryError, struct.error, zlib.error, Image.DecompressionBombError),
)


@dataclass(frozen=True)
class Options:
    """How pictures are decoded."""

    channels: Annotated[
        Literal["auto", 1, 3],
        msgspec.Meta(description="1 is gray, 3 is RGB; auto: 1 if the training pictures are gray"),
    ] = "auto"
    max_pixels: Annotated[int, msgspec.Meta(ge=1, description="a picture of more pixels is refused unread")] = (
        100_000_000
    )


@dataclass(frozen=True)
class Fitted:
    """Decodes the column `image` to uint8 arrays `(channels, height, width)`; the sizes stay as they are.

    A column `path`, where there is one, names the pictures in errors. With `pictures` files are left as Pillow's
    own pictures (of mode L or RGB) for a `resize` that follows: four copies of each cost as much as decoding it.
    """

    channels: int = 3
    low: float = 0.0
    high: float = 65535.0
    max_pixels: int = 100_000_000
    pictures: bool = False

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of raw pictures."""
        return ("image",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same column, decoded."""
        return ("image",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Decode a column; a dense one of gray bytes `(n, h, w)` stays dense. `ExampleError` at the first bad one."""
        return self.apply_some(columns, traces, math.inf)

    def apply_some(self, columns: Columns, traces: Sequence[Trace], most: float) -> Columns:  # noqa: ARG002 - as `apply`
        """The same for the first pictures, until they take `most` bytes; of a dense column for all."""
        raw = columns["image"]
        if isinstance(raw, np.ndarray) and raw.dtype == np.uint8 and raw.ndim == 3:
            return {"image": np.repeat(raw[:, None], self.channels, axis=1) if self.channels > 1 else raw[:, None]}
        names = columns.get("path", [""] * len(raw))
        decoded: list[Array | Image.Image] = []
        held = 0
        for one, name in zip(raw, names, strict=True):
            if held >= most:
                break
            if self.pictures:
                picture = self._picture(one, str(name))
                held += picture.width * picture.height * _PIXEL
                decoded.append(picture)
            else:
                array = self.decode(one, str(name))
                held += array.nbytes
                decoded.append(array)
        return {"image": decoded}

    def decode(self, raw: Raw, where: str = "") -> Array:
        """One picture, uint8 `(channels, height, width)`; `ExampleError`, which names `where`, if that cannot be."""
        pixels = np.asarray(self._picture(raw, where))
        return pixels[None] if self.channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))

    def _picture(self, raw: Raw, where: str) -> Image.Image:
        """One picture, of mode L or RGB."""
        if isinstance(raw, np.ndarray):
            return self._in_mode(_from_array(raw, self.low, self.high, where))
        image, name = _opened(raw, where)
        _refuse_large(image.size, self.max_pixels, name)
        try:
            pixels = None if image is raw else _jpeg.decoded(image)
            flat = _flat(image, self.low, self.high) if pixels is None else pixels
            return self._in_mode(_turned(flat, _orientation(image)))
        except _UNREADABLE as error:
            raise _unreadable(error, name) from error

    def _in_mode(self, image: Image.Image) -> Image.Image:
        if image.mode not in ("1", "L", "RGB", "RGBA"):  # not every space has a direct way to gray
            image = image.convert("RGB")
        mode = "L" if self.channels == 1 else "RGB"
        return image if image.mode == mode else image.convert(mode)


def fit(options: Options, pictures: Iterable[Raw]) -> Fitted:
    """Settle channels and the range of deep values by looking at pictures of the training part.

    `auto` gives one channel if every picture is gray, by its mode or by its pixels. The range is that of
    the smallest usual depth (8, 10, 12, 14 or 16 bits) that holds all integers seen, 0 … 1 for floats within it, else
    what was seen. Pictures that cannot be read are passed over; `DataError` where none can.
    """
    gray, ranges, readable, error = True, [], 0, None
    plain = Fitted(max_pixels=options.max_pixels)
    for raw in pictures:
        try:
            values = deep_values(raw, max_pixels=options.max_pixels)
            if values is not None and (finite := values[np.isfinite(values)]).size:
                ranges.append((float(finite.min()), float(finite.max()), values.dtype.kind in "iu"))
            if options.channels == "auto" and gray:
                gray = _is_gray(raw, plain)
        except ExampleError as one:
            error = one
        else:
            readable += 1
    if not readable:
        raise DataError("None of the training pictures can be read.", where=error.where if error else "") from error
    channels = options.channels if options.channels != "auto" else (1 if gray else 3)
    low, high = _usual_range(ranges)
    return Fitted(channels, low, high, options.max_pixels)


def size(raw: Raw, where: str = "") -> tuple[int, int]:
    """Height and width of a picture as it will be decoded, from its header alone; `ExampleError` if it has none."""
    if isinstance(raw, np.ndarray):
        shape = _layout(raw, where).shape
        return int(shape[0]), int(shape[1])
    image, name = _opened(raw, where)
    try:
        width, height = image.size
        turned = _orientation(image) >= 5 and image.format != "TIFF"  # Pillow turns these itself, their size at once
        return (width, height) if turned else (height, width)
    except _UNREADABLE as error:
        raise _unreadable(error, name) from error


def deep_values(raw: Raw, where: str = "", *, max_pixels: int = Fitted.max_pixels) -> Array | None:
    """The values of a deep picture as they are, unscaled and unturned, `(h, w[, c])`; None for one of bytes."""
    if isinstance(raw, np.ndarray):
        values = _layout(raw, where)
        return None if values.dtype in (np.uint8, np.bool_) else values
    image, name = _opened(raw, where)
    if not _is_deep(image):
        return None
    _refuse_large(image.size, max_pixels, name)
    try:
        return np.asarray(image)
    except _UNREADABLE as error:
        raise _unreadable(error, name) from error


def _opened(raw: Raw, where: str) -> tuple[Image.Image, str]:
    """The picture with only its header read, and the name for messages."""
    if isinstance(raw, Image.Image):
        return raw, where
    if isinstance(raw, (str, Path)):
        where = where or str(raw)
        raw = archives.read_file(Path(raw))
    if not isinstance(raw, (bytes, bytearray, memoryview)):
        raise ExampleError(f"A {type(raw).__name__} is not a picture.", where=where)
    data = bytes(raw)
    if not data:
        raise ExampleError("The file is empty.", where=where, do="remove it, or copy it again")
    for start, plugin in _USUAL.items():
        if data.startswith(start):
            importlib.import_module(plugin)
    image = _recognized(data)
    if image is None:
        Image.init()
        image = _recognized(data)
    if image is None:
        raise ExampleError(
            "The file is not a picture that can be read, whatever its name says.",
            where=where,
            do="remove it, or save it again as PNG or JPEG",
        )
    return image, where


def _recognized(data: bytes) -> Image.Image | None:
    """The picture in the first of the formats imported so far that takes it, only its header read; None if none does.

    In which order formats are imported decides nothing: no two of them begin alike.
    """
    for name in FORMATS:
        factory, accepts = Image.OPEN.get(name, (None, None))
        try:
            verdict = factory is not None and (accepts is None or accepts(data[:16]))
            if factory is not None and verdict and not isinstance(verdict, str):  # a text: Pillow lacks this format
                return factory(io.BytesIO(data), "")
        except _UNREADABLE:
            continue  # another format may fit; that none did is for the caller to say
    return None


def _unreadable(error: BaseException, where: str) -> ExampleError:
    reason = str(error) or type(error).__name__
    return ExampleError(
        f"The picture cannot be decoded: {reason}.", where=where, do="copy or download it again, or remove it"
    )


def _refuse_large(size: tuple[int, int], limit: int, where: str) -> None:
    width, height = size
    if width * height > limit:
        raise ExampleError(
            f"The picture has {width:,} x {height:,} pixels, more than the limit of {limit:,}.",
            where=where,
            do="make it smaller, or allow more with --prepare.max_pixels",
        )
    if width * height == 0:
        raise ExampleError("The picture has no pixels.", where=where)


def _orientation(image: Image.Image) -> int:
    value = image.getexif().get(_ORIENTATION, 1)
    return value if isinstance(value, int) else 1


def _turned(image: Image.Image, orientation: int) -> Image.Image:
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image


def _is_deep(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;16")


def _flat(image: Image.Image, low: float, high: float) -> Image.Image:
    """Eight bits a channel and nothing transparent; loads the picture, so that a TIFF's own turning is done first."""
    image.load()
    if _is_deep(image):
        return Image.fromarray(_scaled(np.asarray(image), low, high))
    if not image.has_transparency_data:
        return image
    colored = image.convert("RGBA")
    white = Image.new("RGBA", colored.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, colored)


def _scaled(values: Array, low: float, high: float) -> Array:
    """Values from `low … high` to uint8 0 … 255, rounded and cut off; not-a-number becomes 0."""
    scaled = (values.astype(np.float64) - low) * (255.0 / (high - low))
    return np.rint(np.clip(np.nan_to_num(scaled, nan=0.0, posinf=255.0, neginf=0.0), 0.0, 255.0)).astype(np.uint8)


def _layout(values: Array, where: str) -> Array:
    """The array as `(h, w)` or `(h, w, c)`."""
    if values.ndim == 3 and values.shape[2] not in (1, 2, 3, 4) and values.shape[0] in (1, 2, 3, 4):
        values = values.transpose(1, 2, 0)
    fits = values.ndim == 2 or (values.ndim == 3 and values.shape[2] in (1, 2, 3, 4))
    if not fits or values.dtype.kind not in "biuf":
        raise ExampleError(
            f"An array {values.shape} of {values.dtype} is not a picture.",
            where=where,
            do="give numbers as (height, width), (height, width, channels) or (channels, height, width)",
        )
    if values.size == 0:
        raise ExampleError(f"The picture has no pixels: {values.shape}.", where=where)
    return values[:, :, 0] if values.ndim == 3 and values.shape[2] == 1 else values


def _from_array(values: Array, low: float, high: float, where: str) -> Image.Image:
    values = _layout(values, where)
    if values.dtype == np.bool_:
        values = values.astype(np.uint8) * np.uint8(255)
    elif values.dtype != np.uint8:
        values = _scaled(values, low, high)
    return _flat(Image.fromarray(np.ascontiguousarray(values)), low, high)


def _usual_range(seen: Sequence[tuple[float, float, bool]]) -> tuple[float, float]:
    if not seen:
        return 0.0, 65535.0
    low, high = min(one[0] for one in seen), max(one[1] for one in seen)
    if all(one[2] for one in seen) and low >= 0:
        return 0.0, next((float(2**bits - 1) for bits in (8, 10, 12, 14, 16) if high < 2**bits), high)
    low = min(low, 0.0)
    return (low, 1.0) if low == 0 and high <= 1 else (low, high if high > low else low + 1.0)


def _is_gray(raw: Raw, plain: Fitted) -> bool:
    if isinstance(raw, np.ndarray):
        values = _layout(raw, "")
        if values.ndim == 2 or values.shape[2] == 2:
            return True
        return bool((values[:, :, :1] == values[:, :, :3]).all())
    image, _ = _opened(raw, "")
    if _is_deep(image) or image.mode in ("1", "L", "LA", "La"):
        return True
    pixels: Any = plain.decode(raw)
    return bool((pixels[:1] == pixels).all())
