"""Disks that are full, read-only or know no locks, and checkpoints that belong elsewhere: what a whole training says.

A run of `tests/fixtures` that was stopped after cycle 4 of 8 is taken up, up to where it would be exported.
`benchmarks/faults.py` does the same on real disks.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import stepwell
from stepwell import files, outcome, run, training
from stepwell.errors import RunError

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
ROWS = FIXTURES / "rows.csv"


class Trained(Exception):
    """Raised where export and judging would begin."""


@pytest.fixture(autouse=True)
def only_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def finish(*_: object) -> None:
        raise Trained

    monkeypatch.setattr(outcome, "finish", finish)
    monkeypatch.setattr(training, "CHECKPOINT_SHARE", 0)


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURES / "sealed" / "table" / "stopped", tmp_path / "run"))


def resume(folder: Path) -> None:
    """Train to the end of the plan."""
    with pytest.raises(Trained):
        stepwell.resume(folder, data=ROWS, progress="quiet")


def refused(act: Callable[[], object]) -> RunError:
    """What is said where it cannot be done."""
    with pytest.raises(RunError) as caught:
        act()
    assert caught.value.where and caught.value.do
    return caught.value


def yields(folder: Path) -> tuple[bytes, str]:
    """What two trainings are compared by."""
    return (folder / "history.jsonl").read_bytes(), files.sha256(folder / "checkpoints/000000000008/model.safetensors")


def test_a_disk_that_fills_up_stops_the_training_which_then_goes_on_as_if_it_had_not(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = shutil.copytree(stopped, tmp_path / "whole")
    resume(whole)
    replace, seen = os.replace, []

    def full(source: Any, target: Any) -> None:
        if Path(target).name == "optimizers.safetensors":
            seen.append(target)
            if len(seen) == 2:
                raise OSError(errno.ENOSPC, "No space left on device")
        replace(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", full)
        error = refused(lambda: stepwell.resume(stopped, data=ROWS, progress="quiet"))
    assert "cannot be written: No space left on device" in error.what
    assert "free some room" in str(error.do) and f"stepwell resume {stopped}" in str(error.do)
    assert run.open_run(stopped).state()["state"] == "failed"
    assert not list(stopped.rglob("*.tmp"))
    assert max(path.name for path in stopped.glob("checkpoints/0*")) < "000000000008"
    resume(stopped)
    assert yields(stopped) == yields(whole)


def test_a_disk_too_small_for_the_checkpoints_is_said_before_the_first_cycle(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (stopped / "history.jsonl").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=20_000))
        error = refused(lambda: stepwell.resume(stopped, data=ROWS, progress="quiet"))
    assert re.search(r"need at least 0\.0[3-9] MB, and the disk has 0\.02 MB left", error.what)
    assert (stopped / "history.jsonl").read_bytes() == before
    resume(stopped)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_on_a_network_folder_without_locks_it_trains_and_says_so(
    number: int, stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", none)
    resume(stopped)
    assert "knows no locks: make sure that only one training uses this folder" in (stopped / "log.txt").read_text()


def test_on_a_read_only_disk_what_writes_says_so_and_what_reads_works(
    stopped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished = shutil.copytree(FIXTURES / "sealed" / "table" / "finished", tmp_path / "finished")
    with monkeypatch.context() as patched:
        make_read_only(patched)
        for act in (
            lambda: stepwell.train("table", ROWS, target="answer", run=tmp_path / "new", progress="quiet"),
            lambda: stepwell.resume(stopped, data=ROWS, progress="quiet"),
        ):
            error = refused(act)
            assert "Read-only file system" in error.what
            assert error.do == "this disk is read-only: choose another folder"
        assert [one["state"] for one in stepwell.runs(tmp_path)] == ["stopped", "finished"]
        assert stepwell.evaluate(finished, ROWS)["n"] == 120
        assert len(list(stepwell.predict(finished, ROWS))) == 120
    resume(stopped)


def make_read_only(patched: pytest.MonkeyPatch) -> None:
    """Let every system call that would change something fail as it does on a disk mounted read-only."""

    def guarded(call: Callable[..., Any], writes: Callable[..., bool]) -> Callable[..., Any]:
        def called(*given: Any, **named: Any) -> Any:
            if writes(*given):
                raise OSError(errno.EROFS, "Read-only file system", str(given[0]))
            return call(*given, **named)

        return called

    for name in ("mkdir", "rename", "replace", "unlink", "rmdir"):
        patched.setattr(os, name, guarded(getattr(os, name), lambda *_: True))
    changing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
    patched.setattr(os, "open", guarded(os.open, lambda path, flags, *_: bool(flags & changing)))
    opened = guarded(builtins.open, lambda path, mode="r", *_: bool(set(mode) & set("wax+")))
    patched.setattr(builtins, "open", opened)
    patched.setattr(io, "open", opened)


def test_a_checkpoint_of_other_data_is_refused(stopped: Path, tmp_path: Path) -> None:
    other = shutil.copytree(stopped, tmp_path / "other")
    shutil.rmtree(other / "checkpoints")
    resume(stopped)
    shutil.copytree(stopped / "checkpoints", other / "checkpoints")
    (other / "split.csv").write_text((other / "split.csv").read_text().replace("train", "valid", 1))
    error = refused(lambda: stepwell.resume(other, data=ROWS, progress="quiet"))
    assert "The checkpoint belongs to another run" in error.what
    assert "put back this run's own checkpoints" in str(error.do)


def test_a_checkpoint_of_another_model_is_refused(stopped: Path) -> None:
    recipe = stopped / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace("width: 8", "width: 16"))
    with pytest.raises(RunError, match="does not fit the model that the recipe builds") as error:
        stepwell.resume(stopped, data=ROWS, progress="quiet")
    assert "code, recipe and data" in str(error.value.do)
