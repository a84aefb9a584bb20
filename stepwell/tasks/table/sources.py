"""Where tables lie on a disk: one file, or a folder with a file a part."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import PARTS, Part
from stepwell.tasks.table import cells, memory, parquet, separated
from stepwell.tasks.table.listing import PART_NAMES
from stepwell.tasks.table.options import Options
from stepwell.tasks.table.store import Table

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_SOUNDS = (".wav", ".flac", ".mp3", ".ogg")
_LOOKED_AT = 200  # cells of a first row: a list of files has few columns, and asking the disk for each takes long
_LAYOUT = """give one table, or name the files after their parts, for instance
    folder/train.csv
    folder/test.csv"""


def recognized(path: Path) -> str | None:
    """A sentence where a file, or the files of a folder, are tables; None where they are not, or list pictures."""
    path = path.expanduser()
    try:
        files = files_of(path) if path.is_dir() else [(None, path)] if path.is_file() and is_table(path) else []
        if not files or any(_lists_files(one) for _, one in files):
            return None
    except (DataError, OSError):
        return None if path.is_dir() else "by its ending it is a table, though it cannot be read"
    names = " and ".join(one.name for _, one in files)
    return f"a table in {names}" if len(files) == 1 else f"tables in {names}"


def tables(path: Path, options: Options) -> list[tuple[Part | None, Table]]:
    """The tables at `path`, with their parts where there are several, train first.

    A column that is text in one file is read as text from all.
    """
    files = files_of(path) if path.is_dir() else [(None, path)]
    found = [(part, read_file(one, options)) for part, one in files]
    if len(found) > 1:
        texts = {name for _, table in found for name, one in table.columns.items() if isinstance(one, cells.Texts)}
        found = [
            (part, table if _fits(table, texts) else read_file(one, options, frozenset(texts)))
            for (part, table), (_, one) in zip(found, files, strict=True)
        ]
    return found


def read_file(path: Path, options: Options, texts: bool | frozenset[str] = frozenset()) -> Table:
    """The table in one file, its columns named in `texts` (True: all) as text, where the file holds text."""
    if parquet.is_parquet(path):
        return parquet.read(path, options)
    if path.suffix.lower() in (".xlsx", ".xls", ".ods"):
        raise DataError("This is a workbook.", where=str(path), do="save the sheet as CSV")
    return separated.read(path, options, texts=texts)


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
    if path.name.lower().partition(".")[0] in ("readme", "license", "licence", "index", "requirements", "notes"):
        return False
    return parquet.is_parquet(path) or separated.is_separated(path)


def names_pictures(source: Any) -> bool:
    """Whether a table in memory holds a column of paths to pictures or sounds."""
    inputs = source[0] if isinstance(source, tuple) else source
    if not memory.is_table(inputs):
        return False
    return any(isinstance(one, str) and _is_medium(one) for one in memory.first_cells(inputs))


def _lists_files(path: Path) -> bool:
    """Whether the first row of a file names a file: it is a list of those; or has one cell of text: lines of text."""
    if parquet.is_parquet(path):
        return False
    layout = separated.look(path, Options(), glance=True)
    first = separated.first_row(path, layout)
    if layout.width < 2:
        return not first or cells.number(first[0]) is None
    return any(_is_medium(cell) or _is_there(path.parent, cell) for cell in first[:_LOOKED_AT])


def _is_there(folder: Path, cell: str) -> bool:
    """Whether a cell names a file, by its place relative to the table."""
    try:
        return "." in cell and (folder / cell.strip()).is_file()
    except (OSError, ValueError):  # longer than a name may be, or with characters that none may have
        return False


def _is_medium(cell: str) -> bool:
    return cell.strip().lower().endswith((*_PICTURES, *_SOUNDS))


def _fits(table: Table, texts: set[str]) -> bool:
    return all(isinstance(one, cells.Texts) for name, one in table.columns.items() if name in texts)


def _part(name: str) -> Part | None:
    """The part that a file is named after, by its last word that says one: `train.csv`, `adult.test.gz`."""
    words: Sequence[str] = re.split(r"[^a-z]+", name.lower())
    if "data" in words[1:] and not any(word in PART_NAMES for word in words):
        return "train"
    return next((PART_NAMES[word] for word in reversed(words) if word in PART_NAMES), None)
