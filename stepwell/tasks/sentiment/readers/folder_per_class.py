"""A folder of text files per class, in a folder, a .zip or a .tar(.gz), with or without train/valid/test folders above.

    reviews/pos/1.txt          reviews/train/pos/1.txt
    reviews/neg/2.txt          reviews/test/neg/2.txt

Folders that only wrap one other folder are passed through; one called unsup or unlabeled is passed over, with a
finding, as are files that are no text. The encoding of each file is found by its bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import msgspec

from stepwell import archives, class_folders
from stepwell.errors import DataError
from stepwell.schema import Examples, Finding
from stepwell.tasks.sentiment import listing
from stepwell.tasks.sentiment.raw import decoded

SUFFIXES = (".txt", ".text")
"""The endings by which a file is taken for a text, in lower case."""

UNLABELED = frozenset(("unsup", "unsupervised", "unlabeled", "unlabelled"))
"""Names of folders whose texts have no class."""

LAYOUT = """lay the texts out as a folder per class, for instance
    reviews/negative/1.txt
    reviews/positive/2.txt"""

_LOOKED_AT = 500  # files whose encoding is looked at


@dataclass(frozen=True)
class Options:
    """How labels are found."""

    label: Annotated[
        Literal["outer", "inner"],
        msgspec.Meta(
            description="where folders are nested: the outermost below the part names the class, or the innermost"
        ),
    ] = "outer"


def is_text(name: str) -> bool:
    """Whether a file is taken for a text, by its ending."""
    return name.lower().endswith(SUFFIXES)


def recognizes(source: Any) -> str | None:
    """A sentence where the source is a folder or archive with texts in folders; else None."""
    if not isinstance(source, (str, Path)):
        return None
    texts = [name for name in archives.peek(source) if is_text(name)]
    folders = sorted({name.rpartition("/")[0] for name in texts if "/" in name}, key=archives.natural_key)
    if len(folders) < 2:
        return None
    shown = ", ".join(folders[:4]) + (", …" if len(folders) > 4 else "")
    return f"folders of texts: {shown}"


def read(source: str | Path, options: Options) -> Examples:
    """List labeled texts; ids are paths relative to the source.

    `DataError` where there are none, or of one class only.
    """
    files = archives.open_listing(source)
    found = class_folders.sort_out(files.names, is_text, options.label, str(source))
    if not found.names:
        lying = "in no folder that would name their class" if found.loose else "nowhere here"
        raise DataError(f"Texts ({', '.join(SUFFIXES)}) lie {lying}.", where=str(source), do=LAYOUT)
    labels = [None if label.lower() in UNLABELED else label for label in found.labels]
    get = _Decoded(files, found.names)
    return listing.examples(
        listing.Found(
            get=get,
            names=found.names,
            labels=labels,
            parts=found.parts,
            findings=(*_passed_over(found), *_encodings(get)),
        ),
        str(source),
        "folder_per_class",
    )


@dataclass(frozen=True)
class _Decoded:
    """The texts of some files of a listing, by their place."""

    files: archives.Listing
    names: Sequence[str]

    def __call__(self, index: int) -> str:
        return decoded(self.files.read(self.names[index]))[0]

    def encodings(self) -> Counter[str]:
        """How many of some of the files are in which encoding; what cannot be read is the audit's to say."""
        counts: Counter[str] = Counter()
        for name in self.names[:: max(1, len(self.names) // _LOOKED_AT)]:
            try:
                counts[decoded(self.files.read(name))[1]] += 1
            except DataError:
                continue
        return counts


def _encodings(get: _Decoded) -> list[Finding]:
    counts = get.encodings()
    if set(counts) <= {"utf-8"}:
        return []
    shown = ", ".join(f"{count:,} {name}" for name, count in counts.most_common())
    return [
        Finding(
            name="encodings",
            severity=1,
            message=f"Of {counts.total():,} files looked at the encodings are: {shown}.",
            why="What is not UTF-8 and has no mark is read as cp1252; in another encoding letters would be others.",
            remedy="save the files as UTF-8",
            evidence=dict(counts),
            refuted_by="their letters beyond A to Z being right as they are shown",
        )
    ]


def _passed_over(found: class_folders.Found) -> list[Finding]:
    said = (
        ("files_passed_over", "Files that are no texts were passed over", found.other),
        ("texts_in_no_class", "Texts that lie in no folder of a class were passed over", found.loose),
    )
    return [_left_out(name, what, names) for name, what, names in said if names]


def _left_out(name: str, what: str, names: Sequence[str]) -> Finding:
    endings = Counter(PurePosixPath(one).suffix.lower() or "no ending" for one in names)
    counts = ", ".join(f"{count:,} {ending}" for ending, count in endings.most_common(5))
    return Finding(
        name=name,
        severity=1,
        message=f"{what}: {len(names):,} ({counts}), for instance {names[0]!r}.",
        why="What is passed over is neither learned from nor tested on.",
        remedy="nothing, if they are notes; else lay them out as a folder per class, ending in .txt",
        evidence={"count": len(names)},
        examples=tuple(names[:5]),
        refuted_by="these files being no part of the data set",
    )
