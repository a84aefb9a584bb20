"""What is there at the first update: the model before it has learnt, batches, and the way from outputs to the loss."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from stepwell.doctor import within
from stepwell.doctor.by_hand import Unseen
from stepwell.doctor.tape import Replay, floating, mapped, tensors
from stepwell.doctor.undisturbed import calmed


@dataclass(frozen=True)
class Example:
    """One batch as the model was given it, and the calls from its outputs to the loss.

    `evaluated` says whether those calls take what the model answers in evaluation mode; `within` that the model
    computes the loss itself: its outputs are then what its loss functions are given.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    replay: Replay
    evaluated: bool = True
    within: bool = False

    @property
    def inputs(self) -> list[Tensor]:
        """Every tensor that the model was given."""
        return tensors((self.args, self.kwargs))

    @property
    def rows(self) -> int:
        """The number of samples."""
        return int(self.replay.outputs[0].shape[0]) if self.replay.outputs[0].ndim else 1

    def outputs(self, model: nn.Module) -> list[Tensor]:
        """What a model answers: every tensor of floating-point numbers."""
        if self.within:
            return within.answers(model, self.args, self.kwargs)
        return floating(model(*self.args, **self.kwargs))

    def loss(self, model: nn.Module) -> Tensor:
        """The loss of a model on this batch."""
        return self.replay(self.outputs(model))

    def calm(self, model: nn.Module) -> None:
        """Put a model into the mode in which this example is looked at: without chance, in the form of training."""
        calmed(model, wholly=self.evaluated)

    def tried(self, model: nn.Module) -> Example:
        """The same, with `evaluated` as the form of the model's answers says; leaves the model in that mode."""
        model.eval()
        with torch.no_grad():
            shapes = [one.shape for one in self.outputs(model)]
        known = replace(self, evaluated=shapes == [one.shape for one in self.replay.outputs])
        known.calm(model)
        return known

    def shrunk(self, count: int) -> Example:
        """The same of the first `count` samples; the whole where the calls to the loss do not allow for that."""
        rows = self.rows

        def cut(one: Tensor) -> Tensor:
            return one[:count] if one.ndim and one.shape[0] == rows else one

        given = [one for one in self.inputs if one.ndim and one.shape[0] == rows]
        if rows <= count or not given:  # rows of another kind than the outputs': tokens, not sentences
            return self
        calls = tuple(
            replace(call, args=mapped(call.args, cut), kwargs=mapped(dict(call.kwargs), cut))
            for call in self.replay.calls
        )
        targets = None if self.replay.targets is None else cut(self.replay.targets)
        outputs = tuple(cut(one) for one in self.replay.outputs)
        small = replace(self.replay, calls=calls, outputs=outputs, targets=targets)
        try:
            with torch.no_grad():
                small(outputs)
        except (RuntimeError, ValueError, IndexError, TypeError):
            return self
        return replace(self, args=mapped(self.args, cut), kwargs=mapped(self.kwargs, cut), replay=small)


@dataclass(frozen=True)
class First:
    """The state at the first update.

    `examples` are the first batches (one or more) for the probe. `makers` are the short names of the calls that make
    the outputs of the first of them, "" where none was seen. `budget` is in seconds: what looking may cost in all.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    examples: Sequence[Example]
    makers: tuple[str, ...]
    budget: float

    @property
    def example(self) -> Example:
        """The first batch."""
        return self.examples[0]

    @property
    def last_call(self) -> str:
        """The call that makes the one output that the loss is made of, else the first."""
        place = next((i for i, one in enumerate(self.example.replay.outputs) if one is self.example.replay.answer), 0)
        return self.makers[place] if place < len(self.makers) else ""

    def copies(self) -> tuple[nn.Module, torch.optim.Optimizer]:
        """The model and its optimizer, copied together so that the one trains the other."""
        return copied(self.model, self.optimizer)

    def optimized(self) -> set[int]:
        """The ids of the parameters that the optimizer moves."""
        return {id(one) for group in self.optimizer.param_groups for one in group["params"]}


def copied(model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Both, without gradients, copied together; results that modules keep as attributes are copied as plain numbers."""
    grads = [(one, one.grad) for one in model.parameters()]
    kept = [one for module in model.modules() for one in tensors(list(vars(module).values())) if not one.is_leaf]
    for one, _ in grads:
        one.grad = None
    try:
        plain = {id(one): one.detach().clone() for one in kept}
        if isinstance(optimizer, Unseen):  # it holds nothing of its own, and a copied model may have new parameters
            again = copy.deepcopy(model, plain)
            return again, Unseen(again)
        pair: tuple[nn.Module, torch.optim.Optimizer] = copy.deepcopy((model, optimizer), plain)
        return pair
    finally:
        for one, grad in grads:
            one.grad = grad


def floats(values: Sequence[Tensor]) -> list[Tensor]:
    """Those tensors that hold floating-point numbers, detached, as float32."""
    return [one.detach().float() for one in values if one.is_floating_point()]


def rows_of(value: Tensor) -> Tensor:
    """[samples, columns]."""
    return value.reshape(value.shape[0], -1) if value.ndim else value.reshape(1, 1)
