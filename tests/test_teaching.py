"""Lessons: every one can be had, and one is given whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stepwell import cli, discovery, recipe, teaching
from stepwell.doctor import diagnosing
from stepwell.doctor.changes import Change

pytestmark = pytest.mark.usefixtures("looks_by_count")


@pytest.mark.parametrize("name", discovery.names(teaching.ROOM))
def test_a_lesson_is_a_recipe_and_what_makes_it_ill(name: str) -> None:
    lesson = discovery.load(teaching.ROOM, name)
    well = recipe.draft(lesson.TASK, ("classic",), lesson.SETTINGS)
    fault = discovery.load(diagnosing.ROOM, lesson.DIAGNOSIS).infect(recipe.flat(well))
    assert isinstance(fault, Change) and fault.of(well) != well
    assert set(lesson.PICTURES) <= set(teaching.DRAWN)
    assert lesson.__doc__.rstrip().split("\n\n")[-1].startswith("Remember: ")


def test_a_lesson_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = discovery.load(teaching.ROOM, "rate_too_low")
    short = {**lesson.SETTINGS, "budget.epochs": None, "budget.steps": 60, "model.widths": (16,)}
    monkeypatch.setattr(lesson, "SETTINGS", short)
    folder = tmp_path / "lesson"
    assert cli.main(["lesson", "rate-too-low", "--run", str(folder), "--json", "-q"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["losses"]["well"] < 0.99 < facts["losses"]["ill"]
    assert [one["name"] for one in facts["findings"] if one["severity"] > 1] == ["lr_too_low"]
    page = (folder / "lesson.html").read_text()
    assert "gets nowhere" in page and "--optimizer.learning_rate" in page and page.count("<figure>") == 2
    assert cli.main(["lesson", "rate_too_low", "--run", str(folder)]) == 2  # it holds something


def test_a_lesson_that_there_is_not_names_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lesson", "nothing"]) == 2
    assert "rate_too_high" in capsys.readouterr().err
    assert cli.main(["lesson"]) == 0
    assert "vanishing_gradients  Vanishing gradients" in capsys.readouterr().out
