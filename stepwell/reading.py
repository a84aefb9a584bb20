"""Chooses the reader of a source: the one that is named, or the one that recognizes what lies there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stepwell import discovery, settings
from stepwell.errors import DataError, RecipeError, did_you_mean
from stepwell.schema import Examples


def must_exist(source: Any) -> None:
    """`DataError` where the source is a path and nothing lies there."""
    if isinstance(source, str | Path) and not Path(source).expanduser().exists():
        raise DataError(f"There is nothing at {source}.", where=str(source), do="check the path")


def read(
    folder: discovery.Folder, source: Any, name: str = "auto", options: Mapping[str, Any] | None = None
) -> Examples:
    """The examples at `source`, listed by the reader `name` of the task with `options`.

    "auto" is the one reader that recognizes the source; `DataError` where there is nothing, where none
    does, or where several do.
    """
    must_exist(source)
    rooms = folder.rooms("readers")
    module = discovery.find(rooms, recognized(folder, source) if name == "auto" else name)
    examples: Examples = module.read(source, _chosen(module.Options, options or {}))
    return examples


def read_alike(folder: discovery.Folder, source: Any, chosen: Mapping[str, Any]) -> Examples:
    """Further data of a run, read as `chosen` (the section of its recipe) says where its reader recognizes them."""
    options = {name: value for name, value in chosen.items() if name != "name"}
    if not options or (isinstance(source, str | Path) and not Path(source).expanduser().exists()):
        return read(folder, source)
    name = recognized(folder, source)
    return read(folder, source, name, options if name == chosen["name"] else {})


def _chosen(options: type, given: Mapping[str, Any]) -> Any:
    """The options of a reader, from values or from text as typed; RecipeError where one does not fit."""
    known = settings.fields_of(options)
    values = {}
    for name, value in given.items():
        if name not in known:
            raise RecipeError(f"The reader has no option {name!r}.", where="reader", do=did_you_mean(name, known))
        try:
            values[name] = settings.convert(value, known[name], text=isinstance(value, str))
        except ValueError as wanted:
            raise RecipeError(f"reader.{name}: got {value!r}, wanted {wanted}", where="reader") from wanted
    try:
        return settings.typed(values, options)
    except ValueError as error:
        raise RecipeError(f"The reader's options do not fit: {error}.", where="reader") from error


def recognized(folder: discovery.Folder, source: Any) -> str:
    """The name of the one reader of the task that recognizes `source`."""
    rooms = folder.rooms("readers")
    reasons: dict[str, str] = {}
    for room in rooms:
        for name in discovery.names(room):
            reason = discovery.load(room, name).recognizes(source)
            if reason and name not in reasons:
                reasons[name] = reason
    if len(reasons) == 1:
        return next(iter(reasons))
    shown = str(source) if isinstance(source, str | Path) else f"a {type(source).__name__}"
    if reasons:
        ways = "; ".join(f"{name} ({reason})" for name, reason in reasons.items())
        raise DataError(f"This can be read in {len(reasons)} ways: {ways}.", where=shown, do="choose: --reader NAME")
    if isinstance(source, str | Path) and _empty(Path(source).expanduser()):
        raise DataError(
            "There is nothing in it.", where=shown, do="check the path, and whether it was written to its end"
        )
    known = {name: text for room in rooms for name, text in discovery.describe(room).items()}
    raise DataError(
        f"No reader of {folder.name} recognizes these data.",
        where=shown,
        do="lay them out in one of these ways:" + "".join(f"\n         {name}: {text}" for name, text in known.items()),
    )


def _empty(path: Path) -> bool:
    """Whether it is a file without a byte, or a folder without a file."""
    if path.is_dir():
        return next(path.iterdir(), None) is None
    return path.is_file() and path.stat().st_size == 0


def recognizing_tasks(source: Any) -> list[str]:
    """The tasks that have a reader which recognizes `source`."""
    found = []
    for name in discovery.tasks():
        folder = discovery.task(name)
        rooms = folder.rooms("readers")
        if any(discovery.load(room, one).recognizes(source) for room in rooms for one in discovery.names(room)):
            found.append(name)
    return found
