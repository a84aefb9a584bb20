"""Every picture to one size: squashed, cropped or with a border, smoothed as it shrinks (Pillow's bilinear filter).

squash stretches the picture to the size: nothing is lost, shapes change. crop keeps the shape and cuts
what stands over at both ends. letterbox keeps the shape and all of the picture, and fills the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from PIL import Image

from stepwell.schema import Array, Columns, Trace

Way = Literal["squash", "crop", "letterbox"]
Pixels = Annotated[int, msgspec.Meta(ge=1, le=16384)]


@dataclass(frozen=True)
class Options:
    """The size and how a picture of another shape comes to it."""

    height: Annotated[Pixels, msgspec.Meta(description="pixels from top to bottom")]
    width: Annotated[Pixels, msgspec.Meta(description="pixels from left to right")]
    way: Annotated[Way, msgspec.Meta(description="what happens to a picture of another shape")] = "squash"
    border: Annotated[int, msgspec.Meta(ge=0, le=255, description="the gray that letterbox fills with")] = 0


@dataclass(frozen=True)
class Fitted:
    """Resizes the column `image` to one dense array `(n, channels, height, width)`.

    Its pictures are uint8 `(channels, h, w)`, or Pillow's, of mode L or RGB.

    The trace holds the original `size` `[h, w]`, and `scale` and `offset` `[y, x]`: a point of the original at y
    lies at y * scale + offset in the result (pixel borders count, not pixel centers).
    """

    height: int
    width: int
    way: Way = "squash"
    border: int = 0

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of decoded pictures."""
        return ("image",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The same column, in one size."""
        return ("image",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Resize a column; pictures that have the size already are passed on untouched."""
        pictures = columns["image"]
        notes: dict[tuple[int, int], Trace] = {}  # one note for all pictures of a size: traces are many
        for picture, trace in zip(pictures, traces, strict=True):
            size = _size(picture)
            if size not in notes:
                notes[size] = self._note(size)
            trace["resize"] = notes[size]
        if isinstance(pictures, np.ndarray):
            if not len(pictures) or pictures.shape[2:] == (self.height, self.width):
                return {"image": pictures}
        elif not pictures:
            return {"image": []}
        return {"image": np.stack([self.resized(picture) for picture in pictures])}

    def resized(self, picture: Array | Image.Image) -> Array:
        """One picture, uint8 `(channels, h, w)` or Pillow's, to uint8 `(channels, height, width)`."""
        height, width = _size(picture)
        if (height, width) == (self.height, self.width):
            return _pixels(picture) if isinstance(picture, Image.Image) else picture
        image = picture if isinstance(picture, Image.Image) else _image(picture)
        note = self._note((height, width))
        (scale_y, scale_x), (top, left) = note["scale"], note["offset"]
        if self.way == "letterbox":
            inner = (round(width * scale_x), round(height * scale_y))
            whole = Image.new(image.mode, (self.width, self.height), (self.border,) * len(image.getbands()))
            whole.paste(image.resize(inner, Image.Resampling.BILINEAR), (int(left), int(top)))
            image = whole
        else:
            box = (-left / scale_x, -top / scale_y, (self.width - left) / scale_x, (self.height - top) / scale_y)
            inside = (max(box[0], 0.0), max(box[1], 0.0), min(box[2], width), min(box[3], height))  # rounding
            image = image.resize((self.width, self.height), Image.Resampling.BILINEAR, box=inside)
        return _pixels(image)

    def _note(self, size: tuple[int, int]) -> Trace:
        scale, offset = placed(size, (self.height, self.width), self.way)
        return {"size": list(size), "scale": list(scale), "offset": list(offset)}


def _size(picture: Array | Image.Image) -> tuple[int, int]:
    """Height and width."""
    if isinstance(picture, Image.Image):
        return picture.height, picture.width
    return int(picture.shape[1]), int(picture.shape[2])


def _image(picture: Array) -> Image.Image:
    return Image.fromarray(picture[0] if len(picture) == 1 else np.ascontiguousarray(picture.transpose(1, 2, 0)))


def _pixels(image: Image.Image) -> Array:
    pixels = np.asarray(image)
    return pixels[None] if pixels.ndim == 2 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def fit(options: Options) -> Fitted:
    """Nothing is learned from the data: the options, as they will be applied."""
    return Fitted(options.height, options.width, options.way, options.border)


def placed(size: tuple[int, int], wanted: tuple[int, int], way: Way) -> tuple[tuple[float, float], tuple[float, float]]:
    """Scale and offset, `(y, x)` each, that take a picture of `size` `(h, w)` into `wanted`.

    With letterbox the scaled picture has whole pixels, at least one, so the two scales may differ a little.
    """
    ratios = (wanted[0] / size[0], wanted[1] / size[1])
    if way == "squash":
        return ratios, (0.0, 0.0)
    if way == "crop":
        ratio = max(ratios)
        return (ratio, ratio), ((wanted[0] - size[0] * ratio) / 2, (wanted[1] - size[1] * ratio) / 2)
    inner = [max(1, round(length * min(ratios))) for length in size]
    offset = (float((wanted[0] - inner[0]) // 2), float((wanted[1] - inner[1]) // 2))
    return (inner[0] / size[0], inner[1] / size[1]), offset
