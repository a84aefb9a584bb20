"""Any model and optimizer in the words of recipes: what of its settings can be read, and a change made to it in place.

So the remedies that are written for recipes answer findings in anyone's code. What no line of a recipe says (the loss,
the data, the loop) is not touched; there the remedy stays advice.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from stepwell.blocks.activation import Activation, activation
from stepwell.blocks.initialization import initialize, layers
from stepwell.doctor.changes import Change
from stepwell.doctor.undisturbed import bare

ACTIVATIONS: dict[type[nn.Module], Activation] = {
    type(activation(name)): name
    for name in ("relu", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "tanh", "sigmoid")
}
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm, nn.GroupNorm, nn.InstanceNorm2d)
OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
}


@dataclass
class Program:
    """A model and what trains it; `updates` is the number of updates planned, or None."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    updates: int | None = None


def settings(program: Program) -> dict[str, Any]:
    """What of a program can be changed, by dotted path, as it is now; paths that it has nothing for are left out."""
    model, group = bare(program.model), program.optimizer.param_groups[0]
    found: dict[str, Any] = {
        "optimizer.name": type(program.optimizer).__name__.lower(),
        "optimizer.learning_rate": float(group["lr"]),
        "training.clip_norm": None,
    }
    if "weight_decay" in group:
        found["optimizer.weight_decay"] = float(group["weight_decay"])
    if "betas" in group:
        found["optimizer.beta1"], found["optimizer.beta2"] = map(float, group["betas"])
        found["optimizer.epsilon"] = float(group["eps"])
    if program.updates:
        found["training.warmup"] = 0.0
    shares = [module.p for module in model.modules() if isinstance(module, DROPOUTS)]
    if shares:
        found["model.dropout"] = max(shares)
    hidden = [ACTIVATIONS[type(module)] for _, _, module in _hidden(model)]
    if hidden:
        found["model.activation"] = str(max(hidden, key=hidden.count))
    if any(True for _ in layers(model)):
        found["model.initialization"], found["model.initial_bias"] = None, None
    if not any(isinstance(module, NORMS) for module in model.modules()) and any(True for _ in _gaps(model)):
        found["model.normalization"] = "none"
    return found


def rework(program: Program, change: Change) -> Program:
    """Make the change in place; the program with the optimizer that is to be used from here on.

    ValueError where the change is of a setting that `settings` does not give.
    """
    for path in sorted(change.values, key=lambda path: path != "optimizer.name"):  # another optimizer, then its rate
        if path not in EDITS:
            raise ValueError(f"{path} is nothing that can be changed in a program")
        EDITS[path](program, change.values[path])
    return program


def as_code(change: Change) -> str:
    """The change in words of code, one setting after the other."""
    return "; ".join(CODE[path].format(_shown(value)) for path, value in change.values.items() if path in CODE)


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _another(program: Program, name: str) -> None:
    old = program.optimizer
    groups = [{"params": group["params"], "lr": group["lr"]} for group in old.param_groups]
    program.optimizer = OPTIMIZERS[name](groups, lr=float(old.param_groups[0]["lr"]))  # type: ignore[call-arg]


def _rate(program: Program, value: float) -> None:
    """The rate of the first group; others keep their ratio to it."""
    factor = value / float(program.optimizer.param_groups[0]["lr"])
    for group in program.optimizer.param_groups:
        for name in ("lr", "initial_lr"):
            if name in group:
                group[name] = group[name] * factor


def _group(name: str) -> Callable[[Program, float], None]:
    def edit(program: Program, value: float) -> None:
        for group in program.optimizer.param_groups:
            group[name] = value

    return edit


def _beta(place: int) -> Callable[[Program, float], None]:
    def edit(program: Program, value: float) -> None:
        for group in program.optimizer.param_groups:
            betas = list(group["betas"])
            betas[place] = value
            group["betas"] = tuple(betas)

    return edit


def _clip(program: Program, value: float) -> None:
    def clip(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        nn.utils.clip_grad_norm_([one for group in optimizer.param_groups for one in group["params"]], value)

    program.optimizer.register_step_pre_hook(clip)


def _warm_up(program: Program, share: float) -> None:
    """Over the first share of the updates the rates rise from near zero to what they are set to, whoever sets them."""
    rising, done, kept = max(1, round(share * (program.updates or 0))), 0, list[float]()

    def before(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        nonlocal done, kept
        done, kept = done + 1, [group["lr"] for group in optimizer.param_groups]
        for group in optimizer.param_groups:
            group["lr"] = group["lr"] * min(1.0, done / rising)

    def after(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group, rate in zip(optimizer.param_groups, kept, strict=True):
            group["lr"] = rate

    program.optimizer.register_step_pre_hook(before)
    program.optimizer.register_step_post_hook(after)


def _dropout(program: Program, share: float) -> None:
    for module in program.model.modules():
        if isinstance(module, DROPOUTS):
            module.p = share


def _activation(program: Program, name: Activation) -> None:
    for parent, child, _ in list(_hidden(bare(program.model))):
        setattr(parent, child, activation(name))


def _initialization(program: Program, method: Any) -> None:
    initialize(bare(program.model), method)


def _bias(program: Program, value: float) -> None:
    for layer in layers(bare(program.model)):
        if layer.bias is not None:
            nn.init.constant_(layer.bias, value)


def _normalization(program: Program, kind: str) -> None:
    """Between each layer and the activation right after it; what is new is trained at the first group's settings."""
    new: list[nn.Parameter] = []
    for sequence, name, layer in list(_gaps(bare(program.model))):
        norm = _norm(layer, kind).to(next(layer.parameters()))
        setattr(sequence, name, nn.Sequential(norm, sequence.get_submodule(name)))
        new += norm.parameters()
    program.optimizer.add_param_group({"params": new})


def _norm(layer: nn.Module, kind: str) -> nn.Module:
    if isinstance(layer, nn.Conv2d):
        return nn.BatchNorm2d(layer.out_channels) if kind == "batch" else nn.GroupNorm(1, layer.out_channels)
    assert isinstance(layer, nn.Linear)
    return nn.BatchNorm1d(layer.out_features) if kind == "batch" else nn.LayerNorm(layer.out_features)


def _hidden(model: nn.Module) -> Iterator[tuple[nn.Module, str, nn.Module]]:
    """Parent, name and module of every activation that a layer with weights is defined after: the last is an output."""
    found: list[tuple[nn.Module, str, nn.Module]] = []
    for path, module in model.named_modules():
        parent, _, name = path.rpartition(".")
        if path and type(module) in ACTIVATIONS:
            found.append((model.get_submodule(parent), name, module))
        elif isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d):
            yield from found
            found = []


def _gaps(model: nn.Module) -> Iterator[tuple[nn.Sequential, str, nn.Module]]:
    """Sequence, name of the activation, and the layer right before it, of every hidden activation in a sequence."""
    hidden = {id(module) for _, _, module in _hidden(model)}
    for sequence in model.modules():
        if isinstance(sequence, nn.Sequential):
            for (_, before), (name, module) in itertools.pairwise(sequence.named_children()):
                if id(module) in hidden and isinstance(before, nn.Linear | nn.Conv2d):
                    yield sequence, name, before


EDITS: dict[str, Callable[[Program, Any], None]] = {
    "optimizer.name": _another,
    "optimizer.learning_rate": _rate,
    "optimizer.weight_decay": _group("weight_decay"),
    "optimizer.epsilon": _group("eps"),
    "optimizer.beta1": _beta(0),
    "optimizer.beta2": _beta(1),
    "training.clip_norm": _clip,
    "training.warmup": _warm_up,
    "model.dropout": _dropout,
    "model.activation": _activation,
    "model.initialization": _initialization,
    "model.initial_bias": _bias,
    "model.normalization": _normalization,
}
"""How each setting is changed in a program."""

CODE = {
    "optimizer.name": "another optimizer, {}",
    "optimizer.learning_rate": "lr={}",
    "optimizer.weight_decay": "weight_decay={}",
    "optimizer.epsilon": "eps={}",
    "optimizer.beta1": "betas[0]={}",
    "optimizer.beta2": "betas[1]={}",
    "training.clip_norm": "torch.nn.utils.clip_grad_norm_(model.parameters(), {}) before each optimizer.step()",
    "training.warmup": "the learning rate rising over the first {} of the updates",
    "model.dropout": "dropout with p={}",
    "model.activation": "{} as the hidden activation",
    "model.initialization": "the weights of linear and convolution layers begun anew: {}",
    "model.initial_bias": "their biases begun at {}",
    "model.normalization": "a {} normalization before each hidden activation",
}
"""How each change is told to who writes the code."""
