"""Where the doctor listens: at the model's call, at `backward`, and around the optimizer's step.

The optimizer's hooks are torch's; the call and `backward` are wrapped for the time of the watch, because nothing else
sees a loss that no module computes, and so that nothing lies on the model.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from stepwell.doctor import calls
from stepwell.doctor.by_hand import Hand, Unseen
from stepwell.doctor.guard import LOOKING
from stepwell.doctor.tape import Replay, Tape, floating, tensors
from stepwell.doctor.undisturbed import MODAL, bare

Given = tuple[tuple[Any, ...], dict[str, Any]]


class Listener(Protocol):
    """What is told of a training.

    While `quiet`, an update is only counted and its loss kept: neither what the model is given is told, nor that the
    optimizer is about to step.
    """

    quiet: bool

    def guarded(self, name: str) -> AbstractContextManager[None]:
        """Keeps in what a piece of listening raises, and counts its time as the doctor's own."""
        ...

    def wants_calls(self) -> bool:
        """Whether the calls from the answer to the loss are to be recorded."""
        ...

    def answered(self, asleep: Sequence[str]) -> None:
        """The model answered, to be learnt from; `asleep` names its norms and dropouts in evaluation mode."""
        ...

    def fed(self, inputs: Sequence[Tensor]) -> None:
        """The model was given these, to be learnt from."""
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
            (name or type(one).__name__, one) for name, one in bare(model).named_modules() if isinstance(one, MODAL)
        ]
        self.parameters = frozenset(id(one) for one in model.parameters())
        self.unscaled: dict[int, Tensor] = {}
        self.tape: Tape | None = None
        self.given: Given | None = None

    def stop(self) -> Tape | None:
        """End the tape that runs."""
        tape, self.tape = self.tape, None
        if tape is not None:
            tape.stop()
        return tape

    def called(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        """The model was called from outside."""
        if not torch.is_grad_enabled():
            self.listener.asked(tensors((args, kwargs)), [name for name, one in self.modal if one.training])
            return
        self.stop()
        self.given = (args, kwargs)
        self.listener.fed(tensors((args, kwargs)))
        self.listener.answered([name for name, one in self.modal if not one.training])
        if self.listener.wants_calls() and (found := floating(output)):
            self.tape = Tape(found, self.parameters, self.listener.guarded)
            self.tape.start()

    def notes(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Whether it is enough to note what the model is given, to be learnt from, which is then done."""
        if not self.listener.quiet or LOOKING.get() or not torch.is_grad_enabled():
            return False
        self.given = (args, kwargs)
        return True

    def differentiated(self, loss: Any) -> None:
        """`backward` was called on something."""
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            return
        tape = self.tape
        loss = self.unscaled.pop(id(loss), loss)
        self.unscaled.clear()
        replay = tape.ended(loss) if tape is not None else None
        given = self.given
        if tape is None or replay is not None:  # else it may be another network's loss, and this one's still to come
            self.stop()  # before the listener looks, whose own calls it would keep
            self.given = None
        self.listener.lost(loss, given, replay)


@contextlib.contextmanager
def listening(model: nn.Module, optimizer: torch.optim.Optimizer, listener: Listener) -> Iterator[None]:
    """Tell `listener` of all that happens to the model and its optimizer inside the block.

    Nothing that is raised on the way reaches the training, and what the listener itself does is not heard.
    """

    def told(name: str, what: Callable[..., Any], *given: Any) -> None:
        if not LOOKING.get():
            with listener.guarded(name):
                what(*given)

    def steps() -> None:
        ear.stop()
        listener.steps()

    def about_to_step(*_: object) -> None:
        if not listener.quiet:
            told("step", steps)

    ear = _Ear(model, listener)
    hand = Hand(model, optimizer, steps, listener.stepped) if isinstance(optimizer, Unseen) else None

    def called(module: nn.Module, call: calls.Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if module is not model:
            return call(*args, **kwargs)
        if hand is not None:
            told("update", hand.called)
        output = call(*args, **kwargs)
        if not ear.notes(args, kwargs):
            told("call", ear.called, args, kwargs, output)
        return output

    before = functools.partial(told, "backward", ear.differentiated)
    with contextlib.ExitStack() as stack:
        stack.enter_context(calls.heard(type(model), called))
        stack.enter_context(_wrapped_scale(ear.unscaled))
        if hand is None:
            stack.enter_context(heard(before, lambda: None))
            stack.enter_context(_stepping(optimizer, about_to_step, lambda *_: told("step", listener.stepped)))
        else:
            after = functools.partial(told, "gradients by hand", hand.differentiated)
            stack.enter_context(heard(before, after))
            stack.callback(told, "update", hand.called)
        stack.callback(ear.stop)
        yield


@contextlib.contextmanager
def _stepping(
    optimizer: torch.optim.Optimizer, before: Callable[..., None], after: Callable[..., None]
) -> Iterator[None]:
    """Call `before` and `after` each step of the optimizer inside the block."""
    hooks = (optimizer.register_step_pre_hook(before), optimizer.register_step_post_hook(after))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextlib.contextmanager
def heard(before: Callable[[Any], None], after: Callable[[], None]) -> Iterator[None]:
    """Call `before` with what `backward` is called on, and `after` when it is through, wherever that is."""
    method, function = Tensor.backward, torch.autograd.backward
    within = {"depth": 0}

    def wrapped(call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def backward(loss: Any, *args: Any, **kwargs: Any) -> Any:
            within["depth"] += 1
            try:
                if within["depth"] > 1:  # the method calls the function
                    return call(loss, *args, **kwargs)
                before(loss[0] if isinstance(loss, list | tuple) and len(loss) == 1 else loss)
                result = call(loss, *args, **kwargs)
                after()
                return result
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
