"""Progress is calm, cheap, harmless, and the log has it all."""

import contextlib
import io
import os
import pty
import sys
import threading
import time
import types

import pytest

from stepwell import progress


class _Screen:
    """A display that remembers."""

    def __init__(self, pause=0.0):
        self.pause, self.shown, self.lines, self.closed = pause, [], [], 0

    def update(self, status):
        self.shown.append(status)

    def line(self, text):
        self.lines.append(text)

    def close(self):
        self.closed += 1


def test_steps_are_gated_by_the_clock_and_a_loss_is_read_only_when_shown():
    screen, reads = _Screen(pause=60.0), []
    told = progress.Progress(screen)
    told.stage("training")
    for cycle in range(1, 1001):
        told.step(cycle, 1000, lambda: reads.append(1) or 0.5)
    assert len(reads) == 1
    assert [one.cycle for one in screen.shown] == [0, 1000]
    assert screen.shown[-1].loss == 0.5


def test_a_step_that_is_not_shown_costs_next_to_nothing():
    told = progress.Progress(_Screen(pause=60.0))
    told.stage("training")
    began = time.perf_counter()
    for cycle in range(10_000):
        told.step(cycle, 10_001, None)
    assert (time.perf_counter() - began) / 10_000 < 20e-6


def test_time_left_counts_from_where_a_resumed_run_began(monkeypatch):
    clock = iter([0.0, 1.0, 1.0, 11.0, 11.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    screen = _Screen()
    told = progress.Progress(screen)
    told.stage("training")  # reads the clock once
    told.step(500, 1000)  # at 1 s, the first cycle of this process
    told.step(600, 1000)  # at 11 s
    assert screen.shown[1].seconds_left is None
    assert screen.shown[2].seconds_left == pytest.approx(40.0)


def test_time_left_forgets_a_slow_beginning(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    screen = _Screen()
    told = progress.Progress(screen)
    told.stage("training")
    for cycle in range(1, 101):  # the first epoch of ten reads what all later ones have at hand
        told.step(cycle, 1000)
        now[0] += 1.0
    for cycle in range(101, 501):
        told.step(cycle, 1000)
        now[0] += 0.1
    assert screen.shown[-1].seconds_left == pytest.approx(0.1 * 500, rel=0.2)


def test_status_lines():
    full = progress.Status("training", 30, 120, 0.51234, "accuracy 0.91", 80.0)
    assert full.line() == "training   25%  cycle 30/120  loss 0.5123  accuracy 0.91  1m20s left"
    assert progress.Status("reading").line() == "reading"


def test_everything_that_is_said_is_in_the_log(tmp_path):
    log = tmp_path / "log.txt"
    screen = _Screen()
    with progress.Progress(screen) as told:
        told.note("before the folder was there")
        told.log_to(log)
        told.stage("training")
        told.planned(["two epochs", "about 10 s"])
        told.evaluation({"accuracy": 0.91, "loss": 0.3}, 30)
        told.note("first\nsecond")
    lines = [line.split("  ", 1)[1] for line in log.read_text().splitlines()]
    assert lines == [
        "training",
        "two epochs",
        "about 10 s",
        "validation at cycle 30: accuracy 0.91  loss 0.3",
        "first",
        "second",
    ]
    assert screen.lines == ["before the folder was there", "two epochs", "about 10 s", "first", "second"]
    assert screen.closed == 1
    told.done()


def test_verbose_keeps_validations_on_the_screen():
    screen = _Screen()
    progress.Progress(screen, verbose=True).evaluation({"accuracy": 0.5})
    assert screen.lines == ["validation: accuracy 0.5"]


def test_names_cannot_steer_the_terminal(tmp_path):
    screen = _Screen()
    told = progress.Progress(screen, tmp_path / "log.txt")
    told.note("class \x1b[2J\x07 and \r over")
    told.stage("\x1b]0;title\x07")
    told.done()
    shown = screen.lines + [one.line() for one in screen.shown] + [(tmp_path / "log.txt").read_text()]
    assert not any(character in text for text in shown for character in "\x1b\x07\r")
    assert progress.printable("naïve 日本 🙂") == "naïve 日本 🙂"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.6, "1m00s"), (80, "1m20s"), (3599.7, "1h00m"), (7500, "2h05m"), (float("inf"), "?"), (-3, "0s")],
)
def test_durations(seconds, text):
    assert progress.duration(seconds) == text


def test_a_pipe_gets_plain_lines_and_quiet_gets_none(monkeypatch, tmp_path):
    for mode, expected in [("auto", "reading\nnote\n"), ("plain", "reading\nnote\n"), ("quiet", "")]:
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stderr", stream)
        with progress.open_progress(mode, tmp_path / "log.txt") as told:
            told.stage("reading")
            told.note("note")
        assert stream.getvalue() == expected
    assert (tmp_path / "log.txt").read_text().count("note") == 3
    with pytest.raises(ValueError, match="loud"):
        progress.open_progress("loud")


class _Gone(io.StringIO):
    def write(self, _):
        raise BrokenPipeError


@pytest.mark.parametrize("stream", [_Gone(), None])
def test_a_terminal_that_is_gone_does_not_stop_the_work(monkeypatch, tmp_path, stream):
    monkeypatch.setattr(sys, "stderr", stream)
    with progress.open_progress("auto", tmp_path / "log.txt") as told:
        told.stage("training")
        told.step(1, 1, 0.5)
        told.note("still here")
    assert "still here" in (tmp_path / "log.txt").read_text()


def test_plain_lines_survive_a_poor_encoding(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    with progress.open_progress("plain") as told:
        told.note("naïve 🙂")
    assert raw.getvalue() == b"na\\xefve \\U0001f642\n"


@contextlib.contextmanager
def _terminal(monkeypatch):
    """Standard error as a real terminal; gives a list that holds what arrived there once the block is left."""
    master, slave = pty.openpty()
    arrived = []

    def collect():
        with contextlib.suppress(OSError):  # a terminal that is closed reads as an error
            while data := os.read(master, 4096):
                arrived.append(data.decode())

    reader = threading.Thread(target=collect)
    reader.start()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with monkeypatch.context() as patch, os.fdopen(slave, "w") as stream:
        patch.setattr(sys, "stderr", stream)
        yield arrived
    reader.join(5)
    os.close(master)


def test_a_terminal_gets_one_live_region_and_the_lines_that_stay(monkeypatch):
    with _terminal(monkeypatch) as arrived, progress.open_progress("auto") as told:
        told.stage("training")
        told.step(1, 3, 0.5)
        told.note("[red]not markup[/red]")
        told.step(3, 3, 0.25)
    text = "".join(arrived)
    assert "[red]not markup[/red]" in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l"), "the cursor is not given back"
    erased_after = text[text.rindex("cycle 3/3  loss 0.25") :]
    assert "\x1b[2K" in erased_after, "the live region is left behind"


class _Handle:
    def __init__(self, bundle):
        self.bundles = [bundle]

    def update(self, bundle, raw):
        assert raw
        self.bundles.append(bundle)


def test_a_notebook_gets_one_output_that_is_updated(monkeypatch):
    handles = []

    def display(bundle, raw, display_id):
        assert raw
        assert display_id
        handles.append(_Handle(bundle))
        return handles[-1]

    fake = types.ModuleType("IPython")
    fake.get_ipython = lambda: types.SimpleNamespace(kernel=object())
    inner = types.ModuleType("IPython.display")
    inner.display = display
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setitem(sys.modules, "IPython.display", inner)
    with progress.open_progress("auto") as told:
        told.stage("training")
        told.step(2, 2, 0.5)
        told.note("class <script> is rare")
        assert 'max="2" value="2"' in handles[0].bundles[-1]["text/html"]
    assert len(handles) == 1
    last = handles[0].bundles[-1]
    assert "class &lt;script&gt; is rare" in last["text/html"]
    assert "<progress" not in last["text/html"]
    assert "class <script> is rare" in last["text/plain"]


def test_ipython_in_a_terminal_is_no_notebook(monkeypatch):
    fake = types.ModuleType("IPython")
    fake.get_ipython = lambda: types.SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress.open_progress("auto") as told:
        told.note("hello")
    assert sys.stderr.getvalue() == "hello\n"
