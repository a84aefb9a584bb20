"""A training that is asked to stop saves and says how to go on; a second trainer is kept out meanwhile."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import stepwell
from stepwell import checkpoint, files, locks, run, training
from stepwell.errors import RunError

PATIENCE = 60.0  # seconds: two cores may be shared by many


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_heard_and_a_second_would_end_the_process(number: signal.Signals) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    with training.interruptible() as asked:
        assert not asked()
        signal.raise_signal(number)
        assert asked()
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == [signal.SIG_DFL] * 2
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Return when `path` holds something; fail when the process ends before."""
    end = time.monotonic() + PATIENCE
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < end, f"{path.name} did not come"
        time.sleep(0.02)


def test_sigterm_saves_while_a_second_trainer_is_kept_out(tmp_path: Path) -> None:
    rows = "".join(f"{i % 7},{i % 5},{'yes' if i % 7 > 3 else 'no'}\n" for i in range(120))
    (tmp_path / "data.csv").write_text("a,b,answer\n" + rows)
    folder = tmp_path / "run"
    words = "train table data.csv --target answer --recipe quick --steps 1000000 --run run --training.threads 1"
    process = subprocess.Popen(
        [sys.executable, "-m", "stepwell", *words.split()],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    try:
        wait_for(folder / "history.jsonl", process)
        assert locks.held(folder)
        with pytest.raises(RunError, match="Another process is working on this run"):
            stepwell.resume(folder, progress="quiet")
        with pytest.raises(RunError, match="Another process is working on this run"):
            run.remove(folder)
        assert run.open_run(folder).state()["state"] == "running"
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 1, said
    assert "stopped: Stopped at cycle" in said and "stepwell resume run" in said
    assert "Traceback" not in said
    ended = run.open_run(folder).state()
    assert ended["state"] == "stopped" and "everything up to here is saved" in ended["why"]
    assert not locks.held(folder)
    state, notes = checkpoint.load_latest(folder / "checkpoints")
    assert state is not None and notes == []
    steps = [line for line in files.read_lines(folder / "history.jsonl") if line["kind"] == "step"]
    assert steps[-1]["cycle"] == state["progress"]["cycle"]
    assert state["history"] == (folder / "history.jsonl").stat().st_size
    assert not list(folder.rglob(".stepwell-*"))
