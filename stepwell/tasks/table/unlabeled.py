"""What a user hands to predict, as unlabeled examples: files, folders, data frames, rows."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Examples, Part
from stepwell.tabular import cells, memory, sources
from stepwell.tabular.cells import Column, Numbers, Texts
from stepwell.tabular.store import Table
from stepwell.tasks.table.options import Options
from stepwell.tasks.table.store import Rows, raw_name
from stepwell.tasks.table.transforms import gather_columns


def inputs(source: Any) -> Examples:
    """The rows of a source, unlabeled, in its order, with every column that it has; the chain takes those it knows.

    A file, a folder, a glob, a list of these; a data frame, a dictionary of columns, rows as dictionaries, one
    such row, or an array `(n, columns)`. Cells of files come as text (`str` or None), exactly as written, but numbers
    in a form that `float` reads: what a cell means was settled when the chain was fitted. Ids are `row 1` and so on.
    """
    tables = _tables(source)
    if not tables:
        raise DataError("There are no rows.", do="give a table with rows")
    several = len(tables) > 1
    _require_one_width(tables)
    names = list(dict.fromkeys(name for table in tables for name in table.columns))
    doubtful = [_is_doubtful(table) for table in tables]
    columns = {
        name: _joined([_canonical(table, name, doubt) for table, doubt in zip(tables, doubtful, strict=True)])
        for name in names
    }
    seen: dict[str, int] = {}
    ids: list[str] = []
    for table in tables:
        before = f"{archives.printable(Path(table.source).name)} " if several else ""
        seen[before] = seen.get(before, 0) + 1
        after = f" ({seen[before]})" if seen[before] > 1 else ""
        ids += [f"{before}row {number}{after}" for number in range(table.first, table.first + table.rows)]
    raw = {raw_name(name): column for name, column in columns.items()}
    return Examples(
        ids=tuple(ids),
        units=tuple(ids),
        facts={},
        fetch=Rows(raw),
        source=tables[0].source if not several else f"{len(tables)} tables",
        reader="inputs",
        findings=tuple(one for table in tables for one in table.findings),
        columns=tuple(raw),
    )


def _require_one_width(tables: Sequence[Table]) -> None:
    """`DataError` where tables have no names of columns and not the same number: which is which would be a guess."""
    widths = [max(gather_columns.nameless(one.columns), default=0) for one in tables]
    other = next((place for place, width in enumerate(widths) if width != widths[0]), None)
    if other is not None and all(widths):
        said = ", ".join(f"{archives.printable(tables[one].source)} has {widths[one]:,}" for one in (0, other))
        raise DataError(
            f"The tables have no names of columns, and not equally many: {said}.",
            do="give all of them the same columns in the same places, or a header",
        )


def _tables(source: Any) -> list[Table]:
    options = Options()
    if isinstance(source, str | Path):
        return [table for one in _paths(source) for table in [sources.read_file(one, options, texts=True)]]
    if isinstance(source, list | tuple) and source and all(isinstance(one, str | Path) for one in source):
        return [table for one in source for table in _tables(one)]
    if isinstance(source, Mapping) and not any(
        hasattr(one, "__getitem__") and not isinstance(one, str) for one in source.values()
    ):
        source = [source]  # one row
    if memory.is_table(source) or memory.is_matrix(source):
        return [memory.of(source, "table in memory", options)]
    raise DataError(
        f"There are no rows in this {type(source).__name__}.",
        do='give a file, a data frame, {"age": [31, 52], …}, [{"age": 31, …}, …] or an array (n, columns)',
    )


def _paths(source: str | Path) -> list[Path]:
    """The files of a path or a glob; `DataError` where there is nothing."""
    path = Path(source).expanduser()
    if path.is_dir():
        files: list[tuple[Part | None, Path]] = sources.files_of(path)
        if not files:
            raise DataError("There is no table in this folder.", where=str(source), do="name a file")
        return [one for _, one in files]
    if path.exists():
        return [path]
    matches = sorted(glob.glob(str(path), recursive=True), key=archives.natural_key)  # noqa: PTH207 - absolute ones too
    if not matches:
        raise DataError("There is no such file, and nothing matches.", where=str(source), do="check the path")
    return [Path(match) for match in matches]


def _is_doubtful(table: Table) -> bool:
    """Whether nothing in a table says if "1,234" is a thousand or one and a bit: the training data knew."""
    texts = [one for one in table.columns.values() if isinstance(one, Texts)]
    return table.rules.decimal == "." and not any(
        "." in value and cells.number(value) is not None for one in texts for value in one.values
    )


def _canonical(table: Table, name: str, doubtful: bool) -> Column | int:
    """A column, in a form that `float` reads where all are numbers; the rows of the table where it lacks it.

    Where it is `doubtful` what a comma means, numbers with one stay as they are written.
    """
    column = table.columns.get(name)
    if column is None:
        return table.rows
    if isinstance(column, Numbers):
        return column
    known = [cells.number(one, table.rules.decimal) for one in column.values]
    if any(one is None for one in known) or (doubtful and any("," in one for one in column.values)):
        return column
    return replace(column, values=tuple(map(_written, column.values, known)))


def _written(text: str, value: float | None) -> str:
    try:
        return text if float(text) == value else repr(value)
    except ValueError:
        return repr(value)


def _joined(parts: Sequence[Column | int]) -> Column:
    """The columns below each other, with nothing where a table lacks it."""
    whole = [Texts(np.full(one, -1, dtype=np.int32), ()) if isinstance(one, int) else one for one in parts]
    return cells.joined(whole) if len(whole) > 1 else whole[0]
