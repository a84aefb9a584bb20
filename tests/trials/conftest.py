"""Small pictures, in classes of equal size and of unequal size."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from small_pictures import draw
from torch import nn

from stepwell import outcome
from stepwell.judge import bootstrap


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures, twenty a class."""
    return draw(tmp_path_factory.mktemp("pictures") / "even", {"a": 20, "b": 20, "c": 20})


@pytest.fixture(scope="session")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of which one class is rare."""
    return draw(tmp_path_factory.mktemp("pictures") / "uneven", {"a": 60, "b": 30, "c": 10})


@pytest.fixture(scope="module", autouse=True)
def few_resamples() -> Iterator[None]:
    """How wide an interval is, is not what these tests ask."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "REPLICATES", 50)
        yield


@pytest.fixture
def not_exported(monkeypatch: pytest.MonkeyPatch) -> list[nn.Module]:
    """The networks that a training would have exported: it stops there, with what its members say together."""
    networks: list[nn.Module] = []

    def finish(job: Any, data: Any, model: nn.Module, together: Callable[[], Any] | None = None) -> None:
        del data
        networks.append(model)
        told = None if together is None else msgspec.to_builtins(together())
        job.run.write_json("scores.json", {"trial": told})
        job.run.set_state("finished")

    monkeypatch.setattr(outcome, "finish", finish)
    return networks


@pytest.fixture
def no_rivals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training without baselines, where the test asks nothing of them."""
    monkeypatch.setattr(outcome, "rivals", lambda *_: {})
