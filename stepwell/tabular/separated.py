"""Separated text (CSV, TSV and the like, also gzipped): looked at first, then read column by column.

Read by Python's own csv module, so that training and the light install read alike. A file is gone through once
more where a column that began as numbers turns out to be text: then its cells are kept exactly as written.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import Finding
from stepwell.tabular import cells, store, text
from stepwell.tabular.form import QUOTES, SEPARATORS, Form
from stepwell.tabular.store import Table

SUFFIXES = (".csv", ".tsv", ".tab", ".txt", ".dat", ".data", ".test", ".train")
"""The endings of files of separated text, before `.gz`."""

HEAD = 200  # records that are looked at before a file is read
_HEAD_CHARACTERS = 2**22
_CELLS = 2**16  # read at a time: they stay in the processor's cache
_PREFACE = 5  # lines before a table that may say other things
_BEGUN = re.compile(r"(?:^|[,;|\t])[ ]*'", re.MULTILINE)
_SINGLE = re.compile(r"(?:^|[,;|\t])[ ]*'[^'\r\n]*'[ ]*(?=[,;|\t\r\n]|\Z)", re.MULTILINE)
_STEADY = 0.95  # share of the records that must be of one width for a separator to be taken at once
_LOOSE = 0.5  # and below which it may be spaces that separate
_SPREADSHEET = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)  # a first line by which Excel is told the separator
_FIELD = 2**24  # characters in a cell, at most

Record = list[str]


@dataclass(frozen=True)
class Layout:
    """How a file is laid out: what stands before the table, names (of the header or made up), and the width."""

    encoding: str
    delimiter: str
    quote: str
    header: bool
    preface: int
    names: tuple[str, ...]
    width: int
    rules: cells.Rules
    findings: tuple[Finding, ...]


def is_separated(path: Path) -> bool:
    """Whether a file is taken for separated text, by its ending."""
    name = path.name.lower().removesuffix(".gz")
    return name.endswith(SUFFIXES)


def read(path: Path, form: Form, *, texts: bool | frozenset[str] = frozenset()) -> Table:
    """The table in a file. Columns named in `texts` (True: all) are kept as text.

    `DataError`, which names row or byte, where the file is no table of text: ragged, damaged, or of another encoding.
    """
    layout = look(path, form)
    known = set(layout.names) if texts is True else set(texts or ())
    while True:
        columns, changed = _columns(path, layout, known)
        if not changed:
            break
        known |= changed
    rows = len(next(iter(columns.values())))
    if not rows:
        raise DataError("The table has no row below its header.", where=str(path), do="give a table with rows")
    settings = {
        "delimiter": (
            next(word for word, sign in SEPARATORS.items() if sign == layout.delimiter),
            "by its first lines",
        )
        if layout.delimiter in SEPARATORS.values()
        else (layout.delimiter, "as given"),
        "quote": (next(word for word, sign in QUOTES.items() if sign == layout.quote), "by its first lines"),
        "header": ("yes" if layout.header else "no", "by its first lines"),
        "encoding": (layout.encoding, "by its bytes"),
        "decimal": (layout.rules.decimal, "by its first lines"),
    }
    return Table(str(path), columns, rows, 1, layout.rules, settings, layout.findings)


def look(path: Path, form: Form, *, glance: bool = False) -> Layout:
    """The layout of a file, by its first records and the options; `DataError` where it has none.

    With a `glance` the encoding is that of the first bytes; else all of them are gone through.
    """
    encoding, findings = text.encoding(path, form.encoding, _HEAD_CHARACTERS if glance else None)
    head = _head(path, encoding)
    told = _SPREADSHEET.match(head)
    quote = _quote(head) if form.quote == "auto" else QUOTES[form.quote]
    delimiter = told[1] if told and form.delimiter == "auto" else _delimiter(head, quote, form.delimiter, path)
    records = [record for _, record in _parsed(io.StringIO(head, newline=""), delimiter, quote, path, HEAD)]
    if not records:
        raise DataError("The file is empty.", where=str(path), do="give a table with a header and rows")
    width = _width(records)
    store.refuse_wide(max(width, len(records[0])), str(path))
    preface = next(place for place, record in enumerate(records) if len(record) >= width - 1)
    width = max(width, len(records[preface]))  # rows below a longer header lack cells, which is said of them
    if width > 1 and len(records[preface]) == width - 1 and not _named_rows(records[preface:], width):
        preface = next(place for place, record in enumerate(records) if len(record) == width)
    if preface > _PREFACE:
        preface = 0
    if told and len(records) > 1:
        preface = max(preface, 1)
        width = max(_width(records[1:]), len(records[1]))
    findings += _preface_finding(records[:preface], path)
    findings += _quote_finding(path, quote) if form.quote == "auto" else []
    body = records[preface:]
    rules = cells.Rules(_decimal(body, form.decimal), frozenset(form.tokens()))
    header = form.header == "yes" or (form.header == "auto" and has_header(body, width, rules))
    findings += _header_finding(body, header, form, path)
    names = body[0] if header else [""] * width
    if header and len(names) == width - 1:
        unnamed_last = all(not record[-1].strip() for record in body[1:] if len(record) == width)
        names = [*names, ""] if unnamed_last else ["row", *names]
    unique = tuple(store.unique_names(names))
    return Layout(encoding, delimiter, quote, header, preface, unique, width, rules, tuple(findings))


def first_rows(path: Path, layout: Layout, count: int) -> list[Record]:
    """The cells of the first `count` rows, or of all there are."""
    return next(iter(_chunks(path, layout, count)), [])


def _columns(path: Path, layout: Layout, texts: set[str]) -> tuple[dict[str, cells.Column], set[str]]:
    """All columns, and the names of those that are text although they were not known to be (these are not whole)."""
    coders = {name: cells.Coder(layout.rules) for name in layout.names if name in texts}
    parts: dict[str, list[cells.Numbers]] = {name: [] for name in layout.names if name not in texts}
    changed: set[str] = set()
    size = max(64, _CELLS // layout.width)
    for place, chunk in enumerate(_chunks(path, layout, size)):
        if place == 1 and changed:  # most of what is text shows at once
            break
        for name, column in zip(layout.names, zip(*chunk, strict=True), strict=True):
            if name in coders:
                coders[name].add(column)
            elif name not in changed:
                found = cells.numbers(column, layout.rules)
                if found is None:
                    changed.add(name)
                else:
                    parts[name].append(cells.Numbers(found))
    if changed:
        return {}, changed
    empty = cells.Numbers(np.zeros(0))
    return {
        name: coders[name].column() if name in coders else cells.joined([empty, *parts[name]]) for name in layout.names
    }, changed


def _chunks(path: Path, layout: Layout, size: int) -> Iterator[list[Record]]:
    """The rows below the header, some at a time, each as wide as the table; `DataError` at one that is not."""
    with _opened(path, layout.encoding) as file:
        records = _parsed(file, layout.delimiter, layout.quote, path)
        for _ in range(layout.preface + layout.header):
            next(records)
        chunk: list[Record] = []
        for row, (line, record) in enumerate(records, start=1):
            if len(record) != layout.width:
                _refuse_ragged(record, row, line, layout, path)
                record = [*record, ""] if len(record) < layout.width else record[:-1]
            chunk.append(record)
            if len(chunk) == size:
                yield chunk
                chunk = []
        if chunk:
            yield chunk


def _refuse_ragged(record: Record, row: int, line: int, layout: Layout, path: Path) -> None:
    """`DataError` at a row that is not as wide as the table, unless all it has too many is one empty cell."""
    if len(record) == layout.width + 1 and not record[-1].strip():
        return
    cause = "a cell that holds the separator must be in quotes" if len(record) > layout.width else "cells are missing"
    raise DataError(
        f"Row {row:,} has {len(record):,} cells, the table {layout.width:,} columns: {cause}.",
        where=f"{path}, line {line:,}",
        do="mend this row; if the separator was taken for another, name it with --reader.delimiter",
    )


@contextmanager
def _opened(path: Path, encoding: str) -> Iterator[io.TextIOBase]:
    """The file as text; whatever goes wrong while it is read is a `DataError` that names it."""
    try:
        with text.opened(path) as raw:
            yield io.TextIOWrapper(raw, encoding=encoding, newline="")
    except UnicodeDecodeError as error:
        raise text.wrongly_encoded(path, encoding, error) from error
    except text.DAMAGED as error:
        raise text.cannot_be_read(path, error) from error


def _parsed(
    file: io.TextIOBase, delimiter: str, quote: str, path: Path, most: int | None = None
) -> Iterator[tuple[int, Record]]:
    """The records that are not blank, each with the number of the line it ends on; the first `most` alone."""
    lines = text.lines(file, path)
    if delimiter == " ":
        lines = (" ".join(line.split()) for line in lines)
    csv.field_size_limit(_FIELD)
    reader = csv.reader(
        lines,
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        skipinitialspace=delimiter != " ",
        strict=True,
    )
    found = last = 0
    try:
        for record in reader:
            last = reader.line_num
            if not record or (len(record) == 1 and not record[0].strip()):
                continue
            yield reader.line_num, record
            found += 1
            if found == most:
                return
    except csv.Error as error:
        if most is not None and found:
            return  # the head may end within quotes
        begun = f"s {last + 1:,} to" if last + 1 < reader.line_num else ""
        raise DataError(
            f"The text cannot be taken apart: {error}.",
            where=f"{path}, line{begun} {reader.line_num:,}",
            do="look at the quotes where this begins: a quoted cell ends with a quote, quotes within it are doubled"
            + ("; if ' is no quote here, say --reader.quote double" if quote == "'" else "")
            + ("; if quotes are part of the text, say --reader.quote none" if quote == '"' else ""),
        ) from error


def _head(path: Path, encoding: str) -> str:
    with _opened(path, encoding) as file:
        head = file.read(_HEAD_CHARACTERS)
    lines = head.splitlines(keepends=True)
    return "".join(lines if len(head) < _HEAD_CHARACTERS or len(lines) < 3 else lines[:-1])


def _quote(head: str) -> str:
    """The sign around quoted cells: ' where nearly every line has a cell in such, none begins one and leaves it open,
    and " stands nowhere, as what was made from ARFF is written; none in a file with tabs where " begins a cell and does
    not end it, as texts are written that hold quotes; else ".
    """
    if _has_loose_quotes(head):
        return ""
    lines = sum(1 for line in head.splitlines() if line.strip())
    begun = len(_BEGUN.findall(head))
    single = '"' not in head and begun >= _STEADY * (lines - 1) > 0 and len(_SINGLE.findall(head)) == begun
    return "'" if single else '"'


def _has_loose_quotes(head: str) -> bool:
    """Whether all lines have equally many tabs, and a " begins a cell that it, or one that is doubled, does not end."""
    rows = [line.split("\t") for line in head.splitlines() if line.strip()]
    if not rows or len(rows[0]) == 1 or any(len(row) != len(rows[0]) for row in rows):
        return False
    begun = (cell.strip() for row in rows for cell in row if cell.lstrip().startswith('"'))
    return any(len(cell) < 2 or not cell.endswith('"') or cell[1:-1].replace('""', "").count('"') for cell in begun)


def _delimiter(head: str, quote: str, wanted: str, path: Path) -> str:
    """The first separator that gives the records one width, else what comes nearest; spaces where no other does."""
    if wanted != "auto":
        return SEPARATORS.get(wanted, wanted)
    shares = {sign: _share(head, sign, quote, path) for sign in SEPARATORS.values() if sign != " "}
    steady = next((sign for sign, share in shares.items() if share >= _STEADY), None)
    if steady is not None:
        return steady
    best = max(shares, key=lambda sign: shares[sign])
    return " " if shares[best] < _LOOSE and _share(head, " ", quote, path) >= _STEADY else best


def _share(head: str, sign: str, quote: str, path: Path) -> float:
    """The share of the first records that have the commonest width under a separator; 0 where that is one cell."""
    try:
        records = [record for _, record in _parsed(io.StringIO(head, newline=""), sign, quote, path, HEAD)]
    except DataError:
        return 0.0
    width = _width(records) if records else 1
    return 0.0 if width == 1 else sum(len(record) == width for record in records) / len(records)


def _width(records: Sequence[Record]) -> int:
    """The commonest number of cells in a record below the first, the larger of equals."""
    counts = Counter(len(record) for record in records[1:] or records)
    return max(counts, key=lambda width: (counts[width], width))


def _named_rows(records: Sequence[Record], width: int) -> bool:
    """Whether a first record that is one cell short is a header: of a table whose rows are named, or end in nothing."""
    return all(len(record) == width for record in records[1:]) and all(
        cells.number(cell) is None for cell in records[0]
    )


def _decimal(records: Sequence[Record], wanted: str) -> str:
    """The sign before decimals: a comma where numbers with one are there and none with a point."""
    if wanted != "auto":
        return wanted
    plain = [cell.strip() for record in records for cell in record]
    commas = [cell for cell in plain if "," in cell and cells.number(cell, ",") is not None]
    points = any("." in cell and cells.number(cell, ".") is not None for cell in plain)
    grouped = all(cells.number(cell, ".") is not None for cell in commas)  # 1,234 may be a thousand
    return "," if commas and not points and not grouped else "."


def has_header(records: Sequence[Record], width: int, rules: cells.Rules) -> bool:
    """Whether the first record names columns: it holds no numbers above numbers, and its words do not come again."""
    first, below = [cell.strip() for cell in records[0]], [one for one in records[1:] if len(one) == width]
    below = below[: max(20, _CELLS // width)]
    shift = width - len(first)
    if not below or shift not in (0, 1):
        return not any(cells.number(cell, rules.decimal) is not None for cell in first)
    named = numbered = again = 0
    for place, cell in enumerate(first):
        column = [record[place + shift].strip() for record in below]
        there = [one for one in column if one not in rules.missing]
        if cell in rules.missing or not there:
            continue
        if all(cells.number(one, rules.decimal) is not None for one in there):
            named, numbered = (
                (named + 1, numbered) if cells.number(cell, rules.decimal) is None else (named, numbered + 1)
            )
        elif cell in there:
            again += 1
    if named:
        return numbered == 0 or _counted(first)
    while first and not first[-1]:  # columns that a spreadsheet has beyond those in use
        first.pop()
    return numbered == 0 and again == 0 and len(set(first)) == len(first) > 0


def _counted(first: Sequence[str]) -> bool:
    """Whether the numbers among some names count up by one, as names of pixels or years do."""
    found = [int(cell) for cell in first if cell.isdigit()]
    return len(found) > 1 and all(after - before == 1 for before, after in itertools.pairwise(found))


def _preface_finding(records: Sequence[Record], path: Path) -> list[Finding]:
    if not records:
        return []
    shown = archives.printable(", ".join(records[0]))[:80]
    return [
        Finding(
            name="lines_before_the_table",
            severity=1,
            message=f"{path.name} begins with what is no part of the table and was passed over: {shown!r}.",
            why="They have another number of cells than the rows below them.",
            remedy="nothing, if they are no rows",
            where={"file": path.name},
            evidence={"lines": len(records)},
            refuted_by="their being rows of the table",
        )
    ]


def _header_finding(records: Sequence[Record], header: bool, form: Form, path: Path) -> list[Finding]:
    if header or form.header != "auto":
        return []
    shown = archives.printable(", ".join(cell.strip() for cell in records[0]))[:80]
    return [
        Finding(
            name="no_header",
            severity=1,
            message=f"{path.name} has no header: its first line was taken for a row ({shown}); columns are numbered.",
            why="A header taken for a row, or the other way round, is learned from as if it were data.",
            remedy="add a header, or say so with --reader.header yes or no",
            where={"file": path.name},
            refuted_by="the first line being the names of the columns",
        )
    ]


def _quote_finding(path: Path, quote: str) -> list[Finding]:
    if quote == '"':
        return []
    if not quote:
        return [
            Finding(
                name="quotes_are_text",
                severity=1,
                message=f"Quotes in {path.name} were read as part of the text: some begin a cell and do not end it.",
                why="Taken for quotes around cells they would join lines.",
                remedy="nothing, if so meant; else write each cell that holds quotes in quotes, those within doubled",
                where={"file": path.name},
                refuted_by="a cell that holds a line end or a tab",
            )
        ]
    return [
        Finding(
            name="single_quotes",
            severity=1,
            message=f"The cells of {path.name} stand in single quotes, which were left off.",
            why="What is quoted may hold the separator, and a number in quotes is a number.",
            remedy="nothing, if they are quotes; to keep them as part of the text: --reader.quote double",
            where={"file": path.name},
            refuted_by="the signs being part of what the cells say",
        )
    ]
