"""A folder of pictures per class, in a folder, a .zip or a .tar(.gz), with or without train/valid/test folders above.

    pictures/cat/1.jpg          pictures/train/cat/1.jpg
    pictures/cat/old/2.jpg      pictures/valid/cat/3.jpg
    pictures/dog/3.jpg          pictures/test/dog/4.jpg

Folders that only wrap one other folder are passed through. Hidden files and what operating systems leave
behind are passed over silently, other files that are no pictures with a finding. Parts are taken as given
only where there is a train folder and another one, and nothing else beside them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from stepwell import archives, class_folders
from stepwell.errors import DataError
from stepwell.schema import Examples, Finding
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
    where = str(source)
    found = class_folders.sort_out(listing.names, raw.is_picture, options.label, where)
    if not found.names:
        raise DataError(_nothing_found(listing, found), where=where, do=LAYOUT)
    raw.require_classes(found.labels, where, LAYOUT)
    class_index.classes_of(found.labels)
    columns = raw.Files(listing.read, found.names, found.names, found.labels)
    findings = _findings(listing, found)
    return raw.examples(columns, where, "folder_per_class", parts=found.parts, findings=findings)


def _nothing_found(listing: archives.Listing, found: class_folders.Found) -> str:
    if found.loose:
        return f"The {len(found.loose):,} pictures lie in no folder that would name their class."
    if found.other:
        endings = raw.left_out("", "files", found.other, "")[0].message
        return f"There is no picture here, only {endings}"
    problem = f" ({listing.problems[0][0]!r} cannot be listed: {listing.problems[0][1]})" if listing.problems else ""
    return f"There is no file here{problem}."


def _findings(listing: archives.Listing, found: class_folders.Found) -> list[Finding]:
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
            class_folders.without_class(found, listing.folders),
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
