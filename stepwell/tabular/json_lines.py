"""JSON lines (`.jsonl`, `.ndjson`, also `.gz`): an object a line, its keys the columns."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from stepwell.errors import DataError
from stepwell.tabular import memory, text
from stepwell.tabular.form import Form
from stepwell.tabular.store import Table

SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")
"""The endings of files of JSON lines, before `.gz`."""


def is_json_lines(path: Path) -> bool:
    """Whether a file is taken for JSON lines, by its ending."""
    return path.name.lower().removesuffix(".gz").endswith(SUFFIXES)


def read(path: Path, form: Form, most: int | None = None) -> Table:
    """The table in a file, or in its first `most` lines.

    What a line lacks is missing. Numbers stay numbers where a whole column holds nothing else. `DataError`, which names
    the line, where one is no object or holds what is no plain value.
    """
    encoding, findings = text.encoding(path, form.encoding, None if most is None else 2**20)
    decoder = msgspec.json.Decoder(dict[str, Any])
    try:
        with text.opened(path) as raw, io.TextIOWrapper(raw, encoding=encoding) as file:
            lines = itertools.islice(enumerate(text.lines(file, path), start=1), most)
            rows = [_object(decoder, line, f"{path}, line {number:,}") for number, line in lines if line.strip()]
    except UnicodeDecodeError as error:
        raise text.wrongly_encoded(path, encoding, error) from error
    except text.DAMAGED as error:
        raise text.cannot_be_read(path, error) from error
    if not rows:
        raise DataError("The file is empty.", where=str(path), do="write an object a line")
    found = memory.of(rows, str(path), form)
    settings = {**found.settings, "encoding": (encoding, "by its bytes")}
    return replace(found, first=1, settings=settings, findings=tuple(findings))


def _object(decoder: msgspec.json.Decoder[dict[str, Any]], line: str, where: str) -> dict[str, Any]:
    try:
        return decoder.decode(line.strip())
    except msgspec.DecodeError as error:
        raise DataError(f"The line is no JSON object: {error}.", where=where, do="write an object a line") from error
