"""The sections of a recipe, and how layers of settings fill them.

Which sections a recipe has is said once, in `_OUTLINE`; which components can be chosen is found in the rooms
of the task and on the shelves; which options there are is found in the `Options` of what was chosen, and only
that is imported. A setting is one path with a value; a layer (a recipe, a file, the flags) is a list of them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, cast

import msgspec

from stepwell import discovery
from stepwell.discovery import Folder
from stepwell.errors import RecipeError, UsageError, did_you_mean
from stepwell.plain_yaml import dump, read_yaml
from stepwell.settings import (
    AnswerOptions,
    Budget,
    TrainingOptions,
    convert,
    default_of,
    fields_of,
    typed,
)

Kind = Literal["default", "recipe", "flag", "argument", "auto"]
Seed = Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1, description="From which all randomness of the run is drawn.")]
DEFAULT_SEED = 0
OWN = "own"
"""The name that stands, with the origin "argument", for a module of the caller: it has no options."""


@dataclass(frozen=True)
class Section:
    """A top-level key of a recipe.

    `kind` says what lies under it: a "value", "plain" options, "one" component with its options, or "many"
    components in order. Components come from `rooms`, the first that has one of the name. Of "one", `default`
    is chosen where no layer names any ("" = a layer must); `optional` sections may be missing altogether;
    with `overlays`, the name of an objective may hold options that differ for it.
    """

    name: str
    kind: Literal["value", "plain", "one", "many"]
    rooms: tuple[str, ...] = ()
    default: str = ""
    optional: bool = False
    overlays: bool = False


_OUTLINE = (
    Section("seed", "value"),
    Section("reader", "one", ("readers",), default="auto"),
    Section("split", "one", ("splits",)),
    Section("prepare", "plain"),
    Section("imbalance", "one", ("imbalance",), default="none"),
    Section("model", "one", ("models",)),
    Section("loss", "one", ("losses",), optional=True),
    Section("objective", "plain"),
    Section("optimizer", "one", ("optimizers",), overlays=True),
    Section("schedule", "one", ("schedules",), default="constant", overlays=True),
    Section("augmentation", "many", ("augmentations",)),
    Section("training", "plain"),
    Section("budget", "plain"),
    Section("answers", "plain"),
)
OUTLINE: Mapping[str, Section] = {section.name: section for section in _OUTLINE}
"""Every section that there is, by name and in order; the rooms are without the task's name."""

_SPINE: Mapping[str, type] = {"training": TrainingOptions, "budget": Budget, "answers": AnswerOptions}
_OF_TASK = {"prepare": "prepare", "objective": "objectives"}  # section -> the module of the task with its Options
_RELIED_ON = {"label", "value"}  # raw columns of truth that answers are compared with one by one


@dataclass(frozen=True)
class Origin:
    """Where a value came from: the kind of layer, and the recipe, file, flag or reason."""

    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.detail}".strip()


@dataclass(frozen=True)
class Setting:
    """A value at a path, and where it came from.

    `label` and `lines` name the file or flag in messages; `text` says that strings were typed and may mean
    numbers.
    """

    path: tuple[str, ...]
    value: Any
    origin: Origin
    label: str = ""
    lines: Mapping[str, int] = field(default_factory=dict)
    text: bool = False

    @property
    def dotted(self) -> str:
        """The path as one writes it."""
        return ".".join(self.path)

    @property
    def where(self) -> str:
        """The file and line, or the flag, in brackets; empty where there is neither."""
        above = (".".join(self.path[:depth]) for depth in range(len(self.path), 0, -1))
        line = next((self.lines[dotted] for dotted in above if dotted in self.lines), None)
        words = f"{self.label}, line {line}" if line else self.label
        return f" ({words})" if words else ""

    def below(self, name: str, value: Any) -> Setting:
        """The same layer's setting one step further down."""
        return dataclasses.replace(self, path=(*self.path, one_spelling(name)), value=value)


Layer = list[Setting]
Chosen = dict[tuple[str, ...], Setting]
"""What the layers so far agree on: one setting a path, a mapping or a shorthand never among them."""


def one_spelling(name: str) -> str:
    """Dashes and underscores are the same in names."""
    return name.replace("-", "_")


def sections(task: str) -> tuple[Section, ...]:
    """The sections that recipes of a task have, in order; nothing but the task's card is imported.

    An optional section is there where the task's default recipe names it, for only then has it an effect.
    """
    folder = discovery.task(task)
    return tuple(
        with_rooms(folder, section)
        for section in _OUTLINE
        if not (section.name in _OF_TASK and not folder.has(_OF_TASK[section.name]))
        and not (section.kind == "many" and not with_rooms(folder, section).rooms)
        and not (section.optional and not _named_by_default(folder, section))
        and not (section.name == "imbalance" and "label" not in folder.card.truth)
        and not (section.name == "answers" and not _RELIED_ON.intersection(folder.card.truth))
    )


def with_rooms(folder: Folder, section: Section) -> Section:
    """The section with the rooms that a task has for it; backbones are models where the task has heads for them."""
    rooms = tuple(room for kind in section.rooms for room in folder.rooms(kind))
    if section.name == "model" and folder.has("heads"):
        rooms = (*rooms, "backbones")
    return dataclasses.replace(section, rooms=rooms)


def options_type(task: str, section: str, component: str = "") -> type | None:
    """The options class of a plain section, or of a component; None where the task's module declares none.

    Imports the module that holds it. UsageError where there is no such component.
    """
    if section in _SPINE:
        return _SPINE[section]
    folder = discovery.task(task)
    if section in _OF_TASK:
        return cast("type | None", getattr(folder.module(_OF_TASK[section]), "Options", None))
    return cast("type", discovery.find(with_rooms(folder, OUTLINE[section]).rooms, component).Options)


def lay(chosen: Chosen, layer: Layer, folder: Folder, problems: list[str], *, one_budget: bool) -> None:
    """Lay a layer over what was chosen before.

    Another component in a section drops the options of the earlier one. With `one_budget`, a layer that
    limits time, epochs or steps drops the limits of earlier layers. What makes no sense goes to `problems`.
    """
    objectives = folder.card.objectives
    parts = [part for setting in layer for part in _parts(setting, objectives, problems)]
    limits = {part.path for part in parts if part.path[0] == "budget" and str(part.value).lower() != "none"}
    for path in [path for path in chosen if path[0] == "budget" and one_budget and limits]:
        del chosen[path]
    for part in sorted(parts, key=lambda part: not _selects(part.path)):
        _put(chosen, part)


def complete(folder: Folder, chosen: Chosen, problems: list[str]) -> tuple[dict[str, Any], dict[str, Origin]]:
    """Every value and its origin, by section, with the defaults of all that was not chosen.

    RecipeError that lists everything in `problems` and whatever does not fit.
    """
    known = {section.name: section for section in sections(folder.name)}
    strangers = [setting for setting in chosen.values() if setting.path[0] not in known]
    problems += [f"{one.dotted}: {folder.name} has no section {one.path[0]}{one.where}" for one in strangers]
    completion = _Completion(folder, {}, problems)
    values: dict[str, Any] = {}
    for name, section in known.items():
        given = {path[1:]: setting for path, setting in chosen.items() if path[0] == name}
        found = completion.section(section, given)
        if found is not None:
            values[name] = found
    if not any(values["budget"].values()) and not any(problem.startswith("budget.") for problem in problems):
        problems.append("budget: nothing says how long to train; give epochs, steps or time")
    if problems:
        do = f"stepwell train {folder.name} --help lists every setting"
        if len(problems) == 1:
            raise RecipeError(f"A setting does not fit: {problems[0]}", do=do)
        listed = "".join(f"\n  - {problem}" for problem in problems)
        raise RecipeError(f"{len(problems)} settings do not fit:{listed}", do=do)
    return values, completion.origins


def _named_by_default(folder: Folder, section: Section) -> bool:
    """Whether the task's default recipe has the section; a task without that recipe has them all."""
    if "default" not in folder.recipe_names():
        return True
    path = folder.recipe_path("default")
    return section.name in read_yaml(path.read_text(encoding="utf-8"), str(path))[0]


def _parts(setting: Setting, objectives: tuple[str, ...], problems: list[str]) -> Iterator[Setting]:
    """A setting taken apart, down to one value a path; what has no place in a recipe goes to `problems`."""
    head, depth, value = setting.path[0], len(setting.path), setting.value
    if head not in OUTLINE:
        problems.append(f"{setting.dotted}: there is no section {head}. {did_you_mean(head, OUTLINE)}{setting.where}")
        return
    section = OUTLINE[head]
    overlay = section.overlays and depth > 1 and setting.path[1] in objectives
    deepest = {"value": 1, "plain": 2, "one": 3 if overlay else 2, "many": 3}[section.kind]
    if depth == deepest:
        yield setting
    elif depth > deepest:
        problems.append(f"{setting.dotted}: there is no such setting{setting.where}")
    elif section.kind == "many" and depth == 1:
        names = _names(value)
        if names is None or len(set(names)) < len(names):
            problems.append(f"{setting.dotted}: got {shown(value)}, wanted names, each once, or none{setting.where}")
            return
        yield dataclasses.replace(setting, value=names)
    elif section.kind == "one" and depth == 1 and not isinstance(value, Mapping):
        yield setting.below("name", value)
    elif value is not None and not isinstance(value, Mapping):
        problems.append(f"{setting.dotted}: got {shown(value)}, wanted a mapping of settings{setting.where}")
    elif section.kind == "many":
        yield dataclasses.replace(setting, value=None)
    if depth < deepest and isinstance(value, Mapping):
        for name, one in value.items():
            yield from _parts(setting.below(str(name), one), objectives, problems)


def _names(value: Any) -> list[str] | None:
    """The component names that a shorthand lists, none for "none"; None where it is no such list."""
    if isinstance(value, str):
        value = [] if value.lower() == "none" else [name.strip() for name in value.split(",")]
    names = [] if value is None else list(value) if isinstance(value, Mapping | list | tuple) else [value]
    return [one_spelling(name) for name in names] if all(isinstance(name, str) for name in names) else None


def _selects(path: tuple[str, ...]) -> bool:
    """Whether a setting chooses components, rather than an option of one."""
    kind = OUTLINE[path[0]].kind
    return (kind == "one" and path[1:] == ("name",)) or (kind == "many" and len(path) == 1)


def _put(chosen: Chosen, part: Setting) -> None:
    """Put one setting over what was chosen; settings of components that are thereby no more chosen go."""
    section, head = OUTLINE[part.path[0]], part.path[:1]
    gone: set[tuple[str, ...]] = set()
    if section.kind == "one" and _selects(part.path):
        before = chosen.get(part.path)
        part = dataclasses.replace(part, value=one_spelling(part.value) if isinstance(part.value, str) else part.value)
        if before is None or before.value != part.value:
            gone = {path for path in chosen if path[:1] == head}
    elif section.kind == "many":
        names = chosen[head].value if head in chosen else []
        if len(part.path) == 1:
            gone = {path for path in chosen if path[:1] == head and len(path) > 1 and path[1] not in part.value}
        elif part.path[1] not in names:
            chosen[head] = dataclasses.replace(part, path=head, value=[*names, part.path[1]])
    for path in gone:
        del chosen[path]
    if not (section.kind == "many" and len(part.path) == 2):
        chosen[part.path] = part


@dataclass(frozen=True)
class _Completion:
    """Completes sections; notes the origin of every value, and every value that does not fit."""

    folder: Folder
    origins: dict[str, Origin]
    problems: list[str]

    def section(self, section: Section, given: Chosen) -> Any:
        """The complete value of a section, from what was `given` by path in it; None where the recipe has none."""
        if section.kind == "value":
            return self.value(section.name, Seed, given.get(()), DEFAULT_SEED)
        if section.kind == "plain":
            options = options_type(self.folder.name, section.name)
            found = self.options(section.name, options, given)
            return found if options is not None else None
        if section.kind == "one":
            return self.one(section, given)
        names = given.get((), Setting((section.name,), [], _DEFAULT))
        self.origins[section.name] = names.origin
        found = {}
        for name in names.value:
            below = {path[1:]: setting for path, setting in given.items() if path[:1] == (name,)}
            options = self.component(section, dataclasses.replace(names, value=name))
            found[name] = self.options(f"{section.name}.{name}", options, below) if options else {}
        return found

    def one(self, section: Section, given: Chosen) -> dict[str, Any] | None:
        """The component of a section with its options, and what differs for some objectives."""
        chosen = given.pop(("name",), Setting((section.name, "name"), section.default, _DEFAULT))
        if not chosen.value and section.optional and not given:
            return None
        self.origins[f"{section.name}.name"] = chosen.origin
        components = {name for room in section.rooms for name in discovery.names(room)}
        if chosen.value == "auto" and given and len(components) == 1:  # there is nothing to choose from
            chosen = dataclasses.replace(chosen, value=components.pop())
        if chosen.value == "auto":
            for setting in given.values():
                what = f"the {section.name} is found automatically; name it to set an option of it"
                self.problems.append(f"{setting.dotted}: {what}{setting.where}")
            return {"name": "auto"}
        if chosen.value == OWN and chosen.origin.kind == "argument" and not given:
            return {"name": OWN}
        options = self.component(section, chosen)
        if options is None:
            return None
        objectives = self.folder.card.objectives if section.overlays else ()
        own: Chosen = {path: setting for path, setting in given.items() if len(path) == 1}
        values = self.options(section.name, options, own, known=objectives)
        for objective in objectives:
            over: Chosen = {
                path[1:]: setting for path, setting in given.items() if path[0] == objective and len(path) == 2
            }
            if over:
                values[objective] = self.overlay(f"{section.name}.{objective}", options, over, values)
        return {"name": one_spelling(chosen.value), **values}

    def component(self, section: Section, chosen: Setting) -> type | None:
        """The options class of a component; None, and a problem, where there is no such component."""
        try:
            if not chosen.value or not isinstance(chosen.value, str):
                known = {name for room in section.rooms for name in discovery.names(room)}
                raise UsageError("nothing is chosen.", do=did_you_mean("", known))
            return cast("type", discovery.find(section.rooms, chosen.value).Options)
        except UsageError as error:
            self.problems.append(f"{chosen.dotted}: {error.what} {error.do}{chosen.where}")
            return None

    def options(self, prefix: str, options: type | None, given: Chosen, known: tuple[str, ...] = ()) -> dict[str, Any]:
        """A value for every field of an options class; `known` are further words allowed beside the fields."""
        annotations = fields_of(options) if options is not None else {}
        self.refuse_unknown(given, (*annotations, *known))
        before = len(self.problems)
        values = {
            name: self.value(
                f"{prefix}.{name}", annotation, given.get((name,)), default_of(cast("type", options), name)
            )
            for name, annotation in annotations.items()
        }
        if options is not None and len(self.problems) == before:
            self.check_together(prefix, options, values)
        return values

    def overlay(self, prefix: str, options: type, given: Chosen, base: Mapping[str, Any]) -> dict[str, Any]:
        """The options that differ for one objective, checked together with those that do not."""
        annotations = fields_of(options)
        self.refuse_unknown(given, tuple(annotations))
        before = len(self.problems)
        values = {
            path[0]: self.value(setting.dotted, annotations[path[0]], setting, None)
            for path, setting in given.items()
            if path[0] in annotations
        }
        if len(self.problems) == before and all(name in base for name in annotations):
            self.check_together(prefix, options, {**{name: base[name] for name in annotations}, **values})
        return values

    def refuse_unknown(self, given: Chosen, known: tuple[str, ...]) -> None:
        for path, setting in given.items():
            if path[0] not in known:
                hint = did_you_mean(path[0], known)
                self.problems.append(f"{setting.dotted}: there is no such setting. {hint}{setting.where}")

    def check_together(self, prefix: str, options: type, values: Mapping[str, Any]) -> None:
        """What the `__post_init__` of an options class says about values that fit one by one."""
        try:
            typed(values, options)
        except ValueError as error:
            self.problems.append(f"{prefix}: {error}")

    def value(self, dotted: str, annotation: Any, setting: Setting | None, default: Any) -> Any:
        """The value of a setting, or the default, as its annotation has it; None, and a problem, where it misfits."""
        self.origins[dotted] = setting.origin if setting else _DEFAULT
        value = setting.value if setting else default
        try:
            return convert(value, annotation, text=setting.text if setting else False)
        except ValueError as wanted:
            where = setting.where if setting else ""
            self.problems.append(f"{dotted}: got {shown(value)}, wanted {wanted}{where}")
            return None


_DEFAULT = Origin("default")


def shown(value: Any) -> str:
    """A value as messages show it, on one line and not too long."""
    text = repr(value) if isinstance(value, str) else dump(value)
    return text if len(text) <= 60 else text[:57] + "..."
