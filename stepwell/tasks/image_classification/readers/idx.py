"""The IDX files of the MNIST family, raw or .gz: images and labels side by side, train-* and t10k-* in one folder.

    mnist/train-images-idx3-ubyte.gz    mnist/t10k-images-idx3-ubyte.gz
    mnist/train-labels-idx1-ubyte.gz    mnist/t10k-labels-idx1-ubyte.gz

The format is Yann LeCun's: four bytes (0, 0, type, number of axes), the axes as big-endian 32-bit numbers,
then the values. Images stay uint8 in memory and are fetched by index.
"""

from __future__ import annotations

import gzip
import math
import os
import re
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import msgspec
import numpy as np

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import PART_NAMES, Array, Examples, Part
from stepwell.tasks.image_classification import raw
from stepwell.transforms import class_index

LARGEST = 16 * 2**30  # bytes of one file, unpacked: a lying header must not fill the memory
_BLOCK = 16 * 2**20
_IMAGES = re.compile(r"(?P<stem>.*?)images[-._]idx(?P<axes>[34])-ubyte(?P<gz>\.gz)?", re.IGNORECASE)
_UBYTE = 0x08
_LAYOUT = """give a folder like
    mnist/train-images-idx3-ubyte.gz
    mnist/train-labels-idx1-ubyte.gz
    mnist/t10k-images-idx3-ubyte.gz (and its labels)"""


@dataclass(frozen=True)
class Options:
    """What the numbers of the labels mean."""

    names: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="names of the classes in the order of their numbers; empty: the numbers"),
    ] = ()


@dataclass(frozen=True)
class _Pair:
    """A file of images, the file of their labels, and what the ids of its examples start with."""

    images: Path
    labels: Path
    stem: str
    part: Part | None


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a folder that holds IDX images, or such a file itself; else None."""
    if not isinstance(source, (str, Path)):
        return None
    try:
        names = _image_names(Path(source))
    except OSError:
        return None
    return f"IDX files of the MNIST family: {', '.join(names)}" if names else None


def read(source: str | Path, options: Options) -> Examples:
    """Read images and labels into memory; ids are the file's stem and a number, ``train/17``.

    train-* is the part train, t10k-* and test-* test, valid-* and val-* valid. `DataError` where a file is missing,
    damaged or does not fit the others.
    """
    path = Path(source)
    folder = path if path.is_dir() else path.parent
    try:
        names = _image_names(path)
    except OSError as error:
        raise DataError(f"This cannot be listed: {error.strerror}.", where=str(path), do=_LAYOUT) from error
    if not names:
        raise DataError("There are no IDX files of images here.", where=str(path), do=_LAYOUT)
    pairs = [_pair(folder, name) for name in names]
    images, labels = [], []
    for pair in pairs:
        images.append(_read_array(pair.images, axes=(3, 4)))
        numbers = _read_array(pair.labels, axes=(1,))
        if len(numbers) != len(images[-1]):
            raise DataError(
                f"There are {len(images[-1]):,} images but {len(numbers):,} labels.", where=str(pair.labels), do=_LAYOUT
            )
        labels.append(_label_texts(numbers, options, pair.labels))
    shapes = {one.shape[1:] for one in images}
    if len(shapes) > 1:
        raise DataError(f"The files hold images of different sizes: {sorted(shapes)}.", where=str(folder))
    paths = [f"{pair.stem}/{i}" for pair, one in zip(pairs, images, strict=True) for i in range(len(one))]
    parts = [pair.part for pair, one in zip(pairs, images, strict=True) for _ in range(len(one))]
    flat = [label for one in labels for label in one]
    raw.require_classes(flat, str(path), _LAYOUT)
    class_index.classes_of(flat)
    together = images[0] if len(images) == 1 else np.concatenate(images)
    return raw.examples(raw.Arrays(together, paths, flat), str(path), "idx", parts=_given(parts))


def _given(parts: list[Part | None]) -> list[Part | None]:
    """The parts, unless there is only one: then nothing is given, and all may be split."""
    return parts if len(set(parts)) > 1 else []


def _image_names(path: Path) -> list[str]:
    """The files of images in a folder, train first; or the file itself."""
    names = os.listdir(path) if path.is_dir() else [path.name] if path.is_file() else []  # noqa: PTH208
    found = sorted((name for name in names if _IMAGES.fullmatch(name)), key=archives.natural_key)
    return sorted(found, key=lambda name: "train" not in name.lower())


def _pair(folder: Path, name: str) -> _Pair:
    match = _IMAGES.fullmatch(name)
    assert match is not None
    stem = match["stem"].strip("-._")
    wanted = re.compile(re.escape(match["stem"]) + r"labels[-._]idx1-ubyte(\.gz)?", re.IGNORECASE)
    labels = sorted(one for one in os.listdir(folder) if wanted.fullmatch(one))  # noqa: PTH208
    if not labels:
        raise DataError(f"The labels of {name} are missing.", where=str(folder), do=_LAYOUT)
    words = re.split("[-._]", stem.lower())
    known: dict[str, Part] = {**PART_NAMES, "t10k": "test"}
    part = next((known[word] for word in words if word in known), None)
    return _Pair(folder / name, folder / labels[0], stem or "images", part)


def _label_texts(numbers: Array, options: Options, where: Path) -> list[str]:
    if options.names and numbers.size and int(numbers.max()) >= len(options.names):
        raise DataError(
            f"There is a label {int(numbers.max())}, but only {len(options.names)} names are given.",
            where=str(where),
            do="give one name for each number from 0 on with --reader.names",
        )
    texts = options.names or tuple(str(number) for number in range(256))
    return [texts[number] for number in numbers.tolist()]


def _read_array(path: Path, axes: tuple[int, ...]) -> Array:
    """The array of bytes in an IDX file; `DataError`, which names the file, where it is not one."""
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if packed else file
            return _parse(stream, path, axes)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__
        do = "check who may read it" if isinstance(error, PermissionError) else "download it again"
        raise DataError(f"The file cannot be read: {reason}.", where=str(path), do=do) from error


def _parse(stream: BinaryIO, path: Path, axes: tuple[int, ...]) -> Array:
    zeros, kind, count = struct.unpack(">HBB", stream.read(4))
    if zeros != 0 or kind != _UBYTE or count not in axes:
        raise DataError(
            f"The file is no IDX file of bytes with {' or '.join(map(str, axes))} axes.", where=str(path), do=_LAYOUT
        )
    shape = struct.unpack(f">{count}I", stream.read(4 * count))
    wanted = math.prod(shape)
    if wanted > LARGEST or (count > 1 and 0 in shape):
        raise DataError(f"The file claims to hold {' x '.join(map(str, shape))} bytes.", where=str(path))
    content = bytearray()
    while len(content) <= wanted and (block := stream.read(min(_BLOCK, wanted + 1 - len(content)))):
        content += block
    if len(content) != wanted:
        found = "more" if len(content) > wanted else f"only {len(content):,}"
        raise DataError(
            f"The file should hold {wanted:,} values, but there are {found}.", where=str(path), do="download it again"
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(shape)
