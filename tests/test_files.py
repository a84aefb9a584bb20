"""Files are whole or not there, whatever the disk does; logs can be cut back."""

import contextlib
import errno
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import files
from stepwell.errors import RunError


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_write_whole_replaces_and_leaves_nothing_beside(tmp_path):
    path = tmp_path / "a.txt"
    files.write_whole(path, "one")
    files.write_whole(path, b"two\x00\xff")
    assert path.read_bytes() == b"two\x00\xff"
    assert _names(tmp_path) == ["a.txt"]


class _Faulty:
    """Lets the n-th of these system calls fail."""

    CALLS = ("open", "fsync", "replace", "rename", "close")

    def __init__(self, monkeypatch, failing, error):
        self.failing, self.error, self.count = failing, error, 0
        for name in ("fsync", "replace", "rename"):
            monkeypatch.setattr(os, name, self._wrap(getattr(os, name)))
        monkeypatch.setattr(os, "open", self._wrap(os.open))

    def _wrap(self, call):
        def wrapped(*args, **kwargs):
            self.count += 1
            if self.count == self.failing:
                raise self.error
            return call(*args, **kwargs)

        return wrapped


FAULTS = [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), OSError(errno.EIO, "I/O error"), MemoryError("no memory")]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: type(one).__name__ + str(getattr(one, "errno", "")))
def test_write_whole_survives_a_fault_at_every_call(tmp_path, fault):
    path = tmp_path / "state.json"
    files.write_whole(path, "old")
    for failing in range(1, 100):
        with pytest.MonkeyPatch.context() as patch:
            faulty = _Faulty(patch, failing, fault)
            with contextlib.suppress(RunError):
                files.write_whole(path, "new")
        assert path.read_text() in ("old", "new")
        assert _names(tmp_path) == ["state.json"]
        if faulty.count < failing:
            break
        files.write_whole(path, "old")
    assert failing > 3, "the faults were never injected"
    assert path.read_text() == "new"


@pytest.mark.parametrize("fault", FAULTS, ids=["ENOSPC", "EIO", "MemoryError"])
def test_whole_folder_survives_a_fault_at_every_call(tmp_path, fault):
    final = tmp_path / "artifact"
    with files.whole_folder(final) as folder:
        files.write_whole(folder / "a", "old")
    for failing in range(1, 100):
        with pytest.MonkeyPatch.context() as patch:
            faulty = _Faulty(patch, failing, fault)
            with contextlib.suppress(RunError), files.whole_folder(final) as folder:
                files.write_whole(folder / "a", "new")
                files.write_whole(folder / "b", "new")
        content = {path.name: path.read_text() for path in final.iterdir()}
        assert content in ({"a": "old"}, {"a": "new", "b": "new"})
        if faulty.count < failing:
            break
        files.clean(tmp_path)
        with files.whole_folder(final) as folder:
            files.write_whole(folder / "a", "old")
    assert failing > 5, "the faults were never injected"
    assert _names(tmp_path) == ["artifact"]


def test_full_disk_says_what_to_do(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left") as caught:
        files.write_whole(tmp_path / "a", "x")
    assert "free some room" in caught.value.do
    assert str(tmp_path / "a") == caught.value.where


def test_kill_while_writing_leaves_the_old_file_and_clean_removes_the_rest(tmp_path):
    path = tmp_path / "a"
    files.write_whole(path, "old")
    script = (
        "import os, sys; from pathlib import Path; from stepwell import files\n"
        "with files.whole_file(Path(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); os.kill(os.getpid(), 9)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)]).returncode == -9
    assert path.read_text() == "old"
    assert len(_names(tmp_path)) == 2
    assert files.clean(tmp_path) == 1
    assert _names(tmp_path) == ["a"]


def test_clean_does_not_follow_links(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    outside.mkdir(), inside.mkdir()
    (outside / ".stepwell-0.tmp").write_text("precious")
    (inside / "link").symlink_to(outside)
    (inside / ".stepwell-1.tmp").symlink_to(outside)
    assert files.clean(inside) == 1
    assert (outside / ".stepwell-0.tmp").exists()


@dataclass
class _Thing:
    values: tuple[float, ...]
    path: Path


def test_json_takes_what_runs_are_made_of(tmp_path):
    value = {"a": np.float32(0.5), "b": np.arange(3), "c": _Thing((1.0, float("nan")), Path("x/y")), 1: None}
    files.write_json(tmp_path / "a.json", value)
    assert files.read_json(tmp_path / "a.json") == {
        "a": 0.5,
        "b": [0, 1, 2],
        "c": {"values": [1.0, None], "path": "x/y"},
        "1": None,
    }
    with pytest.raises(TypeError, match="set cannot be written"):
        files.json_text({"a": {1, 2}})


plain_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain_json)
def test_json_comes_back_as_it_went(value):
    text = files.json_text(value)
    assert "\n" not in text
    assert json.loads(text.encode().decode()) == value


def test_json_carries_undecodable_names():
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    assert json.loads(files.json_text({name: name}).encode()) == {name: name}


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000, b"1" * 10_000])
def test_damaged_json_is_one_clear_error(tmp_path, content):
    path = tmp_path / "run.json"
    path.write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json is damaged") as caught:
        files.read_json(path)
    assert caught.value.where == str(path)


def test_read_json_refuses_what_is_no_file_of_ours(tmp_path):
    (tmp_path / "big.json").write_text("[" + "1," * 1000 + "1]")
    with pytest.raises(RunError, match="larger than the 100 bytes"):
        files.read_json(tmp_path / "big.json", limit=100)
    with pytest.raises(RunError, match="No such file"):
        files.read_json(tmp_path / "absent.json")
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(RunError, match="not a plain file"):
        files.read_json(tmp_path / "pipe.json")
    with pytest.raises(RunError, match="directory"):
        files.read_json(tmp_path)


def test_lines_append_cut_back_and_go_on(tmp_path):
    path = tmp_path / "history.jsonl"
    with files.Lines(path) as log:
        log.append('{"a":1}')
        kept = log.offset
        log.append('{"a":2}')
        log.flush(durable=True)
        assert path.stat().st_size == log.offset
    with files.Lines(path) as log:
        assert log.offset == path.stat().st_size
        log.append('{"a":3}')
        log.truncate_to(kept)
        log.append('{"a":"é"}')
    assert files.read_lines(path) == [{"a": 1}, {"a": "é"}]
    with files.Lines(path) as log, pytest.raises(RunError, match="shorter"):
        log.truncate_to(1000)
    with files.Lines(path) as log, pytest.raises(ValueError, match="line break"):
        log.append("a\nb")


def test_read_lines_passes_over_a_torn_end_only(tmp_path):
    path = tmp_path / "history.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":')
    assert files.read_lines(path) == [{"a": 1}]
    path.write_bytes(b'{"a":\n{"a":1}\n')
    with pytest.raises(RunError, match=r"Line 1 of history\.jsonl"):
        files.read_lines(path)


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc" * 100_000)
    assert files.sha256(tmp_path / "a") == hashlib.sha256(b"abc" * 100_000).hexdigest()
    with pytest.raises(RunError):
        files.sha256(tmp_path / "absent")


def test_whole_folder_is_removed_when_its_filling_fails(tmp_path):
    def fill():
        with files.whole_folder(tmp_path / "artifact") as folder:
            (folder / "a").write_text("a")
            raise ValueError("half")

    with pytest.raises(ValueError, match="half"):
        fill()
    assert _names(tmp_path) == []
