"""What a user hands to predict, as unlabeled examples: texts, a file of them, a column of a table, standard input."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Examples, Finding
from stepwell.tabular import cells, memory, sources
from stepwell.tabular.form import Plain
from stepwell.tabular.store import Table
from stepwell.tasks.sentiment import listing, roles
from stepwell.tasks.sentiment.raw import Texts, decoded
from stepwell.tasks.sentiment.readers.folder_per_class import is_text

STANDARD_INPUT = "-"
"""The source that stands for standard input: a text a line."""

_FILES = (".txt", ".csv", ".tsv", ".jsonl", ".parquet", ".gz", ".zip")  # a word that ends so names a file
_COLUMN = "::"  # table.csv::review names the column


def inputs(source: Any) -> Examples:
    """Unlabeled texts of a source, in its order.

    One text or a list of them (a path to a file that is there is read); `-` for standard input, or a .txt file (a text
    a line); a folder, an archive or a pattern of .txt files (one text each); a table (CSV, TSV, JSON lines, Parquet,
    data frame, dictionary), or a folder with one, whose column of texts is found, or named as in
    `reviews.csv::comment`.
    `DataError` where there is nothing; an empty text is an `ExampleError` of its own.
    """
    if isinstance(source, Path):
        return _of_path(source)
    if isinstance(source, str):
        return _of_word(source)
    if memory.is_table(source):
        return _of_table(memory.of(source, "table in memory", Plain(missing=("",))), "auto")
    if hasattr(source, "tolist"):
        source = source.tolist()
    if isinstance(source, Sequence) and source and all(isinstance(one, str | Path) for one in source):
        return _of_several(source)
    raise DataError(
        f"There are no texts in this {type(source).__name__}.",
        do="give a text, a list of texts, a file, - for standard input, or a table",
    )


def _of_word(source: str) -> Examples:
    """A text, or what it names: standard input, a file, a column of a table, a glob."""
    if source == STANDARD_INPUT:
        return _lines(sys.stdin.read(), "standard input", "line")
    if _is_there(source) or _is_there(source.rpartition(_COLUMN)[0]):
        return _of_path(Path(source))
    matches = _matches(source)
    if matches:
        return _examples(lambda i: decoded(archives.read_file(Path(matches[i])))[0], matches, source)
    if Path(source).suffix.lower() in _FILES and " " not in source:
        raise DataError("There is no such file, and nothing matches.", where=source, do="check the path")
    return _texts([source], ["text 1"], "texts given")


def _of_several(items: Sequence[str | Path]) -> Examples:
    """Texts, and .txt files with a text a line, in their order; one item alone is what it is by itself."""
    if len(items) == 1:
        return _of_path(items[0]) if isinstance(items[0], Path) else _of_word(items[0])
    names: list[str] = []
    texts: list[str] = []
    for place, one in enumerate(items, start=1):
        if isinstance(one, str) and not _is_there(one):
            names.append(f"text {place}")
            texts.append(one)
        elif sources.is_table(Path(one)) and not is_text(str(one)):
            raise DataError(f"{one} is a table among {len(items)} things.", do="give one table by itself")
        else:
            lines = _numbered(decoded(archives.read_file(Path(one)))[0])
            names += [f"{archives.printable(Path(one).name)} line {number}" for number, _ in lines] or [str(one)]
            texts += [line for _, line in lines] or [""]
    return _texts(texts, names, "texts given")


def _of_path(path: Path) -> Examples:
    name, sign, column = str(path).rpartition(_COLUMN)
    if sign and not path.exists():
        return _of_table(sources.read_file(Path(name), Plain(missing=("",)), texts=True), column)
    if path.is_dir() or archives.archive_kind(path) is not None:
        listed = archives.open_listing(path)
        names = [one for one in listed.names if is_text(one)]
        tables = sources.files_of(path) if path.is_dir() and not names else []
        if len(tables) == 1:
            return _of_path(tables[0][1])
        if not names:
            found = f"{len(tables)} tables" if tables else "neither a .txt file nor a table"
            raise DataError(f"There are {found} here.", where=str(path), do="name one file, or a folder of .txt files")
        return _examples(lambda i: decoded(listed.read(names[i]))[0], names, str(path))
    if not path.exists():
        raise DataError("There is no such file.", where=str(path), do="check the path")
    if is_text(path.name) or not sources.is_table(path):
        return _lines(decoded(archives.read_file(path))[0], str(path), f"{archives.printable(path.name)} line")
    return _of_table(sources.read_file(path, Plain(missing=("",)), texts=True), "auto")


def _lines(content: str, source: str, word: str) -> Examples:
    """A text a line; `DataError` where there is none."""
    found = _numbered(content)
    if not found:
        raise DataError("There is no text.", where=source, do="write a text a line")
    return _texts([line for _, line in found], [f"{word} {number}" for number, _ in found], source)


def _numbered(content: str) -> list[tuple[int, str]]:
    """The lines that are not blank, with their numbers."""
    return [(number, line) for number, line in enumerate(content.splitlines(), start=1) if line.strip()]


def _of_table(table: Table, wanted: str) -> Examples:
    column = roles.text_column(table.columns, wanted, table.source)
    if column is None and len(table.columns) == 1:
        column = next(iter(table.columns))
    if column is None:
        raise DataError(
            f"No column holds texts of {roles.WORDS:g} words or more; there are {', '.join(table.columns)}.",
            where=table.source,
            do="name the column after the file: FILE::COLUMN",
        )
    coded = cells.as_text(table.columns[column])
    values = (*coded.values, "")
    texts = [values[code] for code in coded.codes.tolist()]
    rows = [f"row {number}" for number in range(table.first, table.first + table.rows)]
    return _texts(texts, rows, table.source, table.findings)


def _texts(texts: Sequence[str], names: Sequence[str], source: str, findings: Sequence[Finding] = ()) -> Examples:
    return _examples(texts.__getitem__, names, source, findings)


def _examples(
    get: Callable[[int], str], names: Sequence[str], source: str, findings: Sequence[Finding] = ()
) -> Examples:
    ids = tuple(listing.unique(names))
    return Examples(ids, ids, {}, Texts(get, ids), source, "inputs", tuple(findings))


def _is_there(name: str) -> bool:
    try:
        return bool(name) and Path(name).expanduser().exists()
    except (OSError, ValueError):  # a text is no name that a file can have
        return False


def _matches(pattern: str) -> list[str]:
    """The files that a glob matches; a text with a * in it matches none."""
    if not any(sign in pattern for sign in "*?[") or "\n" in pattern or " " in pattern:
        return []
    try:
        return sorted(glob.glob(pattern, recursive=True), key=archives.natural_key)  # noqa: PTH207 - absolute ones too
    except (OSError, ValueError):
        return []
