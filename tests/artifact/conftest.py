"""The tiny tasks of `artifact_toys`, exported once, standing where tasks are found."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from artifact_toys import TOYS, export_toy, find_task

from stepwell import discovery
from stepwell.artifact.gate import gate


@pytest.fixture(autouse=True)
def toy_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The toys stand where tasks are found."""
    monkeypatch.setattr(discovery, "task", find_task)


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a toy's gated artifact, made once; not to be changed."""
    root = tmp_path_factory.mktemp("artifacts")

    def make(name: str) -> Path:
        if not (root / name).exists():
            toy = TOYS[name]
            export_toy(toy, root / name)
            gate(root / name, toy.networks, toy.valid)
        return root / name

    return make


@pytest.fixture
def artifact(exported: Callable[[str], Path], tmp_path: Path) -> Path:
    """A copy of the pictures' artifact, to be changed at will."""
    return Path(shutil.copytree(exported("pictures"), tmp_path / "artifact"))
