"""Watching a script that nobody changed: its models and optimizers are found as they are used.

`stepwell diagnose script.py words…` runs it as `python script.py words…` would, in this process. A doctor is attached
to each optimizer at its first step, and to the outermost module that was called and holds its parameters.
"""

from __future__ import annotations

import contextlib
import io
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import nn
from torch.nn.modules import module as hooking
from torch.optim import Optimizer
from torch.optim import optimizer as stepping

from stepwell.doctor.examination import Examination
from stepwell.doctor.listening import listening
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
    """Attaches a doctor to every optimizer at its first step."""

    def __init__(self, told: Callable[[Finding], None] | None) -> None:
        self._told = told
        self._doctors: dict[int, tuple[str, Doctor]] = {}
        self._optimizers: list[Optimizer] = []  # kept, so that their ids stay theirs
        self._called: dict[int, nn.Module] = {}
        self._depth = 0
        self._unread: list[str] = []
        self._contexts = contextlib.ExitStack()

    @contextlib.contextmanager
    def attached(self) -> Iterator[None]:
        """Hear of every outermost module and of every optimizer inside the block."""
        hooks: list[Any] = [
            hooking.register_module_forward_pre_hook(self._entered),
            hooking.register_module_forward_hook(self._left, always_call=True),
            stepping.register_optimizer_step_pre_hook(self._stepping),
        ]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
            for _, doctor in self._doctors.values():
                doctor.end()
            self._contexts.close()

    def _looking(self) -> bool:
        """Whether a doctor trains or probes copies of its own."""
        return any(doctor.busy for _, doctor in self._doctors.values())

    def _entered(self, module: nn.Module, _: Any) -> None:
        if self._depth == 0 and not self._looking():
            self._called[id(module)] = module
        self._depth += 1

    def _left(self, *_: Any) -> None:
        self._depth = max(0, self._depth - 1)

    def _stepping(self, optimizer: Optimizer, *_: Any) -> None:
        known = any(optimizer is one for one in self._optimizers)
        if known or len(self._doctors) >= MOST or self._looking():
            return
        self._optimizers.append(optimizer)
        mine = {id(one) for group in optimizer.param_groups for one in group["params"]}
        holding = [
            (len(mine & (own := {id(one) for one in module.parameters()})), -len(own), module)
            for module in self._called.values()
        ]
        best = max(holding, key=lambda one: one[:2], default=(0, 0, None))
        if not best[0] or best[2] is None:
            self._unread.append(
                f"{type(optimizer).__name__} moves {len(mine)} parameters of no module that was called: not judged"
            )
            return
        doctor = Doctor(best[2], optimizer, None, None, None, told=self._told)
        self._doctors[id(optimizer)] = (type(doctor.model).__name__, doctor)
        self._contexts.enter_context(listening(best[2], optimizer, doctor))
        doctor.steps()

    def said(self, code: int, error: str) -> Examination:
        """All that was found, causes first."""
        found: list[Finding] = []
        unread = list(self._unread)
        for name, doctor in self._doctors.values():
            found += doctor.findings
            unread += [f"{name}: {why}" for why in doctor.record.unread]
        if not self._doctors and not unread:
            unread.append("no optimizer of torch.optim stepped, so there was no training to judge")
        watched = tuple((name, doctor.record.length, doctor.cost) for name, doctor in self._doctors.values())
        return Examination(tuple(found), watched, tuple(unread), code, error)
