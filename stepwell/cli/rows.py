"""Predictions as rows: CSV that a spreadsheet cannot be tricked by, or one JSON object a line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

from stepwell.errors import UsageError
from stepwell.files import json_text

FORMATS = ("csv", "jsonl")

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def form(out: str | None, asked: str | None) -> str:
    """The format to write: as asked, else as the file's name ends, else csv; `UsageError` for another ending."""
    if asked is not None or out is None:
        return asked or "csv"
    ending = Path(out).suffix.removeprefix(".").lower()
    if ending not in FORMATS:
        raise UsageError(f"The ending of {out} is not known.", do="end it in .csv or .jsonl, or say --format")
    return ending


def write(answers: Iterable[Mapping[str, Any]], file: BinaryIO, form: str) -> tuple[int, int]:
    """Write the answers as they come; returns how many there were, and how many of them are errors."""
    count = failed = 0

    def counted() -> Iterator[Mapping[str, Any]]:
        nonlocal count, failed
        for one in answers:
            count += 1
            failed += "error" in one
            yield one

    lines = _csv(counted()) if form == "csv" else (json_text(one) + "\n" for one in counted())
    file.writelines(line.encode("utf-8", "backslashreplace") for line in lines)
    return count, failed


def _csv(answers: Iterator[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of CSV. The first answer that is no error names the columns; `error` is the last of them."""
    early: list[Mapping[str, Any]] = []
    columns = ["id"]
    for one in answers:
        early.append(one)
        if "error" not in one:
            columns = list(one)
            break
    line = io.StringIO()
    writer = csv.writer(line, lineterminator="\n")
    columns.append("error")
    header = dict(zip(columns, columns, strict=True))
    for row in chain([header], early, answers):
        writer.writerow([_cell(row.get(name)) for name in columns])
        yield line.getvalue()
        line.seek(0)
        line.truncate()


def _cell(value: Any) -> Any:
    """A value as a spreadsheet may show it: text that would be a formula gets a quote, line breaks are spelled out."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return json_text(value)
    guarded = f"'{value}" if value.startswith(_FORMULA) else value
    return guarded.replace("\r", "\\r").replace("\n", "\\n")
