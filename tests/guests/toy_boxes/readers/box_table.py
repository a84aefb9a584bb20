"""A folder with a table `boxes.csv` (file, left, top, right, bottom in pixels) and the pictures that it names."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Array, Columns, Examples

EDGES = ("left", "top", "right", "bottom")


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a folder with `boxes.csv`; else None."""
    if isinstance(source, (str, Path)) and (Path(source) / "boxes.csv").is_file():
        return "pictures with boxes.csv"
    return None


def read(source: str | Path, options: Options) -> Examples:
    """List the pictures of the table in its order; ids are their names in it."""
    place = Path(source)
    with (place / "boxes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        boxes = np.array([[float(row[edge]) for edge in EDGES] for row in rows])
        names = [row["file"] for row in rows]
    except (KeyError, ValueError) as error:
        raise DataError(f"boxes.csv does not hold what it should: {error}.", where=str(source)) from error
    return from_files([place / name for name in names], names, str(source), boxes)


def from_files(paths: Sequence[Path], names: Sequence[str], source: str, boxes: Array | None = None) -> Examples:
    """Examples of picture files, undecoded, with their `box` where there are some."""

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        columns: Columns = {"image": [archives.read_file(paths[i]) for i in indices]}
        columns["path"] = [names[i] for i in indices]
        if boxes is not None:
            columns["box"] = boxes[np.asarray(indices, dtype=np.int64)]
        return columns

    return Examples(tuple(names), tuple(names), {"path": tuple(names)}, fetch, source, "box_table")
