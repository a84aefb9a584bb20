"""From a model's outputs to the loss: the torch calls that the user's code made, kept so that they can be made again.

With them the loss of other outputs for the same targets can be had, whatever the loss is written in: a module, a
function of the library, a few lines by hand. That is what the best constant prediction is found with, and what tells
which pairs of outputs and losses do not belong together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode, resolve_name

CONVERSIONS = frozenset(
    {"one_hot", "float", "double", "long", "to", "type", "reshape", "view", "view_as", "flatten", "unsqueeze"}
    | {"squeeze", "detach"}
)
MOST_CALLS = 400  # a loss of more calls than this is taken for something else than a loss


def tensors(value: Any) -> list[Tensor]:
    """Every tensor in nested tuples, lists, mappings and dataclass-like outputs, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, Mapping):
        return [one for part in value.values() for one in tensors(part)]
    if isinstance(value, list | tuple):
        return [one for part in value for one in tensors(part)]
    if hasattr(value, "__dataclass_fields__"):
        return [one for name in value.__dataclass_fields__ for one in tensors(getattr(value, name))]
    return []


def mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """The same nested structure with every tensor changed."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, dict):
        return {name: mapped(part, change) for name, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(part, change) for part in value))
    if isinstance(value, list | tuple):
        return type(value)(mapped(part, change) for part in value)
    return value


@dataclass(frozen=True)
class Slot:
    """Where a tensor that depends on the outputs is put when calls are made again."""

    number: int


@dataclass(frozen=True)
class Call:
    """One torch call: its name ("torch.nn.functional.mse_loss"), its arguments with slots, the slots of its results.

    `shapes` are those of its tensor arguments.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    results: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Replay:
    """The calls between the outputs and one loss.

    `targets` is the first tensor of as many rows that met the outputs, as it was before conversions (one-hot, a type, a
    shape), or None. `foreign` says that parameters of others take part (a second network). `outputs` are copies of the
    tensors that the model gave.
    """

    calls: tuple[Call, ...]
    outputs: tuple[Tensor, ...]
    loss: int
    targets: Tensor | None
    touches_parameters: bool
    foreign: bool
    autocast: tuple[str, torch.dtype] | None = None

    def __call__(self, outputs: Sequence[Tensor]) -> Tensor:
        """The loss, 0-d, had the model given `outputs`: one tensor per tensor of `self.outputs`, of the same shapes.

        What the parameters add to it (a penalty on weights) counts as zero: it is the loss of the answers alone.
        """
        slots: dict[int, Any] = {number: one.clone() for number, one in enumerate(outputs)}
        with torch.autocast(*(self.autocast or ("cpu", torch.bfloat16)), enabled=self.autocast is not None):
            for call in self.calls:
                filled = _filled((call.args, dict(call.kwargs)), slots)
                got = tensors(call.function(*filled[0], **filled[1]))
                slots.update(zip(call.results, got, strict=False))
        loss: Tensor = slots[self.loss]
        return loss

    @property
    def used(self) -> tuple[int, ...]:
        """The outputs, by place, that the loss is made of."""
        slots = {slot for call in self.calls for slot in _slots((call.args, dict(call.kwargs)))}
        return tuple(sorted(slot for slot in slots if slot < len(self.outputs)))

    def of(self, answer: Tensor) -> Tensor:
        """The loss had the model given `answer` for the one output that is used; ValueError where there are several."""
        (place,) = self.used
        return self([answer if number == place else one for number, one in enumerate(self.outputs)])

    @property
    def answer(self) -> Tensor:
        """The one output that is used, else the first."""
        return self.outputs[self.used[0] if len(self.used) == 1 else 0]

    def names(self) -> tuple[str, ...]:
        """The short names of the calls, in order: "cross_entropy", "log_softmax", …"""
        return tuple(call.name.rpartition(".")[2] for call in self.calls)


class Tape(TorchFunctionMode):
    """Records every torch call while it is the innermost mode; made of a model's outputs, ended with its loss.

    `parameters` are the ids of the model's parameters: what touches them is a penalty, no target.
    """

    def __init__(self, outputs: Sequence[Tensor], parameters: frozenset[int]) -> None:
        super().__init__()
        self.outputs, self.parameters = tuple(outputs), parameters
        self._calls: list[Call] = []
        self._slots: dict[int, int] = {id(one): number for number, one in enumerate(outputs)}
        self._next = len(self._slots)
        self._live = set(self._slots)  # what gradients come back from
        self._alive: list[Tensor] = list(outputs)  # while these live, their ids are theirs alone
        self._beside: list[Tensor] = []
        self._sources: dict[int, Tensor] = {}
        self._penalties: set[int] = set()
        self._touches = self._foreign = False
        self._copies = tuple(one.detach().clone() for one in outputs)
        kind = outputs[0].device.type
        self._autocast = (kind, torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else None

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Make the call, and keep it where it depends on the outputs and gives tensors."""
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        got = tensors(result) if isinstance(result, Tensor | tuple | list) else []
        if not got or len(self._calls) >= MOST_CALLS:
            return result
        given = tensors((args, kwargs))
        self._touches = self._touches or any(id(one) in self.parameters for one in given)
        self._alive += [*got, *given]
        if not any(id(one) in self._slots for one in given):
            if any(id(one) in self.parameters or id(one) in self._penalties for one in given):
                self._penalties.update(id(one) for one in got)
            if getattr(func, "__name__", "") in CONVERSIONS and given and got[0] is not given[0]:
                self._sources.setdefault(id(got[0]), given[0])  # the first time it was made: no circles
            return result
        self._beside += [one for one in given if id(one) not in self._slots]
        self._foreign = self._foreign or any(
            one.is_leaf and one.requires_grad and id(one) not in self.parameters and id(one) not in self._slots
            for one in given
        )
        kept = mapped((args, dict(kwargs)), self._kept)
        slots = tuple(range(self._next, self._next + len(got)))
        self._next += len(got)
        self._slots.update(zip(map(id, got), slots, strict=True))
        if any(id(one) in self._live for one in given):
            self._live.update(id(one) for one in got if one.requires_grad)
        shapes = tuple(tuple(one.shape) for one in given)
        self._calls.append(Call(_name(func), func, kept[0], kept[1], slots, shapes))
        return result

    def _kept(self, one: Tensor) -> Any:
        if id(one) in self._slots:
            return Slot(self._slots[id(one)])
        penalty = id(one) in self._penalties
        return torch.zeros_like(one) if penalty else one.detach().clone()

    def ended(self, loss: Tensor) -> Replay | None:
        """The calls up to `loss`; None where it does not come from the outputs, or no gradient goes back to them."""
        slot = self._slots.get(id(loss))
        if slot is None or id(loss) not in self._live or len(self._calls) >= MOST_CALLS:
            return None
        targets = self._targets()
        return Replay(tuple(self._calls), self._copies, slot, targets, self._touches, self._foreign, self._autocast)

    def _targets(self) -> Tensor | None:
        """What met the outputs, or what was made of them, with as many rows; before it was converted."""
        rows = self.outputs[0].shape[:1]
        for one in self._beside:
            if not one.ndim or one.shape[:1] != rows or id(one) in self.parameters:
                continue
            while id(one) in self._sources and self._sources[id(one)].shape[:1] == rows:
                one = self._sources[id(one)]
            return one.detach().clone()
        return None


def _filled(value: Any, slots: Mapping[int, Any]) -> Any:
    if isinstance(value, Slot):
        return slots[value.number]
    if isinstance(value, dict):
        return {name: _filled(part, slots) for name, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_filled(part, slots) for part in value))
    if isinstance(value, list | tuple):
        return type(value)(_filled(part, slots) for part in value)
    return value


def _slots(value: Any) -> list[int]:
    if isinstance(value, Slot):
        return [value.number]
    if isinstance(value, dict):
        return [slot for part in value.values() for slot in _slots(part)]
    return [slot for part in value for slot in _slots(part)] if isinstance(value, list | tuple) else []


def _name(function: Callable[..., Any]) -> str:
    return str(resolve_name(function) or getattr(function, "__name__", function))
