"""A CSV, TSV, JSON lines or Parquet file (text also as .gz), a folder of a train and a test file, a table in memory.

    text,label                              columns are found by their names and contents, or named
    "It broke on the second day.",negative
    "Works as it should.",positive          stars and measured ratings become negative, neutral, positive

    {"review": "Works.", "stars": 5}        JSON lines

In Python: a data frame, a dictionary of columns, rows as dictionaries, ``(texts, labels)``, or a dictionary of parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import PART_NAMES, PARTS, Examples, Part
from stepwell.tabular import cells, memory, sources
from stepwell.tabular.form import Plain, Quote, refuse_delimiter
from stepwell.tabular.store import Table
from stepwell.tasks.sentiment import listing, ratings, roles

ROLES = ("text", "label", "group", "part", "id")

_NOTHING = ("",)  # "None", "NA" or "?" may well be a text

Name = Annotated[str, Meta(min_length=1, description="the column's name; auto: found; none: not used")]
Taken = Annotated[str, Meta(min_length=1, description="the column's name; auto: found by its name and contents")]


@dataclass(frozen=True)
class Options:
    """Which columns hold what, how ratings become classes, and how the file is written; what is `auto` is found."""

    text: Taken = "auto"
    label: Taken = "auto"
    group: Name = "auto"
    part: Name = "auto"
    id: Name = "auto"
    rating: ratings.Rating = "auto"
    negative_below: ratings.Below = None
    positive_above: ratings.Above = None
    header: Annotated[
        Literal["auto", "yes", "no"], Meta(description="whether the first line of a file names its columns")
    ] = "auto"
    delimiter: Annotated[
        str, Meta(min_length=1, description="what is between cells: comma, semicolon, tab, pipe, or a character")
    ] = "auto"
    quote: Annotated[
        Quote, Meta(description="the quotes around cells: \", or '; none: quotes are part of the text")
    ] = "auto"
    encoding: Annotated[str, Meta(min_length=1, description="the encoding of a file, for instance cp1252")] = "auto"
    decimal: Annotated[Literal["auto", ".", ","], Meta(description="the sign before the decimals of a rating")] = "auto"

    def __post_init__(self) -> None:
        """ValueError where the delimiter is none."""
        refuse_delimiter(self.delimiter)

    def tokens(self) -> tuple[str, ...]:
        """What stands for nothing in a cell: nothing."""
        return _NOTHING


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a table with a column of texts and one of labels; else None."""
    try:
        heads = _heads(source)
    except (DataError, OSError):
        return None
    for where, columns in heads:
        text = roles.text_column(columns, "auto", where)
        label = None if text is None else roles.label_column(columns, text, "auto", where)
        if text is None or label is None:
            return None
    return f"a table with texts in {text!r} and labels in {label!r}" if heads else None


def read(source: Any, options: Options) -> Examples:
    """The labeled texts; ids are `row 1` … in files, from `row 0` in memory, after the file where there are two.

    `DataError`, which names row and column, where the table is damaged or its labels are no classes.
    """
    tables = _tables(source, options)
    if not tables:
        raise DataError("There are no texts here.", where=_shown(source), do=listing.LAYOUT)
    shown = _shown(source)
    _refuse_unequal(tables, shown)
    wanted = {name: getattr(options, name) for name in ROLES}
    names = list(tables[0][1].columns)
    columns = {name: cells.joined([table.columns[name] for _, table in tables]) for name in names}
    found = roles.find(columns, wanted, shown)
    rows = _rows(tables, columns, found.id)
    texts = _column(columns[found.text])
    decimal = tables[0][1].rules.decimal
    labels = ratings.labeled(
        _column(columns[found.label]),
        options.rating,
        options.negative_below,
        options.positive_above,
        rows.__getitem__,
        shown,
        decimal,
    )
    groups = () if found.group is None else _column(columns[found.group])
    return listing.examples(
        listing.Found(
            get=lambda i: texts[i] or "",
            names=rows,
            labels=labels.labels,
            parts=_parts(tables, columns, found.part, rows, shown),
            groups=groups,
            findings=(
                *(one for _, table in tables for one in table.findings),
                *roles.findings(columns, found, wanted),
                *labels.findings,
            ),
            settled=_settled(tables[0][1], found, labels, options),
        ),
        shown,
        "records",
    )


def _heads(source: Any) -> list[tuple[str, Mapping[str, cells.Column]]]:
    """The first rows of each table of a source, with where it lies."""
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        one: list[tuple[Part | None, Path]] = [(None, path)] if path.is_file() and sources.is_table(path) else []
        files = sources.files_of(path) if path.is_dir() else one
        return [(str(file), sources.head(file, Plain(missing=_NOTHING)).columns) for _, file in files]
    return [(table.source, table.columns) for _, table in _tables(source, Options())]


def _tables(source: Any, options: Options) -> list[tuple[Part | None, Table]]:
    if isinstance(source, str | Path):
        path = Path(source).expanduser()
        files = sources.files_of(path) if path.is_dir() else [(None, path)]
        return [(part, sources.read_file(file, options, texts=True)) for part, file in files]
    if isinstance(source, Mapping) and source and all(str(name).lower() in PART_NAMES for name in source):
        parts = [(PART_NAMES[str(name).lower()], one) for name, one in source.items()]
        return [(part, _in_memory(one, str(part), options)) for part, one in sorted(parts, key=_by_part)]
    return [(None, _in_memory(source, "texts in memory", options))]


def _by_part(one: tuple[Part, Any]) -> int:
    return PARTS.index(one[0])


def _in_memory(source: Any, where: str, options: Options) -> Table:
    if isinstance(source, tuple) and len(source) == 2 and not memory.is_table(source[0]):
        texts, labels = source
        source = {"text": list(texts), "label": list(labels)}
    if not memory.is_table(source):
        raise DataError(f"A {type(source).__name__} is no table of texts.", where=where, do=listing.LAYOUT)
    return memory.of(source, where, options)


def _shown(source: Any) -> str:
    return str(source) if isinstance(source, str | Path) else "texts in memory"


def _refuse_unequal(tables: Sequence[tuple[Part | None, Table]], source: str) -> None:
    first = tables[0][1]
    for _, table in tables[1:]:
        lacking = [name for name in first.columns if name not in table.columns]
        if lacking:
            raise DataError(
                f"{Path(table.source).name} lacks the column {lacking[0]!r} of {Path(first.source).name}.",
                where=source,
                do="give all files the same columns",
            )


def _rows(
    tables: Sequence[tuple[Part | None, Table]], columns: Mapping[str, cells.Column], named: str | None
) -> list[str]:
    """What the rows are called: by the column `named`, where there is one and it names each, else by their number."""
    if named is not None:
        return listing.unique([archives.printable(one or "row") for one in _column(columns[named])])
    several = len(tables) > 1
    return [
        f"{Path(table.source).name} row {number}" if several else f"row {number}"
        for _, table in tables
        for number in range(table.first, table.first + table.rows)
    ]


def _parts(
    tables: Sequence[tuple[Part | None, Table]],
    columns: Mapping[str, cells.Column],
    named: str | None,
    rows: Sequence[str],
    source: str,
) -> list[Part | None]:
    """The given parts: those of the files, or of a column."""
    if named is None or len(tables) > 1:
        return [part for part, table in tables for _ in range(table.rows)]
    found: list[Part | None] = []
    for row, written in zip(rows, _column(columns[named]), strict=True):
        if written is not None and written.lower() not in PART_NAMES:
            raise DataError(
                f"The part {written!r} is none of train, valid and test.",
                where=f"{source}, {row}",
                do="mend the row, or leave the column out with --reader.part none",
            )
        found.append(None if written is None else PART_NAMES[written.lower()])
    return found


def _column(column: cells.Column) -> list[str | None]:
    text = cells.as_text(column)
    values = (*text.values, None)
    return [values[code] for code in text.codes.tolist()]


def _settled(table: Table, found: roles.Roles, labels: ratings.Labeled, options: Options) -> dict[str, tuple[Any, str]]:
    """What was found for the options that were `auto`: value and reason, by name."""
    why = "by the names of the columns and what they hold"
    settled: dict[str, tuple[Any, str]] = {name: (getattr(found, name) or "none", why) for name in ROLES}
    settled |= table.settings
    settled["rating"] = ("three" if labels.thresholds else "classes", "by what the labels are")
    chosen = {name: one for name, one in settled.items() if getattr(options, name, None) == "auto"}
    if labels.thresholds is not None:
        cut = labels.thresholds
        for name, value in (("negative_below", cut.low), ("positive_above", cut.high)):
            if getattr(options, name) is None:
                chosen[name] = (value, cut.why)
    return chosen
