"""Settings of a run: drafted from layers, completed, frozen, written, read back and compared.

A recipe is complete: every option of every chosen component has a value, and every value an origin. Layers
lie over each other in this order: defaults of the components, a recipe (the task's `default` where none is
named), further recipes or files, flags. In a file, the mapping or list under a section of several components
states all of them, in order; a dotted setting (`augmentation.crop.padding`) changes or adds one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import msgspec

from stepwell import discovery
from stepwell.discovery import Folder
from stepwell.errors import RecipeError
from stepwell.plain_yaml import dump, plain, read_yaml
from stepwell.sections import (
    OUTLINE,
    OWN,
    Chosen,
    Kind,
    Layer,
    Origin,
    Section,
    Setting,
    complete,
    lay,
    one_spelling,
    options_type,
    sections,
    shown,
    with_rooms,
)
from stepwell.settings import (
    Budget,
    OptionHelp,
    TrainingOptions,
    convert,
    describe_options,
    fields_of,
    typed,
)

__all__ = [
    "ABSENT",
    "FORMAT",
    "SHORTCUTS",
    "Budget",
    "OptionHelp",
    "Origin",
    "Recipe",
    "Section",
    "TrainingOptions",
    "budget",
    "compare",
    "describe_options",
    "draft",
    "flat",
    "from_yaml",
    "options_type",
    "sections",
    "to_yaml",
    "unresolved",
    "with_own_model",
    "with_values",
]

FORMAT = 1
ABSENT = "(absent)"
SHORTCUTS: Mapping[str, str] = MappingProxyType(
    {
        "epochs": "budget.epochs",
        "steps": "budget.steps",
        "time": "budget.time",
        "device": "training.device",
        "batch_size": "training.batch_size",
        "target": "reader.target",
        "positive": "prepare.positive",
    }
)
"""Short words for settings that are often given."""


@dataclass(frozen=True, eq=False)
class Recipe:
    """The complete settings of a run; deeply frozen, equal where everything written is equal, order included.

    `values` is nested and plain (mappings, tuples, text, numbers, truth values, None), by section. `origins`
    has one entry for each single value, by dotted path ("model.depth"); for a section of many components the
    entry of the section itself says who chose them.
    """

    task: str
    values: Mapping[str, Any]
    origins: Mapping[str, Origin]

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", _frozen(self.values))
        object.__setattr__(self, "origins", MappingProxyType(dict(self.origins)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Recipe) and to_yaml(self) == to_yaml(other)

    def __hash__(self) -> int:
        return hash(to_yaml(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return Recipe, (self.task, plain(self.values), dict(self.origins))

    def name(self, section: str) -> str:
        """The component chosen in a section of one; RecipeError where the recipe has no such section."""
        if section not in self.values or OUTLINE[section].kind != "one":
            raise RecipeError(f"This recipe of {self.task} names no {section}.")
        return str(self.values[section]["name"])

    def room(self, section: str) -> str:
        """The room that the component of a section comes from, for instance "backbones"."""
        name = self.name(section)
        return next(room for room in self._rooms(section) if name in discovery.names(room))

    def module(self, section: str) -> ModuleType:
        """The module of the component chosen in a section of one."""
        return discovery.find(self._rooms(section), self.name(section))

    def options(self, section: str, objective: str | None = None) -> Any:
        """The `Options` of a section of one component or of plain options, with what differs for `objective`.

        RecipeError where the recipe has no such section, or its values do not fit the options of this version.
        """
        if section not in self.values or OUTLINE[section].kind not in ("one", "plain"):
            raise RecipeError(f"This recipe of {self.task} has no options under {section}.")
        component = self.name(section) if OUTLINE[section].kind == "one" else ""
        values = plain(self.values[section])
        overlay = values.get(objective, {}) if OUTLINE[section].overlays and objective else {}
        return _typed(options_type(self.task, section, component), {**values, **overlay}, section)

    def components(self, section: str) -> list[tuple[str, ModuleType, Any]]:
        """Name, module and `Options` of each component in a section of many, in order."""
        chosen = plain(self.values.get(section, {}))
        modules = [(name, discovery.find(self._rooms(section), name)) for name in chosen]
        return [(name, one, _typed(one.Options, chosen[name], f"{section}.{name}")) for name, one in modules]

    def _rooms(self, section: str) -> tuple[str, ...]:
        return with_rooms(discovery.task(self.task), OUTLINE[section]).rooms


def draft(
    task: str,
    recipes: Sequence[str | Path] = ("default",),
    settings: Mapping[str, Any] | None = None,
    kind: Kind = "flag",
) -> Recipe:
    """A complete recipe from layers: component defaults < `recipes` in order < `settings`.

    `recipes` are names of the task's recipes, or YAML files. A named recipe stands on component defaults
    alone; a file, where it comes first, on the recipe that its key `recipe` names, else on `default`; a file
    that a run wrote stands alone. `settings` maps dotted paths or `SHORTCUTS` to values, or to texts as typed.
    RecipeError lists everything that is wrong, at once.
    """
    folder = discovery.task(task)
    layers: list[Layer] = []
    for recipe in recipes or ("default",):
        layers += _read(folder, recipe, first=not layers)
    layers.append([_from_word(word, value, kind) for word, value in (settings or {}).items()])
    return _drafted(folder, layers, one_budget=True)


def with_values(recipe: Recipe, values: Mapping[str, tuple[Any, str]], kind: Kind = "auto") -> Recipe:
    """The recipe with some values changed, each given with its reason; RecipeError where one does not fit.

    A new component name brings the defaults of the new component with it.
    """
    old = [Setting(tuple(path.split(".")), value, recipe.origins[path]) for path, value in flat(recipe).items()]
    new = [Setting(tuple(path.split(".")), value, Origin(kind, why)) for path, (value, why) in values.items()]
    return _drafted(discovery.task(recipe.task), [old, new], one_budget=False)


def with_own_model(recipe: Recipe, written: str) -> Recipe:
    """The recipe of a run that trains a module of the caller, of which `written` says the class."""
    return with_values(recipe, {"model.name": (OWN, written)}, "argument")


def budget(settings: Mapping[str, Any]) -> Budget:
    """The budget that settings ask for ("epochs", "budget.time" …), whatever a recipe says.

    RecipeError where they ask for anything else, for nothing, or for what does not fit.
    """
    values: dict[str, Any] = {}
    for word, value in settings.items():
        section, _, name = SHORTCUTS.get(one_spelling(word), one_spelling(word)).partition(".")
        annotations = fields_of(Budget)
        if section != "budget" or name not in annotations:
            raise RecipeError(f"{word} is no budget.", do="give epochs, steps or time")
        try:
            values[name] = convert(value, annotations[name], text=True)
        except ValueError as wanted:
            raise RecipeError(f"budget.{name}: got {shown(value)}, wanted {wanted}") from wanted
    if not any(values.values()):
        raise RecipeError("Nothing says how long to train.", do="give epochs, steps or time")
    return Budget(**values)


def unresolved(recipe: Recipe) -> list[str]:
    """The paths whose value is still "auto"."""
    return [path for path, value in flat(recipe).items() if value == "auto"]


def flat(recipe: Recipe) -> dict[str, Any]:
    """Every single value by its dotted path; for a section of many components, the list of their names."""
    found: dict[str, Any] = {}
    for path in recipe.origins:
        value: Any = recipe.values
        for part in path.split("."):
            value = value[part]
        found[path] = list(value) if _is_many(path) else plain(value)
    return found


def compare(first: Recipe, second: Recipe) -> list[tuple[str, Any, Any]]:
    """Path and both values wherever two recipes differ; `ABSENT` stands for what one of them lacks."""
    one, other = {"task": first.task, **flat(first)}, {"task": second.task, **flat(second)}
    paths = [*one, *(path for path in other if path not in one)]
    pairs = [(path, one.get(path, ABSENT), other.get(path, ABSENT)) for path in paths]
    return [(path, left, right) for path, left, right in pairs if left != right]


def to_yaml(recipe: Recipe) -> str:
    """The recipe as a file: values with their origins as comments, and the origins once more for `from_yaml`."""
    lines = [f"format: {FORMAT}", f"task: {dump(recipe.task)}"]
    for section, value in recipe.values.items():
        lines += _written(recipe, section, value)
    lines.append("origins:")
    lines += [f"  {dump(path)}: {dump([one.kind, one.detail])}" for path, one in recipe.origins.items()]
    return "\n".join(lines) + "\n"


def from_yaml(text: str, where: str = "recipe.yaml") -> Recipe:
    """The recipe that `to_yaml` wrote. Components are not imported: `options` checks what it gives.

    RecipeError where the text is no complete recipe, or one of a newer format.
    """
    values, _ = read_yaml(text, where)
    formatted = "format" in values
    _check_format(values, where)
    written, task = values.pop("origins", None), values.pop("task", None)
    if not formatted or not isinstance(written, dict) or not isinstance(task, str) or set(values) - set(OUTLINE):
        raise RecipeError("This is no complete recipe as a run writes it.", where=where)
    try:
        origins = {path: Origin(*msgspec.convert(one, tuple[Kind, str])) for path, one in written.items()}
        recipe = Recipe(task, values, origins)
        flat(recipe)
    except (KeyError, TypeError, msgspec.ValidationError) as error:
        raise RecipeError(f"The origins in this recipe do not fit its values: {error}.", where=where) from error
    strays = [
        path for section, value in values.items() for path in _leaves(section, value) if not _covered(path, origins)
    ]
    if strays:
        raise RecipeError(f"This recipe does not say where these values came from: {', '.join(strays)}.", where=where)
    return recipe


def _drafted(folder: Folder, layers: Sequence[Layer], *, one_budget: bool) -> Recipe:
    chosen: Chosen = {}
    problems: list[str] = []
    for layer in layers:
        lay(chosen, layer, folder, problems, one_budget=one_budget)
    return Recipe(folder.name, *complete(folder, chosen, problems))


def _read(folder: Folder, recipe: str | Path, *, first: bool, above: tuple[str, ...] = ()) -> list[Layer]:
    """The layers of a recipe: those that it stands on, then its own; `above` are the recipes that led here."""
    is_file = isinstance(recipe, Path) or recipe.endswith((".yaml", ".yml")) or "/" in recipe
    label = str(recipe) if is_file else f"recipe {recipe}"
    if label in above:
        raise RecipeError(f"Recipes stand on each other in a ring: {' > '.join((*above, label))}.")
    path = Path(recipe) if is_file else folder.recipe_path(str(recipe))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        do = f"give a YAML file, or one of: {', '.join(folder.recipe_names())}"
        raise RecipeError(f"The recipe cannot be read: {error}.", where=label, do=do) from error
    values, lines = read_yaml(text, label)
    _check_format(values, label)
    whole = values.pop("origins", None) is not None
    base = values.pop("recipe", "default" if is_file and first and not whole else None)
    if one_spelling(str(values.pop("task", folder.name))) != folder.name:
        raise RecipeError(f"This recipe is for another task than {folder.name}.", where=label)
    if base is not None and not isinstance(base, str):
        raise RecipeError("`recipe:` names one recipe of the task.", where=f"{label}, line {lines['recipe']}")
    below = [] if base is None else _read(folder, base, first=first, above=(*above, label))
    lines = {one_spelling(dotted): line for dotted, line in lines.items()}
    origin = Origin("recipe", str(recipe))
    return [*below, [Setting((one_spelling(name),), value, origin, label, lines) for name, value in values.items()]]


def _check_format(values: dict[str, Any], where: str) -> None:
    """Take the format number out; RecipeError where it is one that this version does not know."""
    found = values.pop("format", FORMAT)
    if found != FORMAT:
        raise RecipeError(
            f"This recipe is of format {found}; this version of Stepwell reads format {FORMAT}.",
            where=where,
            do="use the version of Stepwell that wrote it, or a newer one",
        )


def _from_word(word: str, value: Any, kind: Kind) -> Setting:
    """A flag or an argument: its shortcut resolved, and text to be understood as YAML."""
    spelled = one_spelling(word)
    label = f"--{word}" if kind == "flag" else word
    return Setting(tuple(SHORTCUTS.get(spelled, spelled).split(".")), value, Origin(kind, label), label, text=True)


def _written(recipe: Recipe, path: str, value: Any) -> list[str]:
    """The lines of everything at and below a path."""
    depth = path.count(".")
    origin = recipe.origins.get(path)
    words = "" if origin is None or origin.kind == "default" else " ".join(str(origin).split())
    comment = f"  # {''.join(one if one.isprintable() else '?' for one in words)}" if words else ""
    start = f"{'  ' * depth}{dump(path.rpartition('.')[2])}:"
    if isinstance(value, Mapping) and value and (origin is None or _is_many(path)):
        below = [line for name, one in value.items() for line in _written(recipe, f"{path}.{name}", one)]
        return [start + comment, *below]
    return [f"{start} {dump(value)}{comment}"]


def _is_many(path: str) -> bool:
    return path in OUTLINE and OUTLINE[path].kind == "many"


def _typed(options: type | None, values: Mapping[str, Any], path: str) -> Any:
    """An instance of an options class; names of components and of objectives among the values are passed over."""
    if options is None:
        raise RecipeError(f"The section {path} has no options in this version of Stepwell.")
    try:
        return typed(values, options)
    except ValueError as error:
        raise RecipeError(f"The settings under {path} do not fit this version of Stepwell: {error}.") from error


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(one) for key, one in value.items()})
    return tuple(_frozen(one) for one in value) if isinstance(value, list | tuple) else value


def _leaves(path: str, value: Any) -> list[str]:
    """The paths of everything below that is no mapping."""
    if not isinstance(value, Mapping):
        return [path]
    return [leaf for name, one in value.items() for leaf in _leaves(f"{path}.{name}", one)]


def _covered(path: str, origins: Mapping[str, Origin]) -> bool:
    """Whether a path or one above it, other than a mere section, has an origin."""
    parts = path.split(".")
    return path in origins or any(".".join(parts[:depth]) in origins for depth in range(2, len(parts)))
