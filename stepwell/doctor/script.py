"""Watching a script that nobody changed: its models and optimizers are found as they are used.

`stepwell diagnose script.py words…` runs it as `python script.py words…` would, in this process. A doctor is attached
to each optimizer and to the outermost module that is called and holds its parameters.
"""

from __future__ import annotations

import contextlib
import functools
import io
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim import optimizer as stepping

from stepwell.doctor import calls
from stepwell.doctor.by_hand import Unseen
from stepwell.doctor.examination import Examination
from stepwell.doctor.guard import LOOKING
from stepwell.doctor.listening import heard, listening
from stepwell.doctor.watch import Doctor
from stepwell.errors import UsageError
from stepwell.schema import Finding

MOST = 4  # optimizers that are watched; a script of more trains something of its own kind


def examine(
    script: str | Path, words: Sequence[str] = (), *, told: Callable[[Finding], None] | None = None
) -> Examination:
    """Run a script under observation; `told` hears of each new harmful finding while it runs.

    What the script prints it prints. UsageError where there is no such file. The script's own errors, its exits and
    what it does to the process end the script, not the examination.
    """
    path = Path(script)
    if not path.is_file():
        do = "name a file that python can run, or the folder of a run"
        raise UsageError(f"There is no script and no run {str(script)!r}.", do=do)
    watcher = _Watcher(told)
    with watcher.attached():
        code, error = _run(path, words)
    return watcher.said(code, error)


def _run(path: Path, words: Sequence[str]) -> tuple[int, str]:
    """The exit code and the last line of the error that ended a script; as `python path words…` runs it."""
    arguments, places, main = sys.argv, list(sys.path), sys.modules.get("__main__")
    sys.argv, sys.path[0] = [str(path), *words], str(path.resolve().parent)
    try:
        runpy.run_path(str(path), run_name="__main__")
    except SystemExit as stop:
        return (stop.code, "") if isinstance(stop.code, int) else (int(stop.code is not None), str(stop.code or ""))
    except KeyboardInterrupt:
        return 130, "interrupted"
    except BaseException as error:  # noqa: BLE001 - whatever ends the script, what was found is told
        written = io.StringIO()
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if "runpy" not in frame.filename and frame.filename != __file__]
        written.writelines(["Traceback (most recent call last):\n", *traceback.format_list(own)])
        written.writelines(traceback.format_exception_only(error))
        sys.stderr.write(written.getvalue())
        return 1, traceback.format_exception_only(error)[-1].strip()
    finally:
        sys.argv, sys.path[:] = arguments, places
        if main is not None:
            sys.modules["__main__"] = main
    return 0, ""


class _Watcher:
    """Attaches a doctor to every optimizer at the first call of the module that holds its parameters.

    Where none holds them all, it is attached at the optimizer's first step, to the outermost module that holds most;
    and to a module that gets gradients though no optimizer of torch knows its parameters.
    """

    def __init__(self, told: Callable[[Finding], None] | None) -> None:
        self._told = told
        self._doctors: list[Doctor] = []
        self._optimizers: list[Optimizer] = []  # all that were made, kept so that their ids stay theirs
        self._attached: set[int] = set()
        self._called: dict[int, nn.Module] = {}
        self._depth = 0
        self._stepped: dict[int, Optimizer] = {}
        self._contexts, self._calls = contextlib.ExitStack(), contextlib.ExitStack()
        self._listening = False

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Hear of every outermost module, of every optimizer and of every `backward` inside the block."""
        hook = stepping.register_optimizer_step_pre_hook(self._stepping)
        try:
            with self._calls, _made(self._begun), heard(lambda _: None, self._differentiated), self._contexts:
                self._listen()
                yield
        finally:
            hook.remove()
            for doctor in self._doctors:
                doctor.end()

    def _begun(self, optimizer: Optimizer) -> None:
        """An optimizer was made: who holds its parameters?"""
        if not LOOKING.get() and not isinstance(optimizer, Unseen):
            self._optimizers.append(optimizer)
            self._listen()

    def _listen(self) -> None:
        """Hear every module's call, as long as there is something to attach to."""
        if not self._listening:
            self._listening, self._depth = True, 0
            self._calls.enter_context(calls.heard(nn.Module, self._heard))

    def _heard(self, module: nn.Module, call: calls.Call, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._depth or LOOKING.get():
            return call(*args, **kwargs)
        if self._entered(module):  # from now on its class is heard
            return module(*args, **kwargs)
        self._depth += 1
        try:
            return call(*args, **kwargs)
        finally:
            self._depth = 0

    def _entered(self, module: nn.Module) -> bool:
        """An outermost module is called: attach the optimizers of which it holds all parameters. Whether there were."""
        self._called[id(module)] = module
        if not torch.is_grad_enabled():
            return False
        own = {id(one) for one in module.parameters()}
        mine = [one for one in self._optimizers if id(one) not in self._attached and _moved(one) <= own]
        return sum(self._attach(module, one) for one in mine) > 0  # each of them

    def _stepping(self, optimizer: Optimizer, *_: Any) -> None:
        if id(optimizer) in self._attached or LOOKING.get():
            return
        mine = _moved(optimizer)
        holding = [
            (len(mine & (own := {id(one) for one in module.parameters()})), -len(own), module)
            for module in self._called.values()
        ]
        best = max(holding, key=lambda one: one[:2], default=(0, 0, None))
        self._stepped[id(optimizer)] = optimizer
        if best[0] and best[2] is not None:
            self._attach(best[2], optimizer)

    def _differentiated(self) -> None:
        """A module that has gradients, and of which no optimizer knows a parameter, is updated by hand."""
        if LOOKING.get() or not self._called:
            return
        known = {one for optimizer in self._optimizers for one in _moved(optimizer)}
        known |= {id(one) for doctor in self._doctors for one in doctor.model.parameters()}
        for module in sorted(self._called.values(), key=lambda one: -len(list(one.parameters()))):
            own = list(module.parameters())
            if any(one.grad is not None for one in own) and not any(id(one) in known for one in own):
                self._attach(module, None)
                return

    def _attach(self, module: nn.Module, optimizer: Optimizer | None) -> bool:
        """Watch a module and its optimizer, None where it is updated by hand. Whether it is watched."""
        if len(self._doctors) >= MOST:
            return False
        doctor = Doctor(module, optimizer, None, None, None, told=self._told)
        if optimizer is None:
            self._optimizers.append(doctor.optimizer)
        self._attached.add(id(doctor.optimizer))
        self._doctors.append(doctor)
        self._contexts.enter_context(listening(module, doctor.optimizer, doctor))
        if all(id(one) in self._attached for one in self._optimizers):
            self._calls.close()
            self._listening = False
        return True

    def said(self, code: int, error: str) -> Examination:
        """All that was found, causes first."""
        found: list[Finding] = []
        unread = [
            f"{type(one).__name__} moves {len(_moved(one))} parameters of no module that was called: not judged"
            for one in self._stepped.values()
            if id(one) not in self._attached
        ]
        trained = [doctor for doctor in self._doctors if doctor.updates and not doctor.copy_of_another]
        for doctor in trained:
            found += doctor.findings
            unread += [f"{type(doctor.model).__name__}: {why}" for why in doctor.record.unread]
        if not any(doctor.updates for doctor in self._doctors) and not unread:
            unread.append("no weights of a torch module were updated, so there was no training to judge")
        watched = tuple((type(one.model).__name__, one.updates, one.cost) for one in trained)
        return Examination(tuple(found), watched, tuple(unread), code, error)


def _moved(optimizer: Optimizer) -> set[int]:
    """The ids of the parameters that an optimizer moves."""
    return {id(one) for group in optimizer.param_groups for one in group["params"]}


@contextlib.contextmanager
def _made(told: Callable[[Optimizer], None]) -> Iterator[None]:
    """Tell of every optimizer that is made inside the block."""
    begin = Optimizer.__init__

    @functools.wraps(begin)
    def begun(self: Optimizer, *args: Any, **kwargs: Any) -> None:
        begin(self, *args, **kwargs)
        told(self)

    Optimizer.__init__ = begun  # type: ignore[method-assign]
    try:
        yield
    finally:
        Optimizer.__init__ = begin  # type: ignore[method-assign]
