"""Killed before, within and after each system call of every writer, unsynced bytes lost: old or new is read back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from writers import NEW, OLD, WRITERS

from stepwell import files, locks

NAMES = ("file", "checkpoint", "run state")  # benchmarks/faults.py kills all of them


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, int]]:
    """Where the kills are laid out, and how many points each writer has."""
    root = tmp_path_factory.mktemp("killed")
    command = [sys.executable, Path(__file__).with_name("kill_writers.py"), root, *NAMES]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return root, json.loads(ended.stdout)


@pytest.mark.parametrize("name", NAMES)
def test_killed_at_any_point_the_old_or_the_new_is_read_back(killed: tuple[Path, dict[str, int]], name: str) -> None:
    root, points = killed
    assert points[name] > 8
    whole_after_kills(name, root, points[name])


def whole_after_kills(name: str, root: Path, points: int) -> None:
    """What each kill left of a writer's files is cleaned and read back: old, then from some point on new."""
    found = []
    for point in range(1, points + 1):
        folder = root / name / str(point)
        assert not locks.held(folder / "run")
        files.clean(folder)
        found.append(WRITERS[name].seen(folder))
        assert not list(folder.rglob("*.tmp")), f"killed at point {point}, something is left"
    assert set(found) <= {OLD, NEW} and found[-1] == NEW
    assert found == sorted(found, key=[OLD, NEW].index), "what was new became old again"


def test_a_folder_that_was_set_aside_comes_back(tmp_path: Path) -> None:
    (tmp_path / "artifact").mkdir()
    (tmp_path / "artifact" / "a").write_text(OLD)
    aside = files._aside(tmp_path / "artifact")
    (tmp_path / "artifact").rename(aside)
    assert files.clean(tmp_path) == 1
    assert (tmp_path / "artifact" / "a").read_text() == OLD
    (tmp_path / "artifact").rename(aside)
    (tmp_path / "artifact").mkdir()
    assert files.clean(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["artifact"]
