"""Checkpoints: exact both ways, refused when altered, and never half there."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from stepwell import checkpoint
from stepwell.errors import RunError


def state(cycle: int = 1) -> dict[str, Any]:
    torch.manual_seed(cycle)
    return {
        "model": {"a": torch.randn(3, 4), "tied": torch.arange(4)[::2], "scalar": torch.tensor(2.5)},
        "image": {"w": torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)},
        "optimizers": {
            "model": {"state": {0: {"step": torch.tensor(3.0)}}, "param_groups": [{"lr": 0.1, "params": [0]}]}
        },
        "best": None,
        "progress": {"cycle": cycle, "evaluations": [0.5, -1.25e-7]},
    }


def test_a_state_comes_back_bit_for_bit(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, state(), 1)
    found, notes = checkpoint.load_latest(tmp_path)
    assert found is not None and not notes
    for entry, name in (("model", "a"), ("model", "tied"), ("model", "scalar"), ("image", "w")):
        assert torch.equal(found[entry][name], state()[entry][name])
    assert found["progress"] == state()["progress"] and found["best"] is None
    assert found["optimizers"]["model"]["param_groups"] == [{"lr": 0.1, "params": [0]}]


def test_two_are_kept_and_the_newest_counts(tmp_path: Path) -> None:
    for cycle in (1, 20, 300):
        checkpoint.save(tmp_path, state(cycle), cycle)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["000000000020", "000000000300"]
    found, _ = checkpoint.load_latest(tmp_path)
    assert found is not None and found["progress"]["cycle"] == 300


def test_nothing_saved_is_none(tmp_path: Path) -> None:
    assert checkpoint.load_latest(tmp_path / "absent") == (None, [])


@pytest.mark.parametrize("seed", range(40))
def test_a_flipped_bit_or_a_cut_file_falls_back_to_the_one_before_and_says_so(tmp_path: Path, seed: int) -> None:
    for cycle in (1, 2):
        checkpoint.save(tmp_path, state(cycle), cycle)
    chance = random.Random(seed)
    victim = chance.choice(
        [*sorted((tmp_path / "000000000002").glob("*.safetensors")), tmp_path / "000000000002/state.json"]
    )
    content = bytearray(victim.read_bytes())
    if seed % 2:
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    else:
        del content[chance.randrange(len(content)) :]
    victim.write_bytes(bytes(content))
    found, notes = checkpoint.load_latest(tmp_path)
    assert found is not None and found["progress"]["cycle"] == 1
    assert "damaged" in notes[0] and "before it" in notes[0]


def test_when_none_holds_it_says_what_to_do(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, state(), 1)
    (tmp_path / "000000000001/model.safetensors").unlink()
    with pytest.raises(RunError, match="No checkpoint of this run is whole"):
        checkpoint.load_latest(tmp_path)


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    folder = checkpoint.save(tmp_path, state(), 1)
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 1', '"format": 99'))
    with pytest.raises(RunError, match="format 99"):
        checkpoint.load(folder)


def test_what_was_half_written_is_no_checkpoint(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, state(), 1)
    (tmp_path / "000000000009").mkdir()
    (tmp_path / "000000000009/model.safetensors").write_bytes(b"half")
    found, notes = checkpoint.load_latest(tmp_path)
    assert found is not None and found["progress"]["cycle"] == 1 and not notes
