"""YAML as settings need it, read with the line of every entry, and written so that it reads back.

The scalars are those of YAML 1.2, so that `no` is a word, `1e-3` a number, and a date a word. No key is given twice;
there are no anchors (which can swell); size and depth are bounded.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, cast

import yaml

from stepwell.errors import RecipeError

_LARGEST, _DEEPEST = 1_000_000, 20
_STR = "tag:yaml.org,2002:str"
_SCALARS: dict[str, tuple[str, str, Any]] = {
    "tag:yaml.org,2002:null": (r"~|null|Null|NULL|", "~nN", lambda text: None),  # noqa: ARG005
    "tag:yaml.org,2002:bool": (r"true|True|TRUE|false|False|FALSE", "tTfF", lambda text: text.lower() == "true"),
    "tag:yaml.org,2002:int": (r"[-+]?[0-9]{1,300}", "-+0123456789", int),
    "tag:yaml.org,2002:float": (
        r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
        "-+.0123456789",
        lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
    ),
    _STR: (r"(?!)", "", str),
}


class _Loader(yaml.SafeLoader):
    """Composes nodes only; what they mean is said by `_SCALARS`."""

    yaml_implicit_resolvers = {}  # noqa: RUF012
    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        mark = cast("Any", self).peek_event().start_mark
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "anchors and aliases are not read here", mark)
        self.depth += 1
        if self.depth > _DEEPEST:
            raise yaml.composer.ComposerError(None, None, "this is nested too deeply", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes every text that a reader of YAML 1.1 or of `_SCALARS` would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """Double quotes for what is not plainly printable: the other styles of PyYAML do not bring it back."""
        return self.represent_scalar(_STR, data, style=None if data.isprintable() else '"')


for _tag, (_pattern, _first, _) in _SCALARS.items():
    for _style in (_Loader, _Dumper):
        _style.add_implicit_resolver(
            _tag, re.compile(rf"(?:{_pattern})\Z"), [*_first, ""] if "null" in _tag else [*_first]
        )


_Dumper.add_representer(str, _Dumper.represent_str)


def read_yaml(text: str, where: str) -> tuple[dict[str, Any], dict[str, int]]:
    """A settings file as nested plain values, and the line of every dotted path in it.

    Raises `RecipeError`, with `where` and the line, where the text is no mapping in plain YAML.
    """
    if len(text) > _LARGEST:
        raise RecipeError(f"This is too long for settings: {len(text):,} characters.", where=where)
    lines: dict[str, int] = {}
    try:
        node = yaml.compose(text, Loader=_Loader)
        value = {} if node is None else _value(node, "", lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or str(error).partition("\n")[0]
        place = f"{where}, line {mark.line + 1}" if mark else where
        raise RecipeError(f"These settings cannot be read: {what}.", where=place) from error
    if not isinstance(value, dict):
        raise RecipeError("Settings are a mapping, `section: ...`, one section a line.", where=f"{where}, line 1")
    return value, lines


def parse_text(text: str) -> Any:
    """The number, truth value, null, list or mapping that `text` spells in YAML; otherwise the text itself."""
    try:
        node = yaml.compose(text, Loader=_Loader)
        value = text if node is None else _value(node, "", {})
    except yaml.YAMLError:
        return text
    return text if isinstance(value, str) else value


def plain(value: Any) -> Any:
    """Tuples as lists, mappings as dictionaries, at any depth: the value as JSON would have it."""
    if isinstance(value, Mapping):
        return {key: plain(one) for key, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, tuple | list) else value


def dump(value: Any) -> str:
    """A plain value as YAML on one line, such that `read_yaml` gives it back."""
    text = yaml.dump(
        plain(value), Dumper=_Dumper, default_flow_style=True, allow_unicode=True, width=math.inf, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _value(node: Any, path: str, lines: dict[str, int]) -> Any:
    """What a node says; `lines` is filled with the lines of all paths below."""
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(one, f"{path}.{index}", lines) for index, one in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        pattern, _, meaning = _SCALARS.get(node.tag, ("", "", str))
        if node.tag != _STR and not re.fullmatch(pattern, node.value):
            raise yaml.composer.ComposerError(
                None, None, f"{node.value!r} with the tag {node.tag!r} is not read here", node.start_mark
            )
        return meaning(node.value)
    values: dict[str, Any] = {}
    for key, one in node.value:
        name = key.value
        if not isinstance(name, str) or name in values:
            problem = f"the key {name!r} is given twice" if isinstance(name, str) else "a key is a word"
            raise yaml.composer.ComposerError(None, None, problem, key.start_mark)
        values[name] = _value(one, f"{path}.{name}" if path else name, lines)
        lines[f"{path}.{name}" if path else name] = key.start_mark.line + 1
    return values
