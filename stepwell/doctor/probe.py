"""One look at the fixed probe batch: what passes between the layers, the loss, the gradients; disturbing nothing."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from stepwell import discovery
from stepwell.doctor.first import Example
from stepwell.doctor.guard import Guard
from stepwell.doctor.layers import POSITIONS, Layer, Reader, finite
from stepwell.doctor.tape import mapped

ROOM = "doctor.signals"
MOST_HELD = 2**27  # bytes of all layers' outputs together, about
FEWEST = 4  # positions of a sample that are looked at in any case


def look(model: nn.Module, examples: Sequence[Example], guard: Guard) -> dict[str, Any]:
    """The numbers of one probe, taken in evaluation mode.

    `layers` holds per layer what the signals of the shelf read; `loss` is the mean over the examples; `gradients` the
    norm of the gradient over that of the weights, by matrix; `signal` the share of the gradient that four parts of the
    probe agree on; `first_over_last` for recurrent networks the gradient at the first three steps of time over that at
    the last three. What says that memory is short is passed on, so that fewer examples can be tried.
    """
    examples[0].calm(model)
    read: dict[str, Any] = {}
    with torch.no_grad():
        reader, outputs = _read(model, examples)
        losses = [example.replay(one) for example, one in zip(examples, outputs, strict=True)]
        read["loss"] = float(torch.stack([one.float() for one in losses]).mean())
        read["layers"] = _layers(reader, len(examples), guard)
        read.update(_answers(outputs, examples))
        reader.layers.clear()  # gradients take their room
    with guard("gradients", short=True):
        if guard.allows("gradients"):
            read.update(_gradients(model, examples))
    with guard("time", short=True):
        if guard.allows("time") and reader.recurrent:
            read.update(_through_time(model, examples[0]))
    return read


def _read(model: nn.Module, examples: Sequence[Example]) -> tuple[Reader, list[list[Tensor]]]:
    """The layers and the answers of all examples; of networks of many layers at fewer positions, so that they fit."""
    reader = Reader(model)
    with reader:
        outputs = [examples[0].outputs(model)]
    if (held := reader.held() * len(examples)) > MOST_HELD:
        reader, outputs = Reader(model, max(FEWEST, POSITIONS * MOST_HELD // held)), []
    with reader:
        outputs += [example.outputs(model) for example in examples[len(outputs) :]]
    return reader, outputs


def _layers(reader: Reader, passes: int, guard: Guard) -> dict[str, dict[str, Any]]:
    """What every signal reads of every layer; the passes of several examples are put together."""
    count = len(reader.layers) // passes if passes else 0
    regular = count * passes == len(reader.layers)
    read: dict[str, dict[str, Any]] = {}
    for i in range(count if regular else len(reader.layers)):
        layer = _joined(reader.layers[i::count]) if regular else reader.layers[i]
        row: dict[str, Any] = {"function": layer.function, "owner": layer.owner}
        if not finite(layer.after):
            read[layer.name] = {**row, "not_finite": True}
            continue
        for name, signal in _signals():
            if guard.allows(name):
                with guard(name):
                    row.update(signal.of_layer(layer))
        read[layer.name] = row
    return read


@functools.cache
def _signals() -> tuple[tuple[str, ModuleType], ...]:
    return tuple((name, discovery.load(ROOM, name)) for name in discovery.names(ROOM))


def _joined(layers: Sequence[Layer]) -> Layer:
    first = layers[0]
    if len(layers) == 1 or any(one.after.shape[1:] != first.after.shape[1:] for one in layers):
        return first
    before = [one.before for one in layers if one.before is not None]
    return Layer(
        first.name,
        first.function,
        first.owner,
        torch.cat(before) if len(before) == len(layers) else None,
        torch.cat([one.after for one in layers]),
        torch.cat([one.per_sample for one in layers]),
    )


def _answers(outputs: Sequence[list[Tensor]], examples: Sequence[Example]) -> dict[str, Any]:
    """How the answers spread over samples and, where targets are classes, how often they are right, by class."""
    first = [one[0].float() for one in outputs]
    if any(one.shape[1:] != first[0].shape[1:] for one in first):
        return {}
    answers = torch.cat(first)
    read: dict[str, Any] = {"output_between": float(answers.var(0, correction=0).mean()) if answers.ndim else 0.0}
    read["output_largest"] = float(answers.abs().max())
    targets = [one.replay.targets for one in examples]
    known = [one for one in targets if one is not None]
    if len(known) == len(targets) and all(one.shape[1:] == known[0].shape[1:] for one in known):
        read.update(right(first, known))
    return read


def right(outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> dict[str, Any]:
    """Where the targets are classes: `accuracy`, `balanced_accuracy`, and `recall` by class; else nothing.

    Both are given batch by batch, [rows, classes] and [rows].
    """
    if not outputs or any(one.ndim != 2 or one.shape[1] != outputs[0].shape[1] for one in outputs):
        return {}
    if not targets or any(one.is_floating_point() or one.ndim != 1 for one in targets):
        return {}
    answers, truth = torch.cat(list(outputs)), torch.cat(list(targets))
    if len(answers) != len(truth):
        return {}
    border = 0.5 if bool(((answers >= 0) & (answers <= 1)).all()) else 0.0  # of probabilities, or of logits
    chosen = answers.argmax(-1) if answers.shape[1] > 1 else (answers[:, 0] > border).long()
    recall = {str(int(one)): float((chosen[truth == one] == one).float().mean()) for one in torch.unique(truth)}
    accuracy = float((chosen == truth).float().mean())
    return {"accuracy": accuracy, "balanced_accuracy": sum(recall.values()) / len(recall), "recall": recall}


def _gradients(model: nn.Module, examples: Sequence[Example]) -> dict[str, Any]:
    named = [(name, one) for name, one in model.named_parameters() if one.requires_grad]
    parameters = [one for _, one in named]
    sums, squares, count = list[Tensor](), 0.0, 0
    for example in examples[:4]:
        with torch.enable_grad():
            loss = example.loss(model)
        if not loss.requires_grad:
            return {}
        found = torch.autograd.grad(loss, parameters, allow_unused=True)
        grads = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, found, strict=True)]
        sums = [one + other for one, other in zip(sums, grads, strict=True)] if sums else grads
        squares, count = squares + sum(_size(one) ** 2 for one in grads), count + 1
    sizes = [_size(one) / count for one in sums]  # of the mean gradient
    relative = {}
    for (name, parameter), size in zip(named, sizes, strict=True):
        weight = _size(parameter.detach())
        if parameter.ndim >= 2 and weight > 1e-8:
            relative[name] = size / weight
    read: dict[str, Any] = {"gradients": relative}
    if count > 1:
        of_mean, mean_of_all = sum(size**2 for size in sizes), squares / count
        read["signal"] = (count * of_mean - mean_of_all) / ((count - 1) * max(mean_of_all, 1e-300))
    return read


def _size(one: Tensor) -> float:
    return float(torch.linalg.vector_norm(one))


def _through_time(model: nn.Module, example: Example) -> dict[str, Any]:
    reader = Reader(model, positions=0)
    with torch.enable_grad():
        with reader:
            args = mapped(example.args, lambda one: one.detach().requires_grad_() if one.is_floating_point() else one)
            loss = replace(example, args=args).loss(model)
        into = reader.recurrent[0]
        if not into.requires_grad or into.ndim != 3 or into.shape[1] < 8:
            return {}
        found: Sequence[Tensor | None] = torch.autograd.grad(loss, into, allow_unused=True)
    if found[0] is None:
        return {}
    sizes = found[0].norm(dim=-1)
    # Sequences that were filled up get no gradient beyond their end: the last steps are those before it.
    ends = (torch.arange(1, sizes.shape[1] + 1, device=sizes.device) * (sizes > 0)).amax(1)
    long = ends >= 8
    if not long.any():
        return {"first_over_last": math.nan}
    last = ends[long, None] - torch.arange(3, 0, -1, device=sizes.device)
    late = float(sizes[long].gather(1, last).mean())
    return {"first_over_last": float(sizes[long, :3].mean()) / late if late > 0 else math.nan}
