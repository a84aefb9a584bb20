"""An .npy file of points `(n, 2)`, or a folder with one and nothing else."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Array, Columns, Examples


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


def recognizes(source: Any) -> str | None:
    """A sentence where the source is one .npy file of two columns; else None."""
    path = _file(source)
    if path is None:
        return None
    try:
        points = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    return "points in the plane" if points.ndim == 2 and points.shape[1] == 2 else None


def read(source: str | Path, options: Options) -> Examples:
    """Every point; its id, from which its noise is drawn, is its row."""
    path = _file(source)
    if path is None:
        raise DataError("There is no .npy file here.", where=str(source))
    points: Array = np.load(io.BytesIO(archives.read_file(path)), allow_pickle=False).astype(np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise DataError(f"These are not finite points (n, 2) but {points.shape}.", where=str(path))
    return numbered(len(points), str(source), points)


def numbered(count: int, source: str, points: Array | None = None) -> Examples:
    """Examples that are a name each, and a `point` each where there are some."""
    names = tuple(f"point {number}" for number in range(count))

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        columns: Columns = {"name": [names[i] for i in indices]}
        if points is not None:
            columns["point"] = points[np.asarray(indices, dtype=np.int64)]
        return columns

    return Examples(names, names, {}, fetch, source, "point_file")


def _file(source: Any) -> Path | None:
    if not isinstance(source, (str, Path)):
        return None
    path = Path(source)
    if path.is_dir():
        inside = sorted(path.iterdir())
        path = inside[0] if len(inside) == 1 else path
    return path if path.is_file() and path.suffix == ".npy" else None
