"""A CSV, TSV, JSON lines or Parquet file (text also as .gz), a folder of a train and a test file, a table in memory.

    age,city,bought              a header, or none; comma, semicolon, tab, |, or spaces between cells
    31,Ulm,no
    52,,yes                      what is not known is left empty

    folder/train.csv             the files of a folder are named after their part (also `….data` and `….test`);
    folder/test.csv              one without the target is passed over

In Python: a data frame, a dictionary of columns, rows as dictionaries, ``(X, y)``, or a dictionary of parts.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepwell.errors import DataError
from stepwell.schema import PART_NAMES, PARTS, Examples, Part
from stepwell.tabular import memory
from stepwell.tasks.table import listing, recognition
from stepwell.tasks.table.options import Options

__all__ = ["Options", "read", "recognizes"]


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a table whose cells are values and no paths to pictures; else None."""
    if isinstance(source, str | Path):
        return recognition.recognized(Path(source))
    sets = list(source.values()) if _is_parts(source) else [source]
    if not all(memory.is_table(one) or memory.is_pair(one) for one in sets):
        return None
    if any(recognition.names_pictures(one) for one in sets):
        return None
    return "a table in memory" if len(sets) == 1 else f"{len(sets)} tables in memory"


def read(source: Any, options: Options) -> Examples:
    """The labeled rows; ids are `row 1` … in files, from `row 0` in memory, after the file or part where there are two.

    `DataError`, which names row and column, where the table is damaged or its target cannot be learned.
    """
    if isinstance(source, str | Path):
        return listing.examples(recognition.tables(Path(source).expanduser(), options), options, str(source), "table")
    if _is_parts(source):
        parts: list[tuple[Part | None, Any]] = [(PART_NAMES[name.lower()], one) for name, one in source.items()]
        parts.sort(key=lambda one: PARTS.index(one[0]) if one[0] else 0)
        if len({part for part, _ in parts}) < len(parts):
            raise DataError("Two keys of the dictionary name the same part.", where=", ".join(source), do="join them")
        tables = [(part, memory.of(one, str(part), options)) for part, one in parts]
    elif memory.is_table(source) or memory.is_pair(source):
        tables = [(None, memory.of(source, "table in memory", options))]
    else:
        raise DataError(f"A {type(source).__name__} is no table with answers.", where="data", do=memory.LAYOUT)
    return listing.examples(tables, options, "table in memory", "table")


def _is_parts(source: Any) -> bool:
    """Whether this is a dictionary of parts, each a table of its own."""
    return (
        isinstance(source, Mapping)
        and bool(source)
        and all(isinstance(name, str) and name.lower() in PART_NAMES for name in source)
        and all(memory.is_table(one) or memory.is_pair(one) for one in source.values())
    )
