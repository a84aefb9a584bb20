"""The disk fails at the N-th call, for every N: a sentence, the old state or the new one, and nothing left over."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from faulty_disk import Fault, faulty
from writers import NEW, OLD, WRITERS

from stepwell import files
from stepwell.errors import StepwellError

ERRORS: dict[str, Callable[[], BaseException]] = {
    "ENOSPC": lambda: OSError(errno.ENOSPC, "No space left on device"),
    "EIO": lambda: OSError(errno.EIO, "Input/output error"),
    "EACCES": lambda: OSError(errno.EACCES, "Permission denied"),
    "memory": MemoryError,
}


def said(act: Callable[[Path], object], folder: Path) -> str:
    """What the act says of its failure, "" where it does not fail."""
    try:
        act(folder)
    except StepwellError as error:
        what, where, do = error.what, error.where, error.do
    else:
        return ""
    assert what and where and do
    assert "\n" not in what and what.endswith(".")
    return what


def open_files() -> int:
    listed = Path("/proc/self/fd")
    return len(list(listed.iterdir())) if listed.exists() else 0


SHORT = ("file", "run", "run state", "history")
# Of the longer ones, what differs from each other; benchmarks/faults.py tries all.
TRIED = [
    (name, error)
    for name in WRITERS
    for error in ERRORS
    if name in SHORT or error in ("ENOSPC", "memory") or (name, error) == ("artifact", "EACCES")
]


@pytest.mark.parametrize(("name", "error"), [one for one in TRIED if one[0] != "checkpoint again"])
def test_a_fault_at_any_call_is_a_sentence_and_old_or_new_stays(name: str, error: str, tmp_path: Path) -> None:
    fail_at_every_call(name, error, stays=error == "ENOSPC", tmp_path=tmp_path)


def fail_at_every_call(name: str, error: str, *, stays: bool, tmp_path: Path) -> int:
    """Let the N-th call of a writer fail, `stays`: and all after it; returns how many calls there are."""
    writer = WRITERS[name]
    (tmp_path / "before").mkdir()
    with faulty(Fault(0, ERRORS[error])):  # no fault: only to spare the disk
        writer.before(tmp_path / "before")
    open_before = open_files()
    for failing in range(1, 1_000):
        folder = tmp_path / "now"
        shutil.copytree(tmp_path / "before", folder)
        fault = Fault(failing, ERRORS[error], stays=stays)
        with faulty(fault):
            what = said(writer.act, folder)
        files.clean(folder)
        found = writer.seen(folder)
        assert found in (OLD, NEW), f"call {failing}: {what}"
        assert what or found == NEW, f"call {failing} failed in silence"
        assert not list(folder.rglob("*.tmp"))
        shutil.rmtree(folder)
        if not fault.happened:
            break
    assert not fault.happened and failing > 8, "the faults were never injected"
    assert open_files() <= open_before, "files stay open after a failure"
    return failing - 1
