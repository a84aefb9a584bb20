"""Where the doctor listens: at the model's call, at `backward`, and around the optimizer's step.

Hooks of the model's own call and of the optimizer are torch's; `backward` is wrapped for the time of the watch, because
nothing else sees a loss that no module computes. All of them are plain functions, so that copying a model copies none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from stepwell.doctor.tape import Replay, Tape, tensors
from stepwell.doctor.undisturbed import MODAL

Given = tuple[tuple[Any, ...], dict[str, Any]]


class Listener(Protocol):
    """What is told of a training; `busy` while it looks for itself, when it hears nothing."""

    busy: bool

    def wants_calls(self) -> bool:
        """Whether the calls from the answer to the loss are to be recorded."""
        ...

    def answered(self, asleep: Sequence[str]) -> None:
        """The model answered, to be learnt from; `asleep` names its norms and dropouts in evaluation mode."""
        ...

    def asked(self, inputs: Sequence[Tensor], awake: Sequence[str]) -> None:
        """The model answered without gradients; `awake` names its norms and dropouts in training mode."""
        ...

    def lost(self, loss: Tensor, given: Given | None, replay: Replay | None) -> None:
        """A loss is about to be differentiated."""
        ...

    def steps(self) -> None:
        """The optimizer is about to step."""
        ...

    def stepped(self) -> None:
        """The optimizer has stepped."""
        ...


class _Ear:
    """Between two updates: what the model was given last, and the tape that runs until its loss is known."""

    def __init__(self, model: nn.Module, listener: Listener) -> None:
        self.listener = listener
        self.modal = [
            (name or type(one).__name__, one) for name, one in model.named_modules() if isinstance(one, MODAL)
        ]
        self.parameters = frozenset(id(one) for one in model.parameters())
        self.unscaled: dict[int, Tensor] = {}
        self.tape: Tape | None = None
        self.given: Given | None = None

    def stop(self) -> Tape | None:
        """End the tape that runs."""
        tape, self.tape = self.tape, None
        if tape is not None:
            tape.__exit__(None, None, None)  # type: ignore[no-untyped-call]
        return tape

    def called(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """The model was called from outside."""
        if not torch.is_grad_enabled():
            self.listener.asked(tensors((args, kwargs)), [name for name, one in self.modal if one.training])
            return
        found = [one for one in tensors(output) if one.is_floating_point()]
        self.stop()
        self.given = (args, kwargs)
        self.listener.answered([name for name, one in self.modal if not one.training])
        if found and self.listener.wants_calls():
            self.tape = Tape(found, self.parameters)
            self.tape.__enter__()  # type: ignore[no-untyped-call]

    def differentiated(self, loss: Any) -> None:
        """`backward` was called on something."""
        if self.listener.busy or not isinstance(loss, Tensor) or loss.numel() != 1:
            return
        tape = self.stop()
        loss = self.unscaled.pop(id(loss), loss)
        self.unscaled.clear()
        given, self.given = self.given, None
        self.listener.lost(loss, given, tape.ended(loss) if tape is not None else None)


@contextlib.contextmanager
def listening(model: nn.Module, optimizer: torch.optim.Optimizer, listener: Listener) -> Iterator[None]:
    """Tell `listener` of all that happens to the model and its optimizer inside the block."""
    ear = _Ear(model, listener)

    def called(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if not listener.busy:
            ear.called(args, kwargs, output)

    def before(*_: Any) -> None:
        if not listener.busy:
            ear.stop()
            listener.steps()

    def after(*_: Any) -> None:
        if not listener.busy:
            listener.stepped()

    hooks = [
        model.register_forward_hook(called, with_kwargs=True),
        optimizer.register_step_pre_hook(before),
        optimizer.register_step_post_hook(after),
    ]
    with _wrapped_backward(ear.differentiated), _wrapped_scale(ear.unscaled):
        try:
            yield
        finally:
            ear.stop()
            for hook in hooks:
                hook.remove()


@contextlib.contextmanager
def _wrapped_backward(told: Callable[[Any], None]) -> Iterator[None]:
    method, function = Tensor.backward, torch.autograd.backward
    within = {"depth": 0}

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        def backward(loss: Any, *args: Any, **kwargs: Any) -> Any:
            within["depth"] += 1
            try:
                if within["depth"] == 1:  # the method calls the function
                    told(loss[0] if isinstance(loss, list | tuple) and len(loss) == 1 else loss)
                return call(loss, *args, **kwargs)
            finally:
                within["depth"] -= 1

        return backward

    Tensor.backward = wrapped(method)  # type: ignore[method-assign]
    torch.autograd.backward = wrapped(function)
    try:
        yield
    finally:
        Tensor.backward = method  # type: ignore[method-assign]
        torch.autograd.backward = function


@contextlib.contextmanager
def _wrapped_scale(unscaled: dict[int, Tensor]) -> Iterator[None]:
    """Remember the losses that a gradient scaler multiplies, so that the loss is read as the user knows it."""
    scale = torch.amp.GradScaler.scale

    def remembered(self: Any, outputs: Any) -> Any:
        scaled = scale(self, outputs)
        if isinstance(outputs, Tensor) and isinstance(scaled, Tensor):
            unscaled[id(scaled)] = outputs
        return scaled

    torch.amp.GradScaler.scale = remembered  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.amp.GradScaler.scale = scale  # type: ignore[method-assign]
