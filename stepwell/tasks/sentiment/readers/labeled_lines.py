"""A text a line: its class in front, as fastText has it, or a file for each class (`reviews.pos`, `reviews.neg`).

    __label__good It works as it should.          2 What films featured the character Popeye Doyle ?
    __label__bad It broke on the second day.      0 How did serfdom develop in and then leave Russia ?

The class is a word after `__label__`, or a whole number; empty lines are passed over. Also .gz.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stepwell.errors import DataError
from stepwell.schema import Examples
from stepwell.tabular import text
from stepwell.tasks.sentiment import listing
from stepwell.tasks.sentiment.raw import decoded, read_whole

PREFIX = "__label__"
SUFFIXES = (".pos", ".neg")
"""The endings of files that hold the texts of a class."""

_LOOKED_AT, _READ = 200, 2**20  # lines that are looked at before a file is taken for such a one, and bytes
_CLASSES = 20  # different whole numbers in those, at most: more are numbers and no classes
_LABELED = re.compile(rf"(?:{PREFIX}(\S+)|(\d{{1,3}}))(?:\s+(\S.*))?", re.DOTALL)
_WORDS = re.compile(r"[^\W\d_]{2}.*\s[^\W\d_]{2}")  # two words: a line of numbers after a number is a table's
_TABLES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".data", ".xml")


@dataclass(frozen=True)
class Options:
    """There is nothing to choose."""


def recognizes(source: Any) -> str | None:
    """A sentence where the source is such a file, or a folder with a file for each of two classes; else None."""
    if not isinstance(source, (str, Path)):
        return None
    path = Path(source)
    if path.is_dir():
        found = _of_classes(path)
        return f"a text a line in {' and '.join(one.name for one in found)}" if len(found) == len(SUFFIXES) else None
    if not path.is_file() or _plain(path).endswith((*_TABLES, *SUFFIXES)):
        return None
    try:
        with text.opened(path) as file:
            lines = _lines(decoded(file.read(_READ))[0])[:_LOOKED_AT]
    except (*text.DAMAGED, DataError):
        return None
    cut = [match for _, line in lines if (match := _LABELED.fullmatch(line))]
    numbers = {match[2] for match in cut if match[2]}
    texts = sum(_WORDS.search(match[3] or "") is not None for match in cut)
    if not lines or len(cut) < len(lines) or len(numbers) > _CLASSES or 2 * texts < len(lines):
        return None
    return f"a text a line after its class, such as {lines[0][1].split()[0]}"


def read(source: str | Path, options: Options) -> Examples:
    """The texts with their classes; ids are the file and the line.

    `DataError`, which names the line, where one has no class, or two.
    """
    del options
    path = Path(source)
    files = {one: one.suffixes[-1 - one.name.endswith(".gz")][1:] for one in _of_classes(path)} if path.is_dir() else {}
    names: list[str] = []
    labels: list[str | None] = []
    texts: list[str] = []
    for file, label in files.items() or [(path, "")]:
        for number, line in _lines(read_whole(file)):
            said, words = (label, line) if label else _cut(line, number, file)
            names.append(f"{file.name} line {number}" if files else f"line {number}")
            labels.append(said)
            texts.append(words)
    return listing.examples(
        listing.Found(get=texts.__getitem__, names=names, labels=labels), str(source), "labeled_lines"
    )


def _cut(line: str, number: int, path: Path) -> tuple[str, str]:
    """The class in front of a line, and its text."""
    match = _LABELED.fullmatch(line)
    if match is None:
        raise DataError(
            f"Line {number:,} does not begin with a class: {line[:60]!r}.",
            where=str(path),
            do=f"begin every line with a whole number or with {PREFIX} and a name, and a space",
        )
    said = match[3] or ""
    if said.startswith(PREFIX):
        raise DataError(
            f"The text in line {number:,} has several classes, and a classifier gives one.",
            where=str(path),
            do="leave one of them in each line",
        )
    return match[1] or match[2], said


def _of_classes(folder: Path) -> list[Path]:
    """The files of a folder that are named after a class, where there is one of each; else none."""
    found = [one for one in sorted(folder.iterdir()) if one.is_file() and _plain(one).endswith(SUFFIXES)]
    counts = Counter(_plain(one).rpartition(".")[2] for one in found)
    return found if len(found) == len(SUFFIXES) == len(counts) else []


def _plain(path: Path) -> str:
    return path.name.lower().removesuffix(".gz")


def _lines(content: str) -> list[tuple[int, str]]:
    """The lines that hold anything, stripped, each with its number from 1."""
    return [(number, line.strip()) for number, line in enumerate(content.split("\n"), start=1) if line.strip()]
