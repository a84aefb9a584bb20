"""The pair of one-batch fits costs more than all the rest of the doctor; a test asks for it by name."""

from __future__ import annotations

import pytest

from stepwell.doctor import watch


@pytest.fixture(autouse=True)
def _without_fits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "fits" not in request.fixturenames:
        monkeypatch.setattr(watch, "LEAST_LOOK", 0.0)
        monkeypatch.setattr(watch, "LOOK_SHARE", 0.0)


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the fits, however slow the machine."""
    monkeypatch.setattr(watch, "LEAST_LOOK", 1e9)
