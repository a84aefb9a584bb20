"""Settings as they are typed: ``--section.option value``, the shortcuts, and the help on a task's own."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from stepwell import discovery
from stepwell.errors import MissingExtraError, UsageError, did_you_mean

if TYPE_CHECKING:
    from stepwell.recipe import Section
    from stepwell.settings import OptionHelp

FREE_FLAGS = """\
every setting is a flag too:
  --section.option VALUE   for instance --model.depth 20 --optimizer.learning_rate 0.1
  --section NAME           choose a component, for instance --model resnet --augmentation flip,crop
  `stepwell train TASK --help` lists them all"""

SHORTCUTS = {
    "time": "wall time of the whole command, for instance 90s, 10m, 1h30m",
    "epochs": "how often training goes through the training part",
    "steps": "how many cycles of training",
    "seed": "where all randomness starts",
    "device": "auto, cpu, cuda or mps",
    "batch_size": "examples in one batch",
    "target": "of a table, the column to be answered (found when not named)",
    "positive": "of two classes, the one that is looked for (the later by name when not given)",
}
"""Short words for settings (`recipe.SHORTCUTS`, and the seed), with their lines of help."""


def add_shortcuts(parser: argparse.ArgumentParser, names: Sequence[str] = tuple(SHORTCUTS)) -> None:
    """Give a verb these shortcuts; their values stay text, for the recipe knows their limits."""
    for name in names:
        parser.add_argument(f"--{name.replace('_', '-')}", metavar="VALUE", help=SHORTCUTS[name])


def shortcuts(arguments: argparse.Namespace) -> dict[str, str]:
    """The shortcuts that a training verb was given, with their values as typed."""
    typed = {name: getattr(arguments, name, None) for name in SHORTCUTS}
    return {name: value for name, value in typed.items() if isinstance(value, str)}


def with_dashes(words: Sequence[str], known: Sequence[str]) -> list[str]:
    """The words, with underscores in the names of `known` flags made dashes: both are right."""
    result = []
    for word in words:
        name, equals, value = word.partition("=")
        dashed = name.replace("_", "-")
        result.append(dashed + equals + value if dashed in known else word)
    return result


def split(words: Sequence[str], known: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The words without settings, and the settings: every ``--name value`` whose name is not a `known` flag.

    `UsageError` where a setting has no value. After ``--`` everything is left as it is.
    """
    kept: list[str] = []
    found: dict[str, str] = {}
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--":
            kept += [word, *rest]
        elif not word.startswith("--") or name in known:
            kept.append(word)
        elif equals:
            found[_setting(name)] = value
        else:
            following = next(rest, "--")
            if following.startswith("--"):
                import difflib

                near = difflib.get_close_matches(name, known, n=1)
                do = f"did you mean {near[0]}?" if near else f"for instance {name} true"
                raise UsageError(f"The flag {name} needs a value.", do=do)
            found[_setting(name)] = following
    return kept, found


def refuse_unknown(task: str, settings: Iterable[str], known: Sequence[str]) -> None:
    """`UsageError` where a setting without a dot is neither a section of the task nor a short word for a setting."""
    from stepwell import recipe

    sections = {section.name for section in recipe.sections(task)}
    for word in settings:
        if "." not in word and word not in sections | SHORTCUTS.keys():
            flag = f"--{word.replace('_', '-')}"
            flags = {*known, *(f"--{name}" for name in sections)}
            raise UsageError(f"There is no flag {flag}.", do=did_you_mean(flag, flags))


def _setting(flag: str) -> str:
    return flag.removeprefix("--").replace("-", "_")


def tasks_help() -> str:
    """The tasks, a line each, and how settings are typed."""
    return "\n".join(["tasks:", *_lines(discovery.describe("tasks")), "", FREE_FLAGS])


def task_help(name: str) -> str:
    """All settings of a task: its sections, their components, and the options of each with type, default and sense."""
    from stepwell import recipe

    folder = discovery.task(name)
    lines = [
        f"usage: stepwell train {folder.name} DATA [--recipe NAME] [--section.option VALUE …]",
        "",
        discovery.describe("tasks")[folder.name],
        "",
        f"recipes: {', '.join(folder.recipe_names())} (what they set: --recipe NAME --dry-run)",
        "`stepwell train --help` explains the other flags. Defaults are those of each component alone.",
    ]
    for section in recipe.sections(folder.name):
        lines += ["", *_section_help(folder.name, section)]
    return "\n".join(lines)


def _section_help(task: str, section: Section) -> Iterator[str]:
    name = section.name
    if section.kind == "value":
        yield f"{name}: --{name} VALUE"
    elif section.kind == "plain":
        yield f"{name}:"
        yield from _options_help(task, section, "")
    else:
        more = ",NAME…" if section.kind == "many" else ""
        yield f"{name}: --{name} NAME{more}" + (f" (default {section.default})" if section.default else "")
        listed = {one: line for room in reversed(section.rooms) for one, line in discovery.describe(room).items()}
        for component, line in sorted(listed.items()):
            yield f"  {component}: {line}"
            yield from _options_help(task, section, component)


def _options_help(task: str, section: Section, component: str) -> Iterator[str]:
    from stepwell import recipe, settings

    try:
        options = recipe.options_type(task, section.name, component)
    except MissingExtraError as error:
        yield f"      (its options can be listed after {error.do})"
        return
    within = f"--{section.name}." + (f"{component}." if section.kind == "many" else "")
    for one in settings.describe_options(options) if options is not None else ():
        yield from _option_help(within, one)


def _option_help(within: str, option: OptionHelp) -> Iterator[str]:
    default = "none" if option.default is None else option.default
    yield f"      {within}{option.field}: {option.type} (default {default})"
    if option.description:
        yield f"          {option.description}"


def _lines(described: dict[str, str]) -> list[str]:
    width = max((len(name) for name in described), default=0)
    return [f"  {name:<{width}}  {line}" for name, line in described.items()]
