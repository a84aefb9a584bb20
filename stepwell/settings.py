"""Typed settings: from words to values that fit their limits, and back to words.

`convert` takes what a user wrote to the type of one option; `describe_options` says the same types and
limits in words, for help and docs. The sections of a recipe that no task owns, `TrainingOptions`, `Budget`
and `AnswerOptions`, are here as well.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
import re
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
from msgspec import Meta

from stepwell.plain_yaml import parse_text, plain

Auto = Literal["auto"]
Duration = Annotated[float, Meta(gt=0, extra={"duration": True})]
"""Seconds; written as a number of seconds or as "90s", "10m", "1h30m", "1.5h", "2d"."""


@dataclass(frozen=True)
class TrainingOptions:
    """How the loop works: batches, gradients, precision, stopping, saving, machine."""

    batch_size: Annotated[
        Annotated[int, Meta(ge=1)] | Auto, Meta(description="Examples in one batch, of which one update is made.")
    ] = "auto"
    accumulate: Annotated[
        int, Meta(ge=1, description="Batches whose gradients are summed, by true counts, before an update.")
    ] = 1
    clip_norm: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="Gradients are scaled down to this norm over all.")
    ] = None
    clip_value: Annotated[
        Annotated[float, Meta(gt=0)] | None, Meta(description="Each gradient is cut to plus or minus this value.")
    ] = None
    ema: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(description="Decay, per cycle, of a moving average of the weights, which is then judged and exported."),
    ] = None
    l1: Annotated[float, Meta(ge=0, description="Weight of the sum of absolute weights in what is minimized.")] = 0.0
    precision: Annotated[
        Literal["auto", "fp32", "bf16", "fp16"], Meta(description="Number format of the forward and backward pass.")
    ] = "auto"
    channels_last: Annotated[bool | Auto, Meta(description="Images lie in memory channel by pixel.")] = "auto"
    compile: Annotated[bool, Meta(description="Compile the network with torch.compile before training.")] = False
    warmup: Annotated[
        float, Meta(ge=0, le=1, description="Share of all cycles over which the learning rate rises from zero.")
    ] = 0.0
    patience: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Stop after so many validations without a gain.")
    ] = None
    evaluate_every: Annotated[
        Annotated[int, Meta(ge=1)] | Auto, Meta(description="Cycles between two validations.")
    ] = "auto"
    checkpoint_every: Annotated[Duration, Meta(description="Time between two checkpoints.")] = 60.0
    workers: Annotated[
        Annotated[int, Meta(ge=0)] | Auto,
        Meta(description="Threads that decode examples; 0 decodes in the loop's own."),
    ] = "auto"
    threads: Annotated[Annotated[int, Meta(ge=1)] | Auto, Meta(description="Threads of the arithmetic on a CPU.")] = (
        "auto"
    )
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], Meta(description="Where the network is trained.")] = "auto"
    memory: Annotated[
        Literal["auto", "in_memory", "decoded"],
        Meta(description="Keep all prepared examples in memory, or decode them anew for each batch."),
    ] = "auto"
    doctor: Annotated[bool, Meta(description="Watch the training for what goes wrong, and say what does.")] = True
    stop_failing: Annotated[
        bool, Meta(description="End it where the doctor sees that its steps ruin it; --heal does so.")
    ] = False


@dataclass(frozen=True)
class Budget:
    """How long to train: by one of the three, or by whichever of those given is reached first."""

    time: Annotated[Duration | None, Meta(description="Wall time of the whole command.")] = None
    epochs: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Times that the training part is gone through.")
    ] = None
    steps: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="Cycles of training.")] = None


@dataclass(frozen=True)
class AnswerOptions:
    """What is fitted on the validation part after training, so that answers can be relied on."""

    calibrate: Annotated[
        bool, Meta(description="Scale class logits by a temperature, so that probabilities mean what they say.")
    ] = True
    threshold: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(description="Of two classes, answer the positive one from this probability on; none: the likelier one."),
    ] = None
    costs: Annotated[
        dict[str, Annotated[float, Meta(ge=0)]] | tuple[tuple[Annotated[float, Meta(ge=0)], ...], ...] | None,
        Meta(
            description="What errors cost: by class, that of missing it (else 1); or rows by truth, columns by answer."
        ),
    ] = None
    coverage: Annotated[
        Annotated[float, Meta(gt=0, lt=1)] | None,
        Meta(description="Give each answer a set of classes, or low to high, that holds the truth in this share."),
    ] = None

    def __post_init__(self) -> None:
        if self.threshold is not None and self.costs is not None:
            raise ValueError("a threshold and costs decide the same; give one of them")


def seconds(text: str) -> float:
    """The seconds in "90s", "10m", "1h30m", "1.5h" or "2d"; ValueError where `text` is no such duration."""
    number = r"(\d+(?:\.\d+)?)"
    match = re.fullmatch("".join(rf"(?:{number}\s*{unit}\s*)?" for unit in "dhms"), text.strip().lower())
    if match is None or not any(match.groups()):
        raise ValueError(f"{text!r} is no duration such as 90s, 10m or 1h30m")
    return sum(float(count or 0) * size for count, size in zip(match.groups(), (86400, 3600, 60, 1), strict=True))


class OptionHelp(NamedTuple):
    """One option in words: its name, what it takes, its default, one sentence."""

    field: str
    type: str
    default: Any
    description: str


def describe_options(source: object) -> list[OptionHelp]:
    """The options of a component module (its `Options`), or of an options class, in the order of the class."""
    options = source if isinstance(source, type) else getattr(source, "Options")  # noqa: B009  (a module has any name)
    hints = fields_of(options)
    return [
        OptionHelp(
            name,
            type_text(hint),
            plain(default_of(options, name)),
            next((meta.description for meta in _metas(hint) if meta.description), ""),
        )
        for name, hint in hints.items()
    ]


@functools.cache
def fields_of(options: type) -> Mapping[str, Any]:
    """Name -> annotation (limits included) of every field of an options dataclass, in order."""
    hints = typing.get_type_hints(options, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(options)}


def default_of(options: type, name: str) -> Any:
    """The default of a field; TypeError where it has none, for every option must have one."""
    field = next(one for one in dataclasses.fields(options) if one.name == name)
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    raise TypeError(f"{options.__module__}.{options.__qualname__}.{name} has no default")


def type_text(annotation: Any) -> str:
    """What an annotation allows, in words: "whole number >= 1 or auto"."""
    if typing.get_origin(annotation) is Annotated:
        inner, *notes = typing.get_args(annotation)
        metas = [note for note in notes if isinstance(note, Meta)]
        if any((meta.extra or {}).get("duration") for meta in metas):
            return "duration such as 90s, 10m or 1h30m"
        limits = " and ".join(limit for meta in metas for limit in _limits(meta))
        return f"{type_text(inner)} {limits}" if limits else type_text(inner)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Literal:
        return " or ".join(str(value) for value in arguments)
    if origin in (typing.Union, UnionType):
        return " or ".join(type_text(one) for one in arguments)
    if origin in (tuple, list):
        kinds = [type_text(one) for one in arguments if one is not Ellipsis]
        return f"list of {kinds[0]}" if len(set(kinds)) == 1 else f"list of {', '.join(kinds)}"
    if origin is dict:
        return f"mapping of {type_text(arguments[0])} to {type_text(arguments[1])}"
    words = {int: "whole number", float: "number", bool: "true or false", str: "text", NoneType: "none"}
    return words.get(annotation, getattr(annotation, "__name__", str(annotation)))


def convert(value: Any, annotation: Any, *, text: bool = False) -> Any:
    """The value as `annotation` has it, in plain form (see `plain`).

    `text` says that a string was typed as a flag and may mean a number, a list, none … In either case
    "none" may mean None and "10m" a duration, where the annotation has one. ValueError, with the type in
    words, where no reading of the value fits.
    """
    for reading in _readings(value, annotation, text=text):
        try:
            converted = plain(msgspec.to_builtins(_fitted(reading, annotation)))
        except (msgspec.ValidationError, OverflowError):
            continue
        if _finite(converted):
            return converted
    raise ValueError(type_text(annotation))


def typed(values: Mapping[str, Any], options: type) -> Any:
    """An instance of an options class from plain values; a field without a value keeps its default.

    Names that the class lacks are passed over. ValueError where a value, or what `__post_init__` says of all
    together, does not fit.
    """
    given = {name: hint for name, hint in fields_of(options).items() if name in values}
    try:
        return options(**{name: _fitted(values[name], hint) for name, hint in given.items()})
    except (msgspec.ValidationError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _fitted(value: Any, annotation: Any) -> Any:
    """What msgspec makes of a value, each member of a union tried by itself.

    As a whole, msgspec 0.22 crashes the interpreter on a union of a limited number and a tuple of fixed length.
    """
    *members, last = _members(annotation)
    for member in members:
        with contextlib.suppress(msgspec.ValidationError):
            return msgspec.convert(value, member)
    return msgspec.convert(value, last)


def _members(annotation: Any) -> list[Any]:
    """The members of a union; the annotation itself where it is none."""
    if typing.get_origin(annotation) is Annotated and len(inner := _members(typing.get_args(annotation)[0])) > 1:
        return inner
    if typing.get_origin(annotation) in (typing.Union, UnionType):
        return [member for one in typing.get_args(annotation) for member in _members(one)]
    return [annotation]


def _readings(value: Any, annotation: Any, *, text: bool) -> Iterator[Any]:
    """What a value may mean, the likeliest first."""
    if not isinstance(value, str):
        yield value
        yield from [[value]] if text else []
        return
    if value.lower() == "none":
        yield None
    if text:
        yield parse_text(value)
    yield value
    if any((meta.extra or {}).get("duration") for meta in _metas(annotation)):
        with contextlib.suppress(ValueError):
            yield seconds(value)
    if text:
        items = [item.strip() for item in value.split(",") if item.strip()]
        yield [parse_text(item) for item in items]
        yield items


def _metas(annotation: Any) -> Iterator[Meta]:
    """Every `Meta` of an annotation, the outermost first."""
    if typing.get_origin(annotation) is Annotated:
        inner, *notes = typing.get_args(annotation)
        yield from (note for note in notes if isinstance(note, Meta))
        yield from _metas(inner)
    elif typing.get_origin(annotation) in (typing.Union, UnionType):
        for one in typing.get_args(annotation):
            yield from _metas(one)


def _limits(meta: Meta) -> list[str]:
    bounds = {">=": meta.ge, ">": meta.gt, "<=": meta.le, "<": meta.lt}
    words = [f"{sign} {bound:g}" for sign, bound in bounds.items() if bound is not None]
    words += [f"divisible by {meta.multiple_of:g}"] if meta.multiple_of is not None else []
    words += [f"with at least {meta.min_length}"] if meta.min_length is not None else []
    return words + ([f"with at most {meta.max_length}"] if meta.max_length is not None else [])


def _finite(value: Any) -> bool:
    if isinstance(value, dict):
        return all(_finite(one) for one in value.values())
    if isinstance(value, list):
        return all(_finite(one) for one in value)
    return not isinstance(value, float) or math.isfinite(value)
