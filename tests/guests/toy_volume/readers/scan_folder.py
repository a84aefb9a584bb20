"""A folder of scans as .npz files with the arrays `image` and `mask`, `(depth, height, width)` both."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stepwell import archives
from stepwell.errors import DataError, ExampleError
from stepwell.schema import Array, Columns, Examples


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a folder of .npz files; else None."""
    if not isinstance(source, (str, Path)) or not Path(source).is_dir():
        return None
    scans = list(Path(source).glob("*.npz"))
    return f"{len(scans)} scans" if scans else None


def read(source: str | Path, options: Options) -> Examples:
    """List the scans; one is a unit (a patient). The fact `size` is read from the headers alone."""
    paths = sorted(Path(source).glob("*.npz"), key=lambda path: archives.natural_key(path.name))
    if not paths:
        raise DataError("There is no scan here.", where=str(source), do="give a folder of .npz files")
    return from_files(paths, [path.name for path in paths], str(source), labeled=True)


def from_files(paths: Sequence[Path], names: Sequence[str], source: str, *, labeled: bool) -> Examples:
    """Examples of scan files. A view is `(6,)`: where a patch begins and how large it is; None is the whole scan."""

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        columns: Columns = {"path": [names[i] for i in indices]}
        scans = [_scan(paths[i], names[i], labeled) for i in indices]
        if views is not None:
            places = [
                tuple(slice(begin, begin + size) for begin, size in zip(view[:3], view[3:], strict=True))
                for view in views.tolist()
            ]
            scans = [
                {name: array[place] for name, array in scan.items()} for scan, place in zip(scans, places, strict=True)
            ]
        return columns | {name: [scan[name] for scan in scans] for name in scans[0]}

    facts: dict[str, tuple[Any, ...]] = {"path": tuple(names)}
    if labeled:
        facts["size"] = tuple(_size(path) for path in paths)
    return Examples(tuple(names), tuple(names), facts, fetch, source, "scan_folder")


def _scan(path: Path, name: str, labeled: bool) -> dict[str, Array]:
    """The arrays of one file, `(depth, height, width)` float32 and uint8; `ExampleError` where they are not there."""
    try:
        with np.load(io.BytesIO(archives.read_file(path)), allow_pickle=False) as scan:
            found = {"image": scan["image"].astype(np.float32)}
            if labeled:
                found["mask"] = scan["mask"].astype(np.uint8)
    except (ValueError, KeyError, EOFError, OSError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise ExampleError(f"This is no scan: {error}.", where=name, do="export it again") from error
    if found["image"].ndim != 3 or not np.isfinite(found["image"]).all():
        raise ExampleError("The image is no volume of finite numbers.", where=name, do="export it again")
    return found


def _size(path: Path) -> tuple[int, ...] | None:
    """The size of a scan from the header of its image, None where there is none to read."""
    try:
        with zipfile.ZipFile(path) as scan, scan.open("image.npy") as file:
            np.lib.format.read_magic(file)
            return tuple(np.lib.format.read_array_header_1_0(file)[0])
    except (ValueError, KeyError, OSError, zipfile.BadZipFile):
        return None  # the audit reads the file whole and says what is wrong with it
