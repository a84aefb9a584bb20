"""Flipped bits and cut files: a checkpoint or an artifact is what was written, or it is refused with a sentence."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from writers import NEW, OLD, WRITERS, state

from stepwell import checkpoint, files
from stepwell.artifact import manifest
from stepwell.errors import ArtifactError, RunError


def damages(content: bytes, seed: int, count: int) -> Iterator[bytes]:
    """`content` with one bit flipped, at seeded places, or cut short."""
    chance = random.Random(seed)
    for number in range(count):
        place = chance.randrange(len(content))
        if number % 3 == 2:
            yield content[:place]
        else:
            yield content[:place] + bytes([content[place] ^ (1 << chance.randrange(8))]) + content[place + 1 :]


def same(found: Any, wanted: Any) -> bool:
    """Whether two states are equal, tensors bit for bit."""
    if isinstance(wanted, torch.Tensor):
        return torch.equal(found, wanted)
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[name], wanted[name]) for name in wanted)
    return bool(found == wanted)


@pytest.mark.parametrize("name", ["manifest.json", "state.json", "model.safetensors"])
def test_a_damaged_checkpoint_is_passed_over_and_that_is_said(name: str, tmp_path: Path) -> None:
    fallen_back = fall_back(name, 0, 60, tmp_path)
    assert fallen_back >= 50, "hardly any damage was noticed"


def fall_back(name: str, seed: int, count: int, folder: Path) -> int:
    """Damage a file of the newer of two checkpoints, `count` times; returns how often the older one was taken."""
    for cycle in (1, 2):
        checkpoint.save(folder, state(cycle), cycle)
    victim = folder / f"{2:012d}" / name
    content, fallen_back = victim.read_bytes(), 0
    for damaged in damages(content, seed, count):
        victim.write_bytes(damaged)
        found, notes = checkpoint.load_latest(folder)
        assert found is not None
        if notes:
            assert same(found, state(1))
            assert "Falling back to the checkpoint before it" in notes[0]
            fallen_back += 1
        else:  # a blank that became another blank, or the name of the seal
            assert name.endswith(".json")
            assert same(found, state(2))
    return fallen_back


@pytest.mark.parametrize("name", [manifest.FILE, "model.onnx"])
def test_a_damaged_artifact_is_refused(name: str, tmp_path: Path) -> None:
    assert refusals(name, 0, 90, tmp_path) >= 75, "hardly any damage was noticed"


def refusals(name: str, seed: int, count: int, folder: Path) -> int:
    """Damage a file of an artifact, `count` times; returns how often it was refused."""
    WRITERS["artifact"].before(folder)
    artifact, errors = folder / "artifact", []
    wanted, victim = manifest.read(artifact), artifact / name
    content = victim.read_bytes()
    for damaged in damages(content, seed, count):
        victim.write_bytes(damaged)
        try:
            found = manifest.read(artifact)
            manifest.verify(artifact, found)
            assert found == wanted
        except ArtifactError as error:
            errors.append(error)
    assert all(error.what and error.where and error.do for error in errors)
    return len(errors)


def test_a_manifest_of_before_seals_is_still_read(tmp_path: Path) -> None:
    WRITERS["artifact"].before(tmp_path)
    path = tmp_path / "artifact" / manifest.FILE
    values = json.loads(path.read_text())
    assert len(values.pop("seal")) == 64
    path.write_text(json.dumps(values))
    assert manifest.read(tmp_path / "artifact").task == OLD


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        '{"format": 1}',
        '{"format": 1e999, "sha256": {}}',
        '{"format": true, "sha256": {}}',
        '{"format": 0, "sha256": {}}',
        '{"format": 1, "sha256": [[1, 2]]}',
        '{"format": 1, "sha256": {"../x": ""}}',
        '{"format": 1, "sha256": {"\\u0000": ""}}',
        '{"format": 1, "sha256": {}}',
    ],
)
def test_a_checkpoint_whose_manifest_is_none_is_refused(content: str, tmp_path: Path) -> None:
    checkpoint.save(tmp_path, state(1), 1)
    (tmp_path / f"{1:012d}" / "manifest.json").write_text(content)
    with pytest.raises(RunError, match="No checkpoint of this run is whole"):
        checkpoint.load_latest(tmp_path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("model.safetensors", (2**40).to_bytes(8, "little") + b"{}"),  # a header of a terabyte
        ("model.safetensors", b"\x80\x04cposix\nsystem\n(S'touch pickled'\ntR."),  # a pickle by another name
        ("model.safetensors", b""),
        ("state.json", b"[]"),
        ("state.json", b'{"model": {"$tensor": ["a"]}}'),
        ("state.json", b'{"model": {"$tensor": "/nowhere"}}'),
        ("state.json", b'{"model": ' + b"[" * 100_000),
        ("state.json", b"\xff"),
    ],
)
def test_content_with_a_right_digest_that_is_no_checkpoint_is_refused(
    name: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    checkpoint.save(tmp_path, state(1), 1)
    folder = tmp_path / f"{1:012d}"
    (folder / name).write_bytes(content)
    digests = {path.name: files.sha256(path) for path in folder.iterdir() if path.name != "manifest.json"}
    files.write_json(folder / "manifest.json", {"format": 1, "cycle": 1, "sha256": digests})
    with pytest.raises(RunError, match="cannot be read"):
        checkpoint.load(folder)
    assert not (tmp_path / "pickled").exists()


def test_a_pipe_or_a_folder_in_a_checkpoint_does_not_stop_us(tmp_path: Path) -> None:
    for cycle in (1, 2):
        checkpoint.save(tmp_path, state(cycle), cycle)
    victim = tmp_path / f"{2:012d}" / "model.safetensors"
    for make in (os.mkfifo, os.mkdir):
        shutil.rmtree(victim) if victim.is_dir() else victim.unlink()
        make(victim)
        found, notes = checkpoint.load_latest(tmp_path)
        assert found is not None and found["progress"]["cycle"] == 1 and len(notes) == 1


def test_old_checkpoints_go_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removal that is cut short leaves no folder that still looks like a checkpoint."""
    for cycle in (1, 2):
        checkpoint.save(tmp_path, state(cycle), cycle)

    def half(folder: Path) -> None:
        (folder / "manifest.json").unlink()
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", half)
        checkpoint.save(tmp_path, state(3, NEW), 3)
    files.clean(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{cycle:012d}" for cycle in (2, 3)]
