"""A CSV or TSV with a row per picture: its path and its label, and optionally a group and a split.

    path,label,group,split
    scans/001.png,benign,patient 7,train
    scans/002.png,malignant,patient 9,test

Paths are relative to the file. What shares a group (a patient, a shop, a day) is never cut by a split.
The split column holds train, valid (val, validation) or test; where it is empty the split is ours.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec

from stepwell import archives
from stepwell.errors import DataError, ExampleError, did_you_mean
from stepwell.schema import PART_NAMES, Examples, Part
from stepwell.tasks.image_classification import raw
from stepwell.transforms import class_index

_NAMES = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path", "image", "image_path", "picture"),
    "label": ("label", "class", "class_name", "category", "target"),
    "group": ("group", "group_id", "patient", "patient_id", "subject", "subject_id"),
    "split": ("split", "part", "subset", "set"),
}
_LAYOUT = """give a CSV with a header and a row per picture, for instance
    path,label
    scans/001.png,benign
    scans/002.png,malignant"""

Column = Annotated[str, msgspec.Meta(min_length=1, description="the column's name; auto: found by its usual names")]


@dataclass(frozen=True)
class Options:
    """Which columns hold what; a group or split named `none` is not used."""

    path: Column = "auto"
    label: Column = "auto"
    group: Column = "auto"
    split: Column = "auto"


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a CSV or TSV with a column of paths to pictures and one of labels; else None."""
    if not isinstance(source, (str, Path)) or Path(source).suffix.lower() not in (".csv", ".tsv"):
        return None
    try:
        with Path(source).open(encoding="utf-8-sig", newline="") as file:
            head = file.readline(65536)
            rows = csv.reader(io.StringIO(head + file.readline(65536)), delimiter=_delimiter(head))
            header, first = next(rows), next(rows)
    except (OSError, UnicodeDecodeError, csv.Error, StopIteration):
        return None
    path, label = (_find(header, name, "auto") for name in ("path", "label"))
    if path is None or label is None or path >= len(first) or not raw.is_picture(first[path].strip()):
        return None
    return f"a table with paths to pictures in {header[path]!r} and labels in {header[label]!r}"


def read(source: str | Path, options: Options) -> Examples:
    """List labeled pictures; ids are the paths as written, with the row's number where one comes again.

    `DataError`, which names the row, where the table is damaged, a split unknown or no picture there.
    Pictures that are missing or damaged are told apart when they are fetched.
    """
    path = Path(source)
    rows = list(_rows(path))
    if not rows:
        raise DataError("The file is empty.", where=str(path), do=_LAYOUT)
    header = [name.strip() for name in rows[0][1]]
    at = _columns(header, options, path)
    places, labels, groups, parts, ids, unlabeled = [], [], [], [], [], []
    seen: set[str] = set()
    for number, row in rows[1:]:
        values = {name: archives.printable(row[place].strip()) for name, place in at.items() if place is not None}
        if not values["path"]:
            raise DataError(
                f"Row {number} names no picture.", where=str(path), do="fill in its path, or remove the row"
            )
        if not values["label"]:
            unlabeled.append(values["path"])
            continue
        places.append(values["path"])
        labels.append(values["label"])
        groups.append(values.get("group") or None)
        parts.append(_part(values.get("split", ""), number, path))
        name = Path(values["path"]).as_posix()
        ids.append(name if name not in seen else f"{name} (row {number})")
        seen.add(name)
    raw.require_classes(labels, str(path), _LAYOUT)
    class_index.classes_of(labels)
    _require_one(path.parent, places, path)
    findings = raw.left_out(
        "pictures_without_class",
        "Rows without a label were passed over",
        unlabeled,
        "fill in the labels, or remove the rows; to have pictures answered, give them to predict",
    )
    columns = raw.Files(partial(_read, path.parent), places, ids, labels)
    listed = raw.examples(columns, str(path), "manifest", parts=parts, groups=groups, findings=findings)
    found = {name: "none" if place is None else header[place] for name, place in at.items()}
    settled = {name: (one, "by its usual names") for name, one in found.items() if getattr(options, name) == "auto"}
    return replace(listed, settled=settled)


def _read(folder: Path, place: str) -> bytes:
    return archives.read_file(folder / place)


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with the number of the line on which it ends, and all as long as the first."""
    try:
        text = archives.read_file(path).decode("utf-8-sig")
    except ExampleError as error:
        raise DataError(error.what, where=error.where, do=error.do) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"The file is not UTF-8 text: byte {error.start:,} is {error.object[error.start]:#04x}.",
            where=str(path),
            do="save it as UTF-8",
        ) from error
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text.partition("\n")[0]), strict=True)
    width = 0
    try:
        for row in rows:
            if not any(row):
                continue
            width = width or len(row)
            if len(row) != width:
                raise DataError(
                    f"Row {rows.line_num} has {len(row)} fields, the header {width}.",
                    where=str(path),
                    do="quote a path or label that holds the separator",
                )
            yield rows.line_num, row
    except csv.Error as error:
        raise DataError(f"Row {rows.line_num} cannot be read: {error}.", where=str(path), do=_LAYOUT) from error


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _find(header: Sequence[str], name: str, wanted: str) -> int | None:
    """The place of a column: by the name wanted, or by the first of its usual names that is there."""
    plain = [one.strip().lower() for one in header]
    if wanted != "auto":
        return header.index(wanted) if wanted in header else None
    return next((plain.index(usual) for usual in _NAMES[name] if usual in plain), None)


def _columns(header: Sequence[str], options: Options, path: Path) -> dict[str, int | None]:
    at = {}
    for name in _NAMES:
        wanted = getattr(options, name)
        at[name] = None if wanted == "none" else _find(header, name, wanted)
        if at[name] is None and (name in ("path", "label") or wanted not in ("auto", "none")):
            looked = repr(wanted) if wanted != "auto" else f"for the {name} (known names: {', '.join(_NAMES[name])})"
            raise DataError(
                f"There is no column {looked}.",
                where=str(path),
                do=f"name it with --reader.{name}. {did_you_mean(wanted, header)}",
            )
    return at


def _part(written: str, number: int, path: Path) -> Part | None:
    if not written:
        return None
    if written.lower() not in PART_NAMES:
        raise DataError(
            f"Row {number} has the split {written!r}, which is none of train, valid and test.",
            where=str(path),
            do="mend the row, or leave the column out with --reader.split none",
        )
    return PART_NAMES[written.lower()]


def _require_one(folder: Path, places: Sequence[str], path: Path) -> None:
    """`DataError` where not one of the pictures is there: then the paths mean something else."""
    try:
        found = any((folder / place).is_file() for place in places)
    except (OSError, ValueError):
        found = True  # fetching says which picture it is, and why
    if not found:
        raise DataError(
            f"None of the {len(places):,} pictures is there, for instance {places[0]!r}.",
            where=str(path),
            do=f"write the paths relative to the folder of this file, {str(folder)!r}",
        )
