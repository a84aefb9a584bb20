"""From a model's outputs to the loss: the torch calls that the user's code made, kept so that they can be made again.

With them the loss of other outputs for the same targets can be had, whatever the loss is written in: a module, a
function of the library, a few lines by hand. That is what the best constant prediction is found with, and what tells
which pairs of outputs and losses do not belong together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import _GLOBAL_DEVICE_CONTEXT, Tensor
from torch._C import _len_torch_function_stack
from torch.overrides import TorchFunctionMode, _pop_mode, _push_mode, resolve_name

CONVERSIONS = frozenset(
    {"one_hot", "float", "double", "long", "to", "type", "reshape", "view", "view_as", "flatten", "unsqueeze"}
    | {"squeeze", "detach"}
)
Guarded = Callable[[str], AbstractContextManager[Any]]
SEQUENCES, MAPPINGS = (list, tuple), (dict, Mapping)  # made once, and the frequent first: asked in every update
MOST_CALLS = 400  # a loss of more calls than this is taken for something else than a loss


def tensors(value: Any) -> list[Tensor]:
    """Every tensor in nested tuples, lists, mappings and dataclass-like outputs, in order."""
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, SEQUENCES):
        return [one for part in value for one in tensors(part)]
    if isinstance(value, MAPPINGS):
        return [one for part in value.values() for one in tensors(part)] if value else []
    if hasattr(value, "__dataclass_fields__"):
        return [one for name in value.__dataclass_fields__ for one in tensors(getattr(value, name))]
    return []


def floating(value: Any) -> list[Tensor]:
    """Those of `tensors` that hold floating-point numbers."""
    return [one for one in tensors(value) if one.is_floating_point()]


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
    shape), or None. `foreign` says that gradients also go elsewhere than through the outputs: to a second network, or
    to another call of the same. `outputs` are copies of the tensors that the model gave, `places` their slots.
    """

    calls: tuple[Call, ...]
    outputs: tuple[Tensor, ...]
    places: tuple[int, ...]
    loss: int
    targets: Tensor | None
    touches_parameters: bool
    foreign: bool
    autocast: tuple[str, torch.dtype] | None = None

    def __call__(self, outputs: Sequence[Tensor]) -> Tensor:
        """The loss, 0-d, had the model given `outputs`: one tensor per tensor of `self.outputs`, of the same shapes.

        What the parameters add to it (a penalty on weights) counts as zero: it is the loss of the answers alone.
        """
        loss: Tensor = self._made(outputs, self.calls)[self.loss]
        return loss

    def _made(self, outputs: Sequence[Tensor], calls: Sequence[Call]) -> dict[int, Any]:
        """What is in every slot after some calls."""
        slots: dict[int, Any] = {place: one.clone() for place, one in zip(self.places, outputs, strict=True)}
        with torch.autocast(*(self.autocast or ("cpu", torch.bfloat16)), enabled=self.autocast is not None):
            for call in calls:
                filled = _filled((call.args, dict(call.kwargs)), slots)
                got = tensors(call.function(*filled[0], **filled[1]))
                slots.update(zip(call.results, got, strict=False))
        return slots

    def given(self, name: str) -> Tensor | None:
        """What the first call of a short name was given first; None where there is none, or it got no tensor."""
        number = next((i for i, one in enumerate(self.names()) if one == name), None)
        if number is None:
            return None
        call = self.calls[number]
        filled = _filled((call.args, dict(call.kwargs)), self._made(self.outputs, self.calls[:number]))
        return next(iter(tensors(filled)), None)

    @property
    def used(self) -> tuple[int, ...]:
        """The outputs, by place, that the loss is made of."""
        slots = {slot for call in self.calls for slot in _slots((call.args, dict(call.kwargs)))}
        return tuple(number for number, place in enumerate(self.places) if place in slots)

    @property
    def within(self) -> bool:
        """Whether the model computed the loss itself: what the loss is made of is one number that the model gave."""
        return all(not self.outputs[one].ndim for one in self.used) and (bool(self.used) or self.loss in self.places)

    def followed_by(self, after: Replay) -> Replay:
        """These calls, and then those that another replay makes of this one's loss."""
        number = after.used[0] if after.used else after.places.index(after.loss)
        above = 1 + max([self.loss, *self.places, *(slot for call in self.calls for slot in call.results)])

        def moved(slot: int) -> int:
            return self.loss if slot == after.places[number] else slot + above

        calls = tuple(
            replace(
                call,
                args=_renumbered(call.args, moved),
                kwargs=_renumbered(dict(call.kwargs), moved),
                results=tuple(map(moved, call.results)),
            )
            for call in after.calls
        )
        return replace(
            self,
            calls=self.calls + calls,
            loss=moved(after.loss),
            touches_parameters=self.touches_parameters or after.touches_parameters,
            foreign=self.foreign or after.foreign or len(after.used) > 1,
        )

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
    """Records every torch call from `start` to `stop`; made of a model's outputs, ended with its loss.

    `parameters` are the ids of the model's parameters: what touches them is a penalty, no target. What goes wrong with
    noting a call is left to `guarded`, so that it never reaches the code that made the call.
    """

    def __init__(
        self, outputs: Sequence[Tensor], parameters: frozenset[int], guarded: Guarded = contextlib.nullcontext
    ) -> None:
        super().__init__()
        self._guarded, self._broken = guarded, False
        self.parameters = parameters
        self._calls: list[Call] = []
        self._slots: dict[int, int] = {}
        self._next = 0
        self._live: set[int] = set()  # what gradients come back from
        self._alive: list[Tensor] = []  # while these live, their ids are theirs alone
        self._beside: list[Tensor] = []
        self._sources: dict[int, Tensor] = {}
        self._penalties: set[int] = set()
        self._touches = self._foreign = False
        self.outputs: list[Tensor] = []
        self._copies: list[Tensor] = []
        self._places: list[int] = []
        self._autocast: tuple[str, torch.dtype] | None = None
        for one in outputs:
            self.admit(one)

    def admit(self, output: Tensor) -> None:
        """Take one more tensor for an output of the model; what is made of it is recorded from now on."""
        self._places.append(self._next)
        self._slots[id(output)] = self._next
        self._next += 1
        self._live.add(id(output))
        self.outputs.append(output)
        self._copies.append(output.detach().clone())
        kind = output.device.type
        self._autocast = (kind, torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else None

    def knows(self, one: Tensor) -> bool:
        """Whether it is an output, or made of one."""
        return id(one) in self._slots

    def start(self) -> None:
        """Record from now on, beneath the modes of others, so that whoever leaves a mode of his own leaves that one."""
        others = [_pop_mode() for _ in range(_len_torch_function_stack())]
        default = getattr(_GLOBAL_DEVICE_CONTEXT, "device_context", None)  # which insists on the lowest place
        if others and others[-1] is default:
            _push_mode(others.pop())
        _push_mode(self)
        for one in reversed(others):
            _push_mode(one)

    def stop(self) -> None:
        """Record no more; the modes of others stay as they are."""
        others = [_pop_mode() for _ in range(_len_torch_function_stack())]
        for one in reversed(others):
            if one is not self:
                _push_mode(one)

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Make the call, and keep it where it depends on the outputs and gives tensors.

        A copy has no way back to them, and its memo holds all that was copied before.
        """
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        if isinstance(result, Tensor | tuple | list) and not self._broken and func is not Tensor.__deepcopy__:
            self._broken = True  # unless it can be noted
            with self._guarded("calls to the loss"):
                self._note(func, args, kwargs, tensors(result))
                self._broken = len(self._calls) >= MOST_CALLS
        return result

    def _note(
        self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any], got: Sequence[Tensor]
    ) -> None:
        """Keep a call where it depends on the outputs and gives tensors."""
        if not got:
            return
        given = tensors((args, kwargs))
        self._touches = self._touches or any(id(one) in self.parameters for one in given)
        self._alive += [*got, *given]
        if not any(id(one) in self._slots for one in given):
            if any(id(one) in self.parameters or id(one) in self._penalties for one in given):
                self._penalties.update(id(one) for one in got)
            if getattr(func, "__name__", "") in CONVERSIONS and given and got[0] is not given[0]:
                self._sources.setdefault(id(got[0]), given[0])  # the first time it was made: no circles
            return
        self._beside += [one for one in given if id(one) not in self._slots]
        known = (self.parameters, self._slots, self._penalties)
        self._foreign = self._foreign or any(
            one.requires_grad and not any(id(one) in ids for ids in known) for one in given
        )
        kept = mapped((args, dict(kwargs)), self._kept)
        slots = tuple(range(self._next, self._next + len(got)))
        self._next += len(got)
        self._slots.update(zip(map(id, got), slots, strict=True))
        if any(id(one) in self._live for one in given):
            self._live.update(id(one) for one in got if one.requires_grad)
        shapes = tuple(tuple(one.shape) for one in given)
        self._calls.append(Call(_name(func), func, kept[0], kept[1], slots, shapes))

    def _kept(self, one: Tensor) -> Any:
        if id(one) in self._slots:
            return Slot(self._slots[id(one)])
        penalty = id(one) in self._penalties
        return torch.zeros_like(one) if penalty else one.detach().clone()

    def ended(self, loss: Tensor) -> Replay | None:
        """The calls up to `loss`; None where it does not come from the outputs, or no gradient goes back to them."""
        slot = self._slots.get(id(loss))
        if slot is None or id(loss) not in self._live or self._broken:
            return None
        return Replay(
            tuple(self._calls),
            tuple(self._copies),
            tuple(self._places),
            slot,
            self._targets(),
            self._touches,
            self._foreign,
            self._autocast,
        )

    def _targets(self) -> Tensor | None:
        """What met the outputs, or what was made of them, with as many rows; before it was converted.

        What gradients flow to is made by a network, and no target.
        """
        rows = self._copies[0].shape[:1]
        for one in self._beside:
            if not one.ndim or one.shape[:1] != rows or id(one) in self.parameters or one.requires_grad:
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


def _renumbered(value: Any, moved: Callable[[int], int]) -> Any:
    return _filled(value, {slot: Slot(moved(slot)) for slot in _slots(value)})


def _slots(value: Any) -> list[int]:
    if isinstance(value, Slot):
        return [value.number]
    if isinstance(value, dict):
        return [slot for part in value.values() for slot in _slots(part)]
    return [slot for part in value for slot in _slots(part)] if isinstance(value, list | tuple) else []


def _name(function: Callable[..., Any]) -> str:
    return str(resolve_name(function) or getattr(function, "__name__", function))
