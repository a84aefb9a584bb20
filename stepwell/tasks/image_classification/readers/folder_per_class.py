"""A folder of pictures per class, in a folder, a .zip or a .tar(.gz), with or without train/valid/test folders above.

    pictures/cat/1.jpg          pictures/train/cat/1.jpg
    pictures/cat/old/2.jpg      pictures/valid/cat/3.jpg
    pictures/dog/3.jpg          pictures/test/dog/4.jpg

Folders that only wrap one other folder are passed through. Hidden files and what operating systems leave
behind are passed over silently, other files that are no pictures with a finding. Parts are taken as given
only where there is a train folder and another one, and nothing else beside them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import PART_NAMES, Examples, Finding, Part
from stepwell.tasks.image_classification import raw
from stepwell.transforms import class_index

LAYOUT = """lay the pictures out as a folder per class, for instance
    pictures/cat/1.jpg
    pictures/cat/2.jpg
    pictures/dog/3.jpg"""


@dataclass(frozen=True)
class Options:
    """How labels are found."""

    label: Annotated[
        Literal["outer", "inner"],
        msgspec.Meta(
            description="where folders are nested: the outermost below the part names the class, or the innermost"
        ),
    ] = "outer"


@dataclass
class _Found:
    """What the names of a listing come to: pictures with part and label, and what was passed over."""

    names: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    parts: list[Part | None] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a folder or archive of pictures, in folders or with nothing else; else None.

    Pictures that lie in no folder are recognized too, and empty folders and damaged archives, so that `read` can
    say what is wrong with them.
    """
    if not isinstance(source, (str, Path)):
        return None
    seen = archives.peek(source)
    if not seen:
        path = Path(source)
        nothing = path.is_dir() or (path.is_file() and archives.archive_kind(path) is not None)
        return "nothing that can be looked into" if nothing else None
    pictures = [name for name in seen if raw.is_picture(name)]
    folders = sorted({name.rpartition("/")[0] for name in pictures if "/" in name}, key=archives.natural_key)
    if not folders:
        return "pictures without folders" if pictures and len(pictures) == len(seen) else None
    shown = ", ".join(folders[:4]) + (", …" if len(folders) > 4 else "")
    return f"folders of pictures: {shown}"


def read(source: str | Path, options: Options) -> Examples:
    """List labeled pictures; ids are paths relative to the source.

    `DataError` where there are none, or of one class only, and where class names differ only in case.
    """
    listing = archives.open_listing(source)
    prefix = _wrapper(listing.names)
    where = str(source)
    found = _sort_out(listing.names, prefix, _has_parts(listing.names, prefix, where), options)
    if not found.names:
        raise DataError(_nothing_found(listing, found), where=where, do=LAYOUT)
    raw.require_classes(found.labels, where, LAYOUT)
    class_index.classes_of(found.labels)
    columns = raw.Files(listing.read, found.names, found.names, found.labels)
    findings = _findings(listing, found)
    return raw.examples(columns, where, "folder_per_class", parts=found.parts, findings=findings)


def _wrapper(names: Sequence[str]) -> str:
    """The folders, with a last ``/``, that only wrap one other folder: they name neither a part nor a class."""
    pictures = [name.split("/") for name in names if raw.is_picture(name)]
    depth = 0
    while pictures and all(len(parts) > depth + 2 for parts in pictures) and len({p[depth] for p in pictures}) == 1:
        depth += 1
    return "".join(f"{part}/" for part in pictures[0][:depth]) if pictures else ""


def _has_parts(names: Sequence[str], prefix: str, where: str) -> bool:
    """Whether the folders below `prefix` are parts; `DataError` where they are parts and others mixed."""
    inside = [name[len(prefix) :].split("/")[:-1] for name in names if raw.is_picture(name)]
    below = {folders[1].lower() if len(folders) > 1 else "" for folders in inside}
    if len({PART_NAMES.get(name) for name in below}) > 1 and all(name in PART_NAMES for name in below):
        raise DataError(
            "The folders of the parts lie inside those of the classes.",
            where=where,
            do="turn them around: train/cat and test/cat in place of cat/train and cat/test",
        )
    tops = {folders[0] for folders in inside if folders}
    parts = {PART_NAMES[top.lower()] for top in tops if top.lower() in PART_NAMES}
    others = sorted(top for top in tops if top.lower() not in PART_NAMES)
    if len(parts) < 2:
        return False
    if "train" not in parts or others:
        wrong = "there is no folder train" if "train" not in parts else f"beside them lies {others[0]!r}"
        raise DataError(
            f"Some folders look like given parts ({', '.join(sorted(parts))}), but {wrong}.",
            where=where,
            do="name the folders of the parts train, valid and test, and move everything else away",
        )
    return True


def _sort_out(names: Sequence[str], prefix: str, with_parts: bool, options: Options) -> _Found:
    found = _Found()
    for name in names:
        if not raw.is_picture(name):
            found.other.append(name)
            continue
        folders = name[len(prefix) :].split("/")[:-1]
        part = PART_NAMES[folders.pop(0).lower()] if with_parts and folders else None
        if not folders:
            found.loose.append(name)
            continue
        found.names.append(name)
        found.labels.append(folders[0 if options.label == "outer" else -1])
        found.parts.append(part)
    return found


def _nothing_found(listing: archives.Listing, found: _Found) -> str:
    if found.loose:
        return f"The {len(found.loose):,} pictures lie in no folder that would name their class."
    if found.other:
        endings = raw.left_out("", "files", found.other, "")[0].message
        return f"There is no picture here, only {endings}"
    problem = f" ({listing.problems[0][0]!r} cannot be listed: {listing.problems[0][1]})" if listing.problems else ""
    return f"There is no file here{problem}."


def _findings(listing: archives.Listing, found: _Found) -> list[Finding]:
    direct = {name.rpartition("/")[0] for name in found.names}
    with_pictures = direct | {one[:at] for one in direct for at, letter in enumerate(one) if letter == "/"}
    empty = [folder for folder in listing.folders if folder not in with_pictures]
    return [
        *raw.left_out(
            "files_passed_over",
            "Files that are no pictures were passed over",
            found.other,
            "nothing, if they are notes; else save them as PNG or JPEG",
        ),
        *raw.left_out(
            "pictures_without_class",
            "Pictures that lie in no folder of a class were passed over",
            found.loose,
            "move each into the folder of its class; to have them answered, give them to predict",
        ),
        *raw.left_out(
            "folders_without_pictures",
            "Folders without any labeled picture",
            empty,
            "remove them, or fill them: an empty folder makes no class",
            why="A class without pictures cannot be learned, and the network will not know of it.",
        ),
        *raw.left_out(
            "folders_not_listed",
            f"Folders or links could not be read ({listing.problems[0][1] if listing.problems else ''})",
            [name for name, _ in listing.problems],
            "check who may read them",
            severity=2,
        ),
    ]
