"""Files in a folder per class, with or without train/valid/test folders above: what their names say of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from stepwell.errors import DataError
from stepwell.schema import PART_NAMES, Part


@dataclass
class Found:
    """What the names of a listing come to: examples with label and part, and what was passed over.

    `loose` are examples that lie in no folder of a class, `other` files that are no examples.
    """

    names: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    parts: list[Part | None] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    other: list[str] = field(default_factory=list)


def sort_out(
    names: Sequence[str], wanted: Callable[[str], bool], label: Literal["outer", "inner"], where: str
) -> Found:
    """Tell the files apart: those `wanted` are examples, and the outermost or innermost folder names their class.

    Folders that only wrap one other folder are passed through. Parts are taken as given only where there is a train
    folder and another one, and nothing else beside them; `DataError` where they are mixed with others, or lie
    inside the folders of the classes.
    """
    examples = [name for name in names if wanted(name)]
    prefix = _wrapper(examples)
    with_parts = _has_parts([name[len(prefix) :].split("/")[:-1] for name in examples], where)
    found = Found()
    for name in names:
        if not wanted(name):
            found.other.append(name)
            continue
        folders = name[len(prefix) :].split("/")[:-1]
        part = PART_NAMES[folders.pop(0).lower()] if with_parts and folders else None
        if not folders:
            found.loose.append(name)
            continue
        found.names.append(name)
        found.labels.append(folders[0 if label == "outer" else -1])
        found.parts.append(part)
    return found


def without_class(found: Found, folders: Sequence[str]) -> list[str]:
    """Those of `folders` that hold no example with a label, at any depth."""
    direct = {name.rpartition("/")[0] for name in found.names}
    filled = direct | {one[:at] for one in direct for at, letter in enumerate(one) if letter == "/"}
    return [folder for folder in folders if folder not in filled]


def _wrapper(names: Sequence[str]) -> str:
    """The folders, with a last ``/``, that only wrap one other folder: they name neither a part nor a class.

    One that holds all, most of it in folders of its own, is a wrapper even if a file lies loose in it.
    """
    split = [name.split("/") for name in names]
    depth = 0
    while split and len({parts[depth] if len(parts) > depth + 1 else None for parts in split}) == 1:
        if 2 * sum(len(parts) > depth + 2 for parts in split) <= len(split):
            break
        depth += 1
    return "".join(f"{part}/" for part in split[0][:depth]) if split else ""


def _has_parts(inside: Sequence[Sequence[str]], where: str) -> bool:
    """Whether the outermost folders are parts; `DataError` where they are parts and others mixed."""
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
