"""Where tables lie on a disk: one file, or a folder with a file a part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import PART_NAMES, PARTS, Part
from stepwell.tabular import cells, json_lines, parquet, separated
from stepwell.tabular.form import Form
from stepwell.tabular.store import Table

_LAYOUT = """give one table, or name the files after their parts, for instance
    folder/train.csv
    folder/test.csv"""
_ABOUT = ("readme", "license", "licence", "index", "requirements", "notes")


def read_file(path: Path, form: Form, texts: bool | frozenset[str] = frozenset()) -> Table:
    """The table in one file, its columns named in `texts` (True: all) as text, where the file holds text."""
    if parquet.is_parquet(path):
        return parquet.read(path, form)
    if json_lines.is_json_lines(path):
        return json_lines.read(path, form)
    if path.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise DataError("This is a workbook.", where=str(path), do="save the sheet as CSV")
    return separated.read(path, form, texts=texts)


def head(path: Path, form: Form, rows: int = 100) -> Table:
    """The first rows of the table in one file, at a glance: text is text, and nothing beyond them is looked at."""
    if parquet.is_parquet(path):
        return parquet.read(path, form, rows)
    if json_lines.is_json_lines(path):
        return json_lines.read(path, form, rows)
    layout = separated.look(path, form, glance=True)
    found = separated.first_rows(path, layout, rows)
    columns = zip(*found, strict=True) if found else ([] for _ in layout.names)
    coded = {name: cells.Coder(layout.rules) for name in layout.names}
    for coder, column in zip(coded.values(), columns, strict=True):
        coder.add(list(column))
    return Table(str(path), {name: coder.column() for name, coder in coded.items()}, len(found), 1, layout.rules)


def files_of(folder: Path) -> list[tuple[Part | None, Path]]:
    """The tables of a folder: the only one, or one a part, named after it, train first; none where there is none.

    `DataError` where there are several that are not so named, or none for training.
    """
    found = sorted(
        (one for one in folder.iterdir() if one.is_file() and not one.name.startswith(".") and is_table(one)),
        key=lambda one: archives.natural_key(one.name),
    )
    if len(found) <= 1:
        return [(None, one) for one in found]
    named: dict[Part, Path] = {}
    for one in found:
        part = _part(one.name)
        if part is not None and part in named:
            raise DataError(f"{named[part].name} and {one.name} are both {part}.", where=str(folder), do=_LAYOUT)
        if part is not None:
            named[part] = one
    if len(named) == 1 and "test" in named and len(found) == 2:
        named["train"] = next(one for one in found if one != named["test"])
    if "train" not in named:
        shown = ", ".join(one.name for one in found[:5])
        raise DataError(
            f"The folder holds {len(found)} tables and none for training: {shown}.", where=str(folder), do=_LAYOUT
        )
    return [(part, named[part]) for part in PARTS if part in named]


def is_table(path: Path) -> bool:
    """Whether a file is taken for a table, by its ending; what is called README or the like is none."""
    if path.name.lower().partition(".")[0] in _ABOUT:
        return False
    return parquet.is_parquet(path) or separated.is_separated(path) or json_lines.is_json_lines(path)


def _part(name: str) -> Part | None:
    """The part that a file is named after, by its last word that says one: `train.csv`, `adult.test.gz`."""
    words: Sequence[str] = re.split(r"[^a-z]+", name.lower())
    if "data" in words[1:] and not any(word in PART_NAMES for word in words):
        return "train"
    return next((PART_NAMES[word] for word in reversed(words) if word in PART_NAMES), None)
