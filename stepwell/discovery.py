"""Finds components: a component is one file in a room, and the file's name is the component's name.

A room is a shelf (``"transforms"``, the folder `stepwell/transforms/`), a room of a task's package
(``"image_classification.models"``, its folder `models/`), or ``"tasks"``. Packages of others use the same door: an
entry point of the group ``stepwell.<room>``, name = component, value = module. Listing imports no component.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import importlib.util
import pkgutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, cast

from stepwell.errors import MissingExtraError, UsageError, did_you_mean

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from stepwell.task import Task


def names(room: str) -> tuple[str, ...]:
    """The components of a room, sorted; UsageError where two of them share a name."""
    return tuple(sorted(_components(room)))


def describe(room: str) -> dict[str, str]:
    """Name -> first line of the docstring ("" without one), sorted by name, read without importing."""
    return {name: _headline(module) for name, module in sorted(_components(room).items())}


def load(room: str, name: str) -> ModuleType:
    """The module of a component; UsageError where the room has none of that name."""
    return find((room,), name)


def find(rooms: Sequence[str], name: str) -> ModuleType:
    """The module of the component in the first of `rooms` that has it; UsageError where none has."""
    plain = _plain(name)
    for room in rooms:
        if plain in (found := _components(room)):
            owner, _, rest = room.partition(".")
            return _imported(found[plain], task(owner).card.extra if rest and owner in tasks() else "train")
    known = {one for room in rooms for one in _components(room)}
    raise UsageError(f"There is no {name!r} in {' or '.join(rooms)}.", do=did_you_mean(plain, known))


def tasks() -> tuple[str, ...]:
    """The names of all tasks, sorted."""
    return names("tasks")


def task(name: str) -> Folder:
    """The folder of a task; UsageError, which names the nearest, where there is none of that name."""
    if (plain := _plain(name)) not in tasks():
        raise UsageError(f"There is no task {name!r}.", do=did_you_mean(plain, tasks()))
    return Folder(plain, _components("tasks")[plain])


@dataclass(frozen=True)
class Folder:
    """The folder of one task: the task's `name` and the `package` that holds it."""

    name: str
    package: str

    @property
    def card(self) -> Task:
        """The constant `TASK` of the package; AttributeError where the package has none."""
        return cast("Task", _imported(self.package, "train").TASK)

    def has(self, name: str) -> bool:
        """Whether the folder holds a module of that name."""
        return name in _modules(self.package)

    def module(self, name: str) -> ModuleType:
        """A module of the folder, for instance `prepare`; UsageError where there is none of that name."""
        if not self.has(name):
            raise UsageError(f"The task {self.name} has no {name}.py.", where=self.package)
        return _imported(f"{self.package}.{name}", self.card.extra)

    def rooms(self, name: str) -> tuple[str, ...]:
        """Where components of a kind come from: the task's own room, then the shelf; empty ones are left out."""
        return tuple(room for room in (f"{self.name}.{name}", name) if _components(room))

    def recipe_names(self) -> tuple[str, ...]:
        """The names of the task's recipes (`recipes/*.yaml`), sorted."""
        return tuple(sorted(path.stem for place in _places(self.package) for path in place.glob("recipes/*.yaml")))

    def recipe_path(self, name: str) -> Path:
        """The file of a named recipe; UsageError, which names the nearest, where there is none."""
        if name not in self.recipe_names():
            raise UsageError(f"{self.name} has no recipe {name!r}.", do=did_you_mean(name, self.recipe_names()))
        return next(path for place in _places(self.package) for path in place.glob(f"recipes/{name}.yaml"))


def _plain(name: str) -> str:
    return name.replace("-", "_")


def _components(room: str) -> dict[str, str]:
    """Name -> module of every component of a room: the files of its folder, and what others announce for it."""
    owner, _, rest = room.partition(".")
    folders = _components("tasks") if rest else {}
    package = f"{folders[owner]}.{rest}" if owner in folders else f"stepwell.{room}"
    found = {name: f"{package}.{name}" for name in _modules(package)}
    for entry in _announced(f"stepwell.{room}", tuple(sys.path)):
        if found.setdefault(name := _plain(entry.name), entry.value) != entry.value:
            raise UsageError(f"{room} has two components {name!r}: {found[name]}, {entry.value}.", do="rename one")
    return found


@functools.cache
def _announced(group: str, path: tuple[str, ...]) -> tuple[EntryPoint, ...]:
    """The entry points of a group that the packages along `path` announce."""
    if not (places := [place for place in path if _may_announce(place)]):
        return ()
    from importlib.metadata import distributions  # half as long an import as numpy's, which most commands can spare

    packages = distributions(path=places)
    return tuple(entry for package in packages for entry in package.entry_points if entry.group == group)


@functools.cache
def _may_announce(folder: str) -> bool:
    """Whether a package in `folder` announces anything for Stepwell; True where only a closer look can tell (a zip)."""
    try:
        files = [*Path(folder).glob("*-info/entry_points.txt"), *Path(folder).glob("EGG-INFO/entry_points.txt")]
        return Path(folder).is_file() or any(b"[stepwell." in file.read_bytes() for file in files)
    except OSError:
        return True


def _places(module: str) -> list[Path]:
    """Where a package lies, or a module without its suffix, found without importing it."""
    top, *rest = module.split(".")
    spec = importlib.util.find_spec(top)
    roots = (spec.submodule_search_locations or [str(spec.origin).removesuffix(".py")]) if spec else []
    return [Path(root, *rest) for root in roots]


def _modules(package: str) -> list[str]:
    """The modules of a package; what is no folder, as within an archive, is looked through each time."""
    found: list[str] = []
    for place in _places(package):
        with contextlib.suppress(FileNotFoundError):
            found += _listed(str(place), place.stat().st_mtime_ns)
            continue
        found += _listed.__wrapped__(str(place), 0)
    return found


@functools.cache
def _listed(place: str, changed: int) -> tuple[str, ...]:  # noqa: ARG001 - a folder that changed is listed anew
    """The modules in a folder: asked for at every look of the doctor, for every diagnosis."""
    return tuple(found.name for found in pkgutil.iter_modules([place]) if not found.name.startswith("_"))


def _headline(module: str) -> str:
    files = [file for place in _places(module) for file in (place.with_name(f"{place.name}.py"), place / "__init__.py")]
    source = next((file.read_bytes() for file in files if file.is_file()), b"")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _imported(module: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not module.startswith("stepwell."):
            raise UsageError(f"{module} cannot be imported: {error}.", do=f"pip install {error.name}") from error
        if str(error.name).startswith("stepwell"):
            raise
        raise MissingExtraError(str(error.name), extra, module) from error
