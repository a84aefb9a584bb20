"""What a user hands to predict, as unlabeled examples: files, folders, globs, archives, arrays, bytes and the like."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Examples
from stepwell.tasks.image_classification import raw
from stepwell.tasks.image_classification.readers.arrays import plain


def inputs(source: Any) -> Examples:
    """Unlabeled examples of a source, in its own order, or in natural order where it has none.

    A file, a folder (all pictures below it), a .zip or .tar(.gz), a glob, one picture as bytes, array or Pillow
    image, or a sequence of such. An array is one picture if it is `(h, w)` or `(h, w, 3 or 4)`, else a batch. Ids
    are paths relative to the source, paths as given in a sequence or glob, or numbers. `DataError` where there is
    nothing; one file of several that is missing or damaged is an `ExampleError` of its own when fetched.
    """
    source = plain(source)
    if isinstance(source, (str, Path)):
        return _from_path(source)
    if isinstance(source, (bytes, bytearray, Image.Image)):
        return _from_items([source])
    if isinstance(source, np.ndarray):
        if source.ndim == 2 or (source.ndim == 3 and source.shape[2] in (3, 4)):
            return _from_items([source])
        if source.ndim in (3, 4) and len(source):
            return raw.examples(raw.Arrays(source, [str(i) for i in range(len(source))]), "array in memory", "inputs")
        raise DataError(
            f"An array of the shape {source.shape} holds no pictures.", do="give (n, height, width) or more"
        )
    if isinstance(source, Sequence) and len(source):
        return _from_items(list(source))
    raise DataError(
        f"There are no pictures in this {type(source).__name__}.",
        do="give a file, folder, glob, zip, array, Pillow image, bytes, or a list of these",
    )


def _from_path(source: str | Path) -> Examples:
    path = Path(source)
    try:
        exists = path.exists()
    except OSError:  # a name that no file can have, which a glob may be
        exists = False
    if not exists:
        matches = sorted(glob.glob(str(source), recursive=True), key=archives.natural_key)  # noqa: PTH207 - absolute ones too
        if not matches:
            raise DataError("There is no such file, and nothing matches.", where=str(source), do="check the path")
        pictures = [match for match in matches if raw.is_picture(match) and Path(match).is_file()]
        if not pictures:
            raise DataError(f"What matches is no picture, for instance {matches[0]!r}.", where=str(source))
        return _from_items(pictures)
    if path.is_file() and archives.archive_kind(path) is None:
        return _from_items([path])
    listing = archives.open_listing(path)
    names = [name for name in listing.names if raw.is_picture(name)]
    if not names:
        found = (
            f"only {len(listing.names):,} other files, for instance {listing.names[0]!r}"
            if listing.names
            else "nothing"
        )
        raise DataError(
            f"There is no picture here: {found}.", where=str(source), do="give a folder that holds pictures"
        )
    others = [name for name in listing.names if not raw.is_picture(name)]
    findings = raw.left_out(
        "files_passed_over", "Files that are no pictures were passed over", others, "nothing, if so meant"
    )
    return raw.examples(raw.Files(listing.read, names, names), str(source), "inputs", findings=findings)


def _from_items(items: Sequence[Any]) -> Examples:
    """Pictures of any kind, one by one; of a path that comes twice the second id says which it is."""
    seen: dict[str, int] = {}
    ids = []
    for place, item in enumerate(items):
        name = archives.printable(Path(item).as_posix()) if isinstance(item, (str, Path)) else str(place)
        seen[name] = seen.get(name, 0) + 1
        ids.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return raw.examples(raw.Items(partial(_item, items), ids), "pictures given", "inputs")


def _item(items: Sequence[Any], index: int) -> Any:
    item = plain(items[index])
    return archives.read_file(Path(item)) if isinstance(item, (str, Path)) else item
