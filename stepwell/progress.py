"""What a person sees while Stepwell works: one calm line on standard error, and the run's log.

A terminal gets one live region (rich), a notebook one cell that is updated, a pipe or file a plain
line now and then, and `quiet` nothing; every stage, validation and note also goes to the run's
``log.txt``. `step` may be called after every cycle: it looks at the clock and mostly returns.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from stepwell.files import Lines

Mode = Literal["auto", "quiet", "plain", "verbose"]
Loss = float | Callable[[], float] | None

_LIVE_PAUSE = 0.25
_PLAIN_PAUSE = 10.0
_BAR = 24
_SPEED_LEAST, _SPEED_SHARE = 10.0, 0.2  # seconds, and share of a stage so far, whose speed tells the time left
_SPEED_STEP = 1.0  # seconds between two times that are kept for it


@dataclass(frozen=True)
class Status:
    """What is shown: the stage, cycles done of a total (0 = none planned), the newest numbers, seconds left."""

    stage: str = ""
    cycle: int = 0
    total: int = 0
    loss: float | None = None
    values: str = ""
    seconds_left: float | None = None

    def line(self) -> str:
        """All of it on one line."""
        parts = [self.stage]
        if self.total:
            parts += [f"{self.cycle / self.total:4.0%}", f"cycle {self.cycle:,}/{self.total:,}"]
        if self.loss is not None:
            parts.append(f"loss {self.loss:.4g}")
        if self.values:
            parts.append(self.values)
        if self.seconds_left is not None:
            parts.append(f"{duration(self.seconds_left)} left")
        return "  ".join(parts)


class Display(Protocol):
    """One way of showing: `pause` seconds lie between two updates, `line` stays, `update` may be overwritten."""

    pause: float

    def update(self, status: Status) -> None:
        """Show where the work stands now."""

    def line(self, text: str) -> None:
        """Show one line that stays."""

    def close(self) -> None:
        """Leave the screen tidy."""


class Progress:
    """Tells a person and the log what happens; never fails the work that it tells of, and never paces it."""

    def __init__(self, display: Display, log: Path | None = None, *, verbose: bool = False) -> None:
        self._display = display
        self._verbose = verbose
        self._log = Lines(log) if log is not None else None
        self._status = Status()
        self._next = 0.0
        self._passed: deque[tuple[float, int]] = deque()  # when cycles were done, of the newest part of the stage
        self._began = 0.0

    def log_to(self, path: Path) -> None:
        """Write the log to `path` from here on: the run folder is made after the first words are said."""
        if self._log is not None:
            self._log.close()
        self._log = Lines(path)

    def stage(self, text: str) -> None:
        """A new stage begins; its bar starts anew. One that goes on in a second piece is not said again."""
        begins = Status(stage=printable(text))
        if begins == self._status:
            return
        self._status = begins
        self._passed.clear()
        self._note_in_log(text)
        self._show()

    def planned(self, lines: Sequence[str]) -> None:
        """What is going to happen, said before it starts."""
        for line in lines:
            self.note(line)

    def step(self, cycle: int, total: int, loss: Loss = None) -> None:
        """Cycle `cycle` of `total` is done. `loss` may be a function, called only when it is shown."""
        now = time.perf_counter()
        if now < self._next and cycle < total:
            return
        left = self._seconds_left(now, cycle, total)
        value = loss() if callable(loss) else loss
        old = self._status
        self._status = Status(old.stage, cycle, total, old.loss if value is None else value, old.values, left)
        self._show()

    def _seconds_left(self, now: float, cycle: int, total: int) -> float | None:
        """At the speed of the newest part of the stage: a first epoch may read what all later ones have at hand."""
        if not self._passed:
            self._began = now
        passed = self._passed
        if not passed or now - passed[-1][0] >= _SPEED_STEP:
            passed.append((now, cycle))
        while len(passed) > 1 and now - passed[1][0] >= max(_SPEED_LEAST, _SPEED_SHARE * (now - self._began)):
            passed.popleft()
        since, first = passed[0]
        return (now - since) / (cycle - first) * (total - cycle) if cycle > first else None

    def evaluation(self, values: Mapping[str, float], cycle: int | None = None) -> None:
        """What a validation measured, the headline first."""
        text = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
        old = self._status
        at = old.cycle if cycle is None else cycle
        self._status = Status(old.stage, at, old.total, old.loss, text, old.seconds_left)
        told = f"validation at cycle {at:,}: {text}" if at else f"validation: {text}"
        if self._verbose:
            self._tell(told)
        self._note_in_log(told)
        if time.perf_counter() >= self._next:
            self._show()

    def note(self, text: str) -> None:
        """Something worth a line that stays."""
        for line in text.splitlines():
            self._tell(printable(line))
        self._note_in_log(text)

    def done(self) -> None:
        """The work is over, well or not: the live region goes, the log is closed. May be called twice."""
        with contextlib.suppress(OSError):
            self._display.close()
        self._display = _Quiet()
        if self._log is not None:
            self._log.close()
            self._log = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.done()

    def _show(self) -> None:
        try:
            self._display.update(self._status)
        except OSError:
            self._display = _Quiet()  # the terminal is gone; the work and its log go on
        self._next = time.perf_counter() + self._display.pause

    def _tell(self, line: str) -> None:
        try:
            self._display.line(line)
        except OSError:
            self._display = _Quiet()

    def _note_in_log(self, text: str) -> None:
        if self._log is None:
            return
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        for line in text.splitlines():
            self._log.append(f"{now}  {printable(line)}")
        self._log.flush()


def open_progress(mode: Mode | str = "auto", log: Path | None = None) -> Progress:
    """The display that fits where we run. `verbose` is `auto` with every validation on a line that stays."""
    if mode not in ("auto", "quiet", "plain", "verbose"):
        raise ValueError(f"progress is one of auto, quiet, plain, verbose; got {mode!r}")
    if mode == "quiet" or sys.stderr is None:  # no stream at all: a process without a console
        return Progress(_Quiet(), log)
    display: Display
    if mode == "plain":
        display = _Plain()
    elif _in_notebook():
        display = _Notebook()
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        display = _Terminal()
    else:
        display = _Plain()
    return Progress(display, log, verbose=mode == "verbose")


def duration(seconds: float) -> str:
    """Seconds as a person says them: 8s, 1m20s, 2h05m."""
    if not math.isfinite(seconds):
        return "?"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def printable(text: str) -> str:
    """The text with control characters spelled out: a file name must not be able to steer a terminal."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


class _Quiet:
    pause = math.inf

    def update(self, status: Status) -> None:
        pass

    def line(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass


class _Plain:
    """Plain lines on standard error, one for each stage and then one in ten seconds."""

    pause = _PLAIN_PAUSE

    def update(self, status: Status) -> None:
        self.line(status.line())

    def line(self, text: str) -> None:
        _write(text + "\n")

    def close(self) -> None:
        pass


class _Terminal:
    """One live region at the foot of the terminal; it leaves nothing behind but the lines that stay."""

    pause = _LIVE_PAUSE

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live
        from rich.text import Text

        self._text = Text
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._live.start()

    def update(self, status: Status) -> None:
        filled = _filled(status)
        bar = ("", "") if filled is None else ("━" * filled, "━" * (_BAR - filled) + "  ")
        text = self._text.assemble((bar[0], "cyan"), (bar[1], "bright_black"), status.line(), overflow="ellipsis")
        text.no_wrap = True
        self._live.update(text, refresh=True)

    def line(self, text: str) -> None:
        self._console.print(self._text(text), soft_wrap=True)

    def close(self) -> None:
        self._live.update(self._text(""))
        self._live.stop()


class _Notebook:
    """One output of the cell, updated in place, and below the lines that stay."""

    pause = _LIVE_PAUSE
    _LINES = 200

    def __init__(self) -> None:
        from IPython.display import display

        self._lines: list[str] = []
        self._status = Status()
        self._handle: Any = display(self._bundle(), raw=True, display_id=True)

    def update(self, status: Status) -> None:
        self._status = status
        self._handle.update(self._bundle(), raw=True)

    def line(self, text: str) -> None:
        self._lines = [*self._lines, text][-self._LINES :]
        self._handle.update(self._bundle(), raw=True)

    def close(self) -> None:
        self._status = Status()
        self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        import html  # a notebook alone needs it

        status = self._status
        bar = f'<progress max="{status.total}" value="{status.cycle}"></progress> ' if status.total else ""
        now = [bar + html.escape(status.line())] if status.stage else []
        return {
            "text/plain": "\n".join([*self._lines, status.line()]),
            "text/html": "<br>".join([*(html.escape(line) for line in self._lines), *now]),
        }


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs us; asks IPython only where it is already imported."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    return shell is not None and hasattr(shell, "kernel")


def _filled(status: Status) -> int | None:
    return min(_BAR, _BAR * status.cycle // status.total) if status.total else None


def _write(text: str) -> None:
    # Backslashes for what the terminal's encoding lacks: a name must not stop a training.
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stderr.flush()
