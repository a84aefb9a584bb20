"""From a raw picture to the network's input, and from its logits to a label.

The chain is decode_image, resize, class_index. The input `image` is uint8 `(batch, channels, height, width)`, 0 … 255;
the network itself subtracts the fixed `mean` and divides by the fixed `std` of the field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from PIL import Image

from stepwell import likeness
from stepwell.errors import DataError, ExampleError
from stepwell.preparation import Preparation
from stepwell.schema import Array, Columns, Examples, Field, Schema, Trace
from stepwell.tasks.image_classification import thumbnail
from stepwell.tasks.image_classification.unlabeled import inputs
from stepwell.transforms import class_index, decode_image, resize

__all__ = ["Options", "decode", "fit", "inputs", "look", "resolve", "row"]

LARGEST = 128  # pixels a side that `auto` chooses at most: four times the time for twice the side
SMALLEST = 8  # below it the poolings of a small network have nothing left to pool
SIDE = 4096  # the longest side of an input that can be asked for
SURVEYED = 256  # training pictures that are looked at to settle size, channels and range
MEASURED = 1024  # training pictures that "standard" takes mean and deviation from


@dataclass(frozen=True)
class Options:
    """How pictures become input."""

    size: Annotated[
        Literal["auto"] | int | tuple[int, int],
        msgspec.Meta(description="pixels: one number, or height and width; auto looks at the pictures and at the time"),
    ] = "auto"
    channels: Annotated[
        Literal["auto", 1, 3],
        msgspec.Meta(description="1 is gray, 3 is RGB; auto: 1 if the training pictures are gray"),
    ] = "auto"
    fit: Annotated[
        Literal["squash", "crop", "letterbox"],
        msgspec.Meta(description="a picture of another shape is stretched, cut at both ends, or given a border"),
    ] = "squash"
    scaling: Annotated[
        Literal["unit", "standard"],
        msgspec.Meta(description="unit divides by 255; standard uses mean and deviation of the training part"),
    ] = "unit"
    max_pixels: Annotated[int, msgspec.Meta(ge=1, description="a picture of more pixels is refused unread")] = (
        100_000_000
    )
    positive: class_index.Positive = None

    def __post_init__(self) -> None:
        """ValueError where a side is out of bounds: msgspec (0.22) mixes up the limits of a number and a tuple."""
        sides = (self.size,) if isinstance(self.size, int) else self.size if self.size != "auto" else ()
        if any(not 1 <= side <= SIDE for side in sides):
            raise ValueError(f"Expected sides of 1 to {SIDE} pixels, got {self.size}")


def resolve(options: Options, examples: Examples, train: Sequence[int]) -> dict[str, tuple[Any, str]]:
    """What `size` and `channels` come to, each with the reason, by looking at up to 256 training pictures.

    Keys are those of the options that are `auto`. `DataError` where no training picture can be read.
    """
    found: dict[str, tuple[Any, str]] = {}
    pictures = _some(examples, train, SURVEYED)
    if options.channels == "auto":
        fitted = _survey(options, pictures, examples.source)
        gray = fitted.channels == 1
        found["channels"] = (
            fitted.channels,
            f"the {len(pictures):,} training pictures looked at are gray"
            if gray
            else "there are training pictures in color",
        )
    if options.size == "auto":
        found["size"] = _auto_size(_sizes(pictures, examples.source))
    return found


def fit(options: Options, examples: Examples, train: Sequence[int]) -> Preparation:
    """Settle classes, size, channels and scaling on the training part, `train` being its indices.

    `DataError` where the part is empty, has one class, or holds no picture that can be read.
    """
    classes = class_index.fit(class_index.Options(options.positive), [examples.facts["label"][i] for i in train])
    if len(classes.classes) < 2:
        raise DataError(
            f"The training part has {len(classes.classes)} class, and a classifier needs two.",
            where=examples.source,
            do="add pictures of another class to the training part",
        )
    pictures = _some(examples, train, SURVEYED)
    decoding = _survey(options, pictures, examples.source)
    size = options.size if options.size != "auto" else _auto_size(_sizes(pictures, examples.source))[0]
    height, width = (size, size) if isinstance(size, int) else size
    resizing = resize.fit(resize.Options(height, width, options.fit))
    if options.scaling == "unit":
        mean, std = (0.0,) * decoding.channels, (255.0,) * decoding.channels
    else:
        mean, std = _statistics(decoding, resizing, _some(examples, train, MEASURED))
    image = Field(
        name="image",
        kind="image",
        dtype="uint8",
        shape=(decoding.channels, height, width),
        measure="intensity, 0 to 255",
        mean=mean,
        std=std,
    )
    label = Field(name="label", kind="category", dtype="int64", classes=classes.classes)
    logits = Field(
        name="logits", kind="logits", dtype="float32", shape=(len(classes.classes),), classes=classes.classes
    )
    chain = (("decode_image", replace(decoding, pictures=True)), ("resize", resizing), ("class_index", classes))
    return Preparation(Schema((image,), (label,), (logits,)), chain)


def decode(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    """Logits `(n, classes)` to `label` (text), `probability` `(n,)` and `probabilities` `(n, classes)`, float64."""
    return class_index.answers(outputs["logits"], schema.targets[0].classes)


def look(example: Mapping[str, Any]) -> dict[str, Any]:
    """What the audit notes of one raw example: `digest`, `height`, `width`, whether it is `gray`, a `thumbnail`.

    `likeness` is what `likeness.sets` finds near copies by (None for a picture too small or too plain for that).

    The digest is the sha256 of the decoded RGB pixels at their own size, so that two files of equal pixels have
    equal ones whatever their formats; of deep pictures the values themselves count, before any scaling.
    `ExampleError` where the picture cannot be decoded.
    """
    name, raw = str(example.get("path", "")), example["image"]
    if isinstance(raw, np.ndarray) and raw.dtype == np.uint8 and raw.ndim == 2 and raw.size:
        pixels, deep = np.broadcast_to(raw, (3, *raw.shape)), None  # nothing to decode: ten times as fast
    else:
        pixels = decode_image.Fitted(channels=3).decode(raw, name)
        deep = decode_image.deep_values(raw, name)
    content = pixels if deep is None else deep
    return {
        "digest": hashlib.sha256(f"{content.shape}{content.dtype.str}".encode() + content.tobytes()).hexdigest(),
        "height": int(pixels.shape[1]),
        "width": int(pixels.shape[2]),
        "gray": bool((pixels[:1] == pixels).all()),
        "thumbnail": thumbnail.of(pixels),
        "likeness": likeness.perceptual(_luma(pixels)),
    }


def _luma(pixels: Array) -> Array:
    """Gray levels `(height, width)` of decoded pixels `(3, height, width)`."""
    if not pixels.strides[0]:  # one plane, three times
        return np.ascontiguousarray(pixels[0])
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).convert("L"))


def row(prediction: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """One answer as it is printed: the `probabilities` with the name of the class before each."""
    named = zip(schema.targets[0].classes, prediction["probabilities"], strict=True)
    return {**prediction, "probabilities": {name: float(value) for name, value in named}}


def _some(examples: Examples, train: Sequence[int], count: int) -> list[tuple[str, decode_image.Raw]]:
    """At most `count` training pictures, evenly spaced over the part, with their names; unreadable ones left out."""
    chosen = [train[i] for i in np.unique(np.linspace(0, len(train) - 1, min(count, len(train))).astype(np.int64))]
    found = []
    for index in chosen:
        try:
            found.append((examples.ids[index], examples.fetch([index], None)["image"][0]))
        except ExampleError:
            continue  # the audit names it; here the others serve as well
    return found


def _survey(options: Options, pictures: Sequence[tuple[str, decode_image.Raw]], source: str) -> decode_image.Fitted:
    if not pictures:
        raise DataError("None of the training pictures can be read.", where=source, do="look at the files with check")
    decoding = decode_image.Options(channels=options.channels, max_pixels=options.max_pixels)
    return decode_image.fit(decoding, (picture for _, picture in pictures))


def _sizes(pictures: Sequence[tuple[str, decode_image.Raw]], source: str) -> Array:
    """Heights and widths `(n, 2)` of the pictures that have a readable header."""
    found = []
    for name, picture in pictures:
        try:
            found.append(decode_image.size(picture, name))
        except ExampleError:
            continue
    if not found:
        raise DataError("None of the training pictures can be read.", where=source, do="look at the files with check")
    return np.asarray(found)


def _auto_size(sizes: Array) -> tuple[tuple[int, int], str]:
    """Height and width, and why: the pictures' own size where they share one that is not large, else a square."""
    low, high = sizes.min(axis=0), sizes.max(axis=0)
    if (low == high).all():
        height, width = (int(side) for side in low)
        ratio = min(1.0, LARGEST / max(height, width))
        chosen = (max(SMALLEST, round(height * ratio)), max(SMALLEST, round(width * ratio)))
        if chosen == (height, width):
            return chosen, f"the training pictures are of {height} x {width} pixels"
        return chosen, f"the training pictures are of {height} x {width} pixels; {SMALLEST} to {LARGEST} are usual"
    middle = float(np.median(sizes.min(axis=1)))
    side = int(min(LARGEST, max(SMALLEST, 8 * round(middle / 8))))
    reason = (
        f"the shorter sides of the training pictures are {int(sizes.min())} to {int(sizes.min(axis=1).max())} pixels, "
        f"{middle:.0f} in the middle; {LARGEST} at most, because the time grows with the area"
    )
    return (side, side), reason


def _statistics(
    decoding: decode_image.Fitted, resizing: resize.Fitted, pictures: Sequence[tuple[str, decode_image.Raw]]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of each channel over prepared training pictures; a deviation is at least 1."""
    count, total, squares = 0, np.zeros(decoding.channels), np.zeros(decoding.channels)
    for name, picture in pictures:
        try:
            pixels = resizing.resized(decoding.decode(picture, name)).astype(np.float64)
        except ExampleError:
            continue
        count += pixels[0].size
        total += pixels.sum(axis=(1, 2))
        squares += (pixels**2).sum(axis=(1, 2))
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, 1.0))
    return tuple(mean.tolist()), tuple(std.tolist())
