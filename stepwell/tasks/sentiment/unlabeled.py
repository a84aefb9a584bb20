"""What a user hands to predict, as unlabeled examples."""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stepwell.schema import Array, Columns, Examples


def inputs(source: Any) -> Examples:
    """Texts of a list, or of the column text of a table."""
    if isinstance(source, str | Path) and Path(source).exists():
        path = Path(source)
        path = next(iter(sorted(path.glob("*.[ct]sv"))), path) if path.is_dir() else path
        with path.open(newline="", encoding="utf-8-sig") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
    else:
        texts = [str(source)] if isinstance(source, str | Path) else [str(one) for one in source]
    texts = [unicodedata.normalize("NFC", text) for text in texts]

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        return {"text": [texts[i] for i in indices]}

    ids = tuple(f"row {number}" for number in range(1, len(texts) + 1))
    return Examples(ids, ids, {}, fetch, str(source), "inputs")
