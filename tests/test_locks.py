"""A lock keeps others out, ends with its process, and says where it cannot."""

import errno
import os
import subprocess
import sys
import time

import pytest

from stepwell import locks
from stepwell.errors import RunError


def test_lock_refuses_a_second_holder_and_ends_with_the_block(tmp_path):
    assert not locks.held(tmp_path)
    with locks.hold(tmp_path) as note:
        assert note == ""
        assert locks.held(tmp_path)
        with pytest.raises(RunError, match="Another process") as caught, locks.hold(tmp_path):
            pass
        assert caught.value.where == str(tmp_path)
        assert caught.value.do
    assert not locks.held(tmp_path)
    with locks.hold(tmp_path):
        pass


def test_lock_is_not_inherited_by_a_worker_that_outlives_a_killed_trainer(tmp_path):
    script = (
        "import os, sys, time; from pathlib import Path; from stepwell import locks\n"
        "with locks.hold(Path(sys.argv[1])):\n"
        "    child = os.fork()\n"
        "    if child == 0: time.sleep(30); os._exit(0)\n"
        "    print(child, flush=True); time.sleep(0.2); os.kill(os.getpid(), 9)\n"
    )
    worker = None
    try:
        trainer = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        worker = int(trainer.stdout.readline())
        assert locks.held(tmp_path)
        assert trainer.wait(10) == -9
        os.kill(worker, 0)  # it still lives
        assert not locks.held(tmp_path)
        with locks.hold(tmp_path):
            pass
    finally:
        trainer.stdout.close()
        if worker:
            os.kill(worker, 9)


def test_a_file_system_without_locks_is_said(tmp_path, monkeypatch):
    import fcntl

    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with locks.hold(tmp_path) as note:
        assert "knows no locks" in note
    assert not locks.held(tmp_path)


def test_lock_waits_out_a_look_at_it(tmp_path):
    import fcntl

    with locks.hold(tmp_path):
        pass
    look = os.open(tmp_path / ".lock", os.O_RDONLY)
    fcntl.flock(look, fcntl.LOCK_SH)
    sleep = time.sleep

    def release(seconds):
        fcntl.flock(look, fcntl.LOCK_UN)
        sleep(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", release)
        with locks.hold(tmp_path) as note:
            assert note == ""
    os.close(look)
