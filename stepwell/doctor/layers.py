"""What passes between the layers of a network while it answers to the probe batch.

Activations are found by the torch calls that make them, so that a module and a function (`nn.ReLU`, `F.relu`,
`x.relu()`) are seen alike, and nothing is hooked onto anybody's modules.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from stepwell.doctor.tape import tensors

ELEMENTWISE = frozenset(
    {"relu", "relu6", "leaky_relu", "prelu", "elu", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "tanh"}
    | {"softplus", "softsign", "exp", "hardtanh", "hardswish", "hardsigmoid", "logsigmoid"}
)
RECURRENT = frozenset({"lstm", "gru", "rnn_tanh", "rnn_relu"})
NORMS = frozenset({"layer_norm", "batch_norm", "group_norm", "instance_norm", "rms_norm"})
LAST = frozenset({"softmax", "log_softmax", "sigmoid", "tanh", "relu", "exp", "softplus", "hardtanh"})
TABLES = frozenset({"embedding", "embedding_bag"})
LINEAR = frozenset({"linear", "conv1d", "conv2d", "conv3d"})
STRAIGHT = frozenset(
    {
        "dropout",
        "flatten",
        "reshape",
        "view",
        "permute",
        "transpose",
        "squeeze",
        "unsqueeze",
        "max_pool2d",
        "max_pool1d",
    }
    | {"avg_pool2d", "avg_pool1d", "adaptive_avg_pool2d", "batch_norm", "contiguous", "boolean_dispatch", "fn"}
)
RESHAPED = frozenset(
    {"reshape", "view", "flatten", "squeeze", "unsqueeze", "contiguous", "clone", "float", "to", "type", "transpose"}
    | {"permute", "__getitem__", "select", "narrow"}
)
DROPPING = frozenset({"dropout", "alpha_dropout"})  # single numbers
DROPPING_MAPS = frozenset({"dropout1d", "dropout2d", "dropout3d", "feature_alpha_dropout"})  # whole channels
POSITIONS = 64  # of a map of many positions as many are looked at


@dataclass(frozen=True)
class Layer:
    """One activation while the probe batch passes.

    `function` is the short name of the call, `owner` the name of the parameter's module that came last before it.
    `before` [samples, units] and `after` [samples, units] are float32; maps give their channels as units, with one
    row per (sample, position), of which at most `POSITIONS` per sample; `per_sample` [samples, units] is the mean of
    `after` over positions. `before` is None where the call is no elementwise activation.
    """

    name: str
    function: str
    owner: str
    before: Tensor | None
    after: Tensor
    per_sample: Tensor


class Reader(TorchFunctionMode):
    """Collects the layers of one forward pass, at most so many `positions` of each map and sequence; of 0 no layers.

    `dropped` holds the share and the units of each call that drops, `tables` the parameters that are looked up by row.
    """

    def __init__(self, model: nn.Module, positions: int = POSITIONS) -> None:
        super().__init__()
        self._positions = positions
        self._owners = {id(one): name.rpartition(".")[0] or name for name, one in model.named_parameters()}
        self._names = {id(one): name for name, one in model.named_parameters()}
        self._owner = "input"
        self.used: set[str] = set()
        self._made = WeakTensorKeyDictionary()  # what is known of a tensor goes with it, so that a pass takes no more
        self.layers: list[Layer] = []
        self.dropped: list[tuple[float, int]] = []
        self.tables: set[str] = set()
        self.recurrent: list[Tensor] = []
        self.normalized = False
        self._straight = WeakTensorKeyDictionary()
        self.in_a_row: list[tuple[str, str]] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Make the call; keep what goes in and comes out where it is an activation, a recurrent layer or a norm."""
        kwargs = kwargs or {}
        short = getattr(func, "__name__", "").rstrip("_")
        for one in tensors((args, dict(kwargs))):
            if id(one) in self._owners:
                self._owner = self._owners[id(one)]
                self.used.add(self._names[id(one)])
                if short in TABLES:
                    self.tables.add(self._names[id(one)])
        before = None
        if short in ELEMENTWISE and args and isinstance(args[0], Tensor):
            before = args[0].detach().clone() if _in_place(func, args, kwargs) else args[0].detach()
        if short in RECURRENT and args and isinstance(args[0], Tensor):
            self.recurrent.append(args[0])
        if (short in DROPPING or short in DROPPING_MAPS) and args and isinstance(args[0], Tensor) and args[0].ndim > 1:
            share = kwargs.get("p", args[1] if len(args) > 1 else 0.5)
            self.dropped.append((float(share), _dropped_units(args[0], whole=short in DROPPING_MAPS)))
        result = func(*args, **kwargs)
        given = args[0] if args and isinstance(args[0], Tensor) else None
        for one in tensors(result) if isinstance(result, Tensor | tuple) else []:
            self._made[one] = self._maker(given, short) if short in RESHAPED else short
            self._follow(short, args, one)
        if before is not None or short in RECURRENT or short in NORMS:
            self.normalized = self.normalized or short in NORMS
            out = tensors(result)[0].detach()
            if self._positions and out.is_floating_point() and out.ndim >= 2:
                self._keep(short, before, out)
        return result

    def _keep(self, short: str, before: Tensor | None, after: Tensor) -> None:
        number = sum(layer.owner == self._owner and layer.function == short for layer in self.layers)
        name = f"{self._owner}.{short}" + (f".{number + 1}" if number else "")
        rows = None if before is None or before.shape != after.shape else units(before, short, self._positions)
        out = units(after, short, self._positions)
        self.layers.append(Layer(name, short, self._owner, rows, out, per_sample(after, short)))

    def held(self) -> int:
        """Bytes that the layers hold."""
        kept = (one for layer in self.layers for one in (layer.before, layer.after, layer.per_sample))
        return sum(one.nbytes for one in kept if one is not None)

    def _follow(self, short: str, args: tuple[Any, ...], result: Tensor) -> None:
        """Notes a linear call whose input comes from another one with nothing in between that bends."""
        source = self._straight.get(args[0]) if args and isinstance(args[0], Tensor) else None
        if short in LINEAR:
            if source is not None and source != self._owner:
                self.in_a_row.append((source, self._owner))
            self._straight[result] = self._owner
        elif short in STRAIGHT and source is not None:
            self._straight[result] = source
        else:
            self._straight.pop(result, None)  # what bends in place gives the tensor that it was given

    def maker(self, output: Tensor) -> str:
        """The short name of the call that made a tensor, whatever its shape since; "" where none was seen."""
        return self._maker(output, "")

    def _maker(self, given: Tensor | None, otherwise: str) -> str:
        known: str | None = None if given is None else self._made.get(given)
        return otherwise if known is None else known


def units(values: Tensor, function: str, positions: int = POSITIONS) -> Tensor:
    """[rows, units] float32: channels of maps (dimension 1 of four or more), else the last dimension, are the units."""
    values = values.float()
    if values.ndim >= 4 and function not in ("layer_norm", "rms_norm"):
        values = values.flatten(2).transpose(1, 2)
    elif values.ndim > 2:
        values = values.flatten(1, -2)
    else:
        return values
    every = max(1, values.shape[1] // positions)
    return values[:, ::every].flatten(0, 1)


def per_sample(values: Tensor, function: str) -> Tensor:
    """[samples, units] float32: the mean over positions of maps and of sequences."""
    values = values.float()
    if values.ndim >= 4 and function not in ("layer_norm", "rms_norm"):
        return values.flatten(2).mean(-1)
    return values.flatten(1, -2).mean(1) if values.ndim > 2 else values


def _dropped_units(values: Tensor, *, whole: bool) -> int:
    """How many units of a sample dropout chooses among: channels, the numbers of a step of a sequence, or all."""
    if whole:
        return int(values.shape[1])
    return int(values.shape[-1]) if values.ndim <= 3 else math.prod(values.shape[1:])


def _in_place(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    named = getattr(function, "__name__", "").endswith("_")
    return named or bool(kwargs.get("inplace")) or any(one is True for one in args[1:])


@torch.no_grad()
def finite(values: Tensor) -> bool:
    """Whether every number is one."""
    return bool(torch.isfinite(values).all())
