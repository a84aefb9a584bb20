"""Whether what lies on a disk, or in memory, is a table whose cells are values; and the tables that lie there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stepwell.errors import DataError
from stepwell.schema import Part
from stepwell.tabular import cells, json_lines, memory, parquet, separated, sources
from stepwell.tabular.store import Table
from stepwell.tasks.table.options import Options

_PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff")
_SOUNDS = (".wav", ".flac", ".mp3", ".ogg")
_LOOKED_AT = 200  # cells of a first row: a list of files has few columns, and asking the disk for each takes long


def recognized(path: Path) -> str | None:
    """A sentence where a file, or the files of a folder, are tables; None where they are not, or list pictures."""
    path = path.expanduser()
    try:
        one = [(None, path)] if path.is_file() and sources.is_table(path) else []
        files = sources.files_of(path) if path.is_dir() else one
        if not files or any(_lists_files(file) for _, file in files):
            return None
    except (DataError, OSError):
        return None if path.is_dir() else "by its ending it is a table, though it cannot be read"
    names = " and ".join(one.name for _, one in files)
    return f"a table in {names}" if len(files) == 1 else f"tables in {names}"


def tables(path: Path, options: Options) -> list[tuple[Part | None, Table]]:
    """The tables at `path`, with their parts where there are several, train first.

    A column that is text in one file is read as text from all.
    """
    files = sources.files_of(path) if path.is_dir() else [(None, path)]
    found = [(part, sources.read_file(one, options)) for part, one in files]
    if len(found) > 1:
        texts = {name for _, table in found for name, one in table.columns.items() if isinstance(one, cells.Texts)}
        found = [
            (part, table if _fits(table, texts) else sources.read_file(one, options, frozenset(texts)))
            for (part, table), (_, one) in zip(found, files, strict=True)
        ]
    return found


def names_pictures(source: Any) -> bool:
    """Whether a table in memory holds a column of paths to pictures or sounds."""
    inputs = source[0] if isinstance(source, tuple) else source
    if not memory.is_table(inputs):
        return False
    return any(isinstance(one, str) and _is_medium(one) for one in memory.first_cells(inputs))


def _lists_files(path: Path) -> bool:
    """Whether the first row of a file names a file: it is a list of those; or has one cell of text: lines of text."""
    if parquet.is_parquet(path) or json_lines.is_json_lines(path):
        return False
    layout = separated.look(path, Options(), glance=True)
    first = next(iter(separated.first_rows(path, layout, 1)), [])
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
