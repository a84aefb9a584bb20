"""A folder with a table `transcripts.csv` (file, text) and the signals that it names, as .npy files."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Array, Columns, Examples


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a folder with `transcripts.csv`; else None."""
    if isinstance(source, (str, Path)) and (Path(source) / "transcripts.csv").is_file():
        return "signals with transcripts.csv"
    return None


def read(source: str | Path, options: Options) -> Examples:
    """List the signals of the table in its order; ids are their names in it."""
    place = Path(source)
    with (place / "transcripts.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    if not rows or {"file", "text"} - set(rows[0]):
        raise DataError("transcripts.csv holds no rows with file and text.", where=str(source))
    return from_files([place / row["file"] for row in rows], [row["file"] for row in rows], str(source), rows)


def from_files(
    paths: Sequence[Path], names: Sequence[str], source: str, rows: Sequence[dict[str, str]] = ()
) -> Examples:
    """Examples of signal files, undecoded, with their `text` where `rows` holds it."""

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        columns: Columns = {"signal": [archives.read_file(paths[i]) for i in indices]}
        columns["path"] = [names[i] for i in indices]
        if rows:
            columns["text"] = [rows[i]["text"] for i in indices]
        return columns

    return Examples(tuple(names), tuple(names), {"path": tuple(names)}, fetch, source, "signal_folder")
