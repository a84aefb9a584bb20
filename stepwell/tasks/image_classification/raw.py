"""Pictures before they are decoded: files of a listing or of a disk, arrays, items of a dataset; fetched by index.

The readers and `prepare.inputs` make their examples here, so that training and prediction see the same
raw columns: `image` (bytes of a file, an array or a Pillow image each), `path` (a name for messages) and,
where it is known, `label`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np

from stepwell.errors import DataError, ExampleError
from stepwell.schema import Array, Columns, Examples, Finding, Part

SUFFIXES = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".jp2", ".j2k", ".jpx", ".webp", ".avif", ".gif"),
    *(".bmp", ".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".qoi", ".ico", ".sgi", ".rgb", ".pcx"),
    *(".xbm", ".tga"),
)
"""The endings by which a file is taken for a picture, in lower case."""

ONE_CLASS = "a classifier needs pictures of at least two classes"


@dataclass(frozen=True)
class Files:
    """Raw columns from files: `read(places[i])` gives the bytes, `paths[i]` the name in messages."""

    read: Callable[[str], bytes]
    places: Sequence[str]
    paths: Sequence[str]
    labels: Sequence[str] | None = None

    def fetch(self, indices: Sequence[int], views: Array | None) -> Columns:  # noqa: ARG002 - no views here
        """The columns at `indices`; `ExampleError`, which names the file, where one cannot be read."""
        return _columns([self.read(self.places[i]) for i in indices], self.paths, self.labels, indices)


@dataclass(frozen=True)
class Arrays:
    """Raw columns from one array `(n, ...)`: a dense column, fetched by index without a loop."""

    pictures: Array
    paths: Sequence[str]
    labels: Sequence[str] | None = None

    def fetch(self, indices: Sequence[int], views: Array | None) -> Columns:  # noqa: ARG002 - no views here
        """The columns at `indices`."""
        return _columns(self.pictures[np.asarray(indices, dtype=np.int64)], self.paths, self.labels, indices)


@dataclass(frozen=True)
class Items:
    """Raw columns from things got one by one: `get(i)` gives bytes, an array, a Pillow image or a path."""

    get: Callable[[int], Any]
    paths: Sequence[str]
    labels: Sequence[str] | None = None

    def fetch(self, indices: Sequence[int], views: Array | None) -> Columns:  # noqa: ARG002 - no views here
        """The columns at `indices`; `ExampleError`, which names the item, where it cannot be had."""
        return _columns([self._item(i) for i in indices], self.paths, self.labels, indices)

    def _item(self, index: int) -> Any:
        try:
            return self.get(index)
        except (OSError, ValueError, LookupError, TypeError, RuntimeError) as error:
            raise ExampleError(f"The picture cannot be had: {error}.", where=self.paths[index]) from error


def _columns(
    images: Array | list[Any], paths: Sequence[str], labels: Sequence[str] | None, indices: Sequence[int]
) -> Columns:
    columns: Columns = {"image": images, "path": [paths[i] for i in indices]}
    if labels is not None:
        columns["label"] = [labels[i] for i in indices]
    return columns


def examples(
    columns: Files | Arrays | Items,
    source: str,
    reader: str,
    *,
    ids: Sequence[str] | None = None,
    parts: Sequence[Part | None] = (),
    groups: Sequence[str | None] = (),
    findings: Sequence[Finding] = (),
) -> Examples:
    """Examples whose ids are the paths, unless others are given, and whose units are their groups, else themselves."""
    names = tuple(ids if ids is not None else columns.paths)
    facts: dict[str, tuple[Any, ...]] = {"path": tuple(columns.paths)}
    if columns.labels is not None:
        facts["label"] = tuple(columns.labels)
    if any(parts):
        facts["part"] = tuple(parts)
    if any(groups):
        facts["group"] = tuple(groups)
    units = tuple(group or name for group, name in zip(groups, names, strict=True)) if any(groups) else names
    return Examples(names, units, facts, columns.fetch, source, reader, tuple(findings))


def is_picture(name: str) -> bool:
    """Whether a file is taken for a picture, by its ending."""
    return name.lower().endswith(SUFFIXES)


def require_classes(labels: Sequence[str], source: str, do: str) -> None:
    """`DataError` unless there are pictures of two classes at least."""
    classes = list(dict.fromkeys(labels))
    if len(classes) < 2:
        what = (
            f"All pictures ({len(labels):,}) are of one class, {classes[0]!r}" if classes else "There are no pictures"
        )
        raise DataError(f"{what}; {ONE_CLASS}.", where=source, do=do)


def left_out(
    name: str, what: str, names: Sequence[str], remedy: str, severity: Literal[1, 2] = 1, why: str = ""
) -> list[Finding]:
    """The finding that some files were passed over, with counts by ending and a few names; none where none was."""
    if not names:
        return []
    endings = Counter(PurePosixPath(one).suffix.lower() or "no ending" for one in names)
    counts = ", ".join(f"{count:,} {ending}" for ending, count in endings.most_common(5))
    return [
        Finding(
            name=name,
            severity=severity,
            message=f"{what}: {len(names):,} ({counts}), for instance {names[0]!r}.",
            why=why or "What is passed over is neither learned from nor tested on.",
            remedy=remedy,
            evidence={"count": len(names), "endings": dict(endings.most_common(20))},
            examples=tuple(names[:5]),
            refuted_by="these files being no part of the data set",
        )
    ]
