"""Small pictures, in classes of equal size and of unequal size."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_pictures import draw


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty pictures, twenty a class."""
    return draw(tmp_path_factory.mktemp("pictures") / "even", {"a": 20, "b": 20, "c": 20})


@pytest.fixture(scope="session")
def uneven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pictures of which one class is rare."""
    return draw(tmp_path_factory.mktemp("pictures") / "uneven", {"a": 60, "b": 30, "c": 10})
