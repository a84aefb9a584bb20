"""A CSV or TSV file with a header and columns named text and label."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.errors import DataError
from stepwell.schema import Array, Columns, Examples


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


def recognizes(source: Any) -> str | None:
    """A sentence where the source is such a file; else None."""
    if not isinstance(source, (str, Path)):
        return None
    path = _file(source)
    return "a table with texts and labels" if path.is_file() and path.suffix in (".csv", ".tsv") else None


def _file(source: str | Path) -> Path:
    path = Path(source)
    return next(iter(sorted(path.glob("*.[ct]sv"))), path) if path.is_dir() else path


def read(source: str | Path, options: Options) -> Examples:
    """List the rows; ids are their numbers."""
    path = _file(source)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file, delimiter="\t" if path.suffix == ".tsv" else ","))
    if not rows or {"text", "label"} - set(rows[0]):
        raise DataError("There are no columns text and label.", where=str(path))
    texts = [unicodedata.normalize("NFC", row["text"]) for row in rows]
    labels = [row["label"] for row in rows]
    groups = tuple(row.get("group") or None for row in rows)

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        return {"text": [texts[i] for i in indices], "label": [labels[i] for i in indices]}

    ids = tuple(f"row {number}" for number in range(1, len(rows) + 1))
    return Examples(ids, ids, {"label": tuple(labels), "group": groups}, fetch, str(source), "separated")
