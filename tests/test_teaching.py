"""Lessons: every one can be had, and one is given whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from stepwell import cli, discovery, outcome, recipe, teaching
from stepwell.doctor import diagnosing
from stepwell.doctor.changes import Change
from stepwell.teaching import pictures
from stepwell.trials import healing

pytestmark = pytest.mark.usefixtures("looks_by_count")


LESSONS = {name: discovery.load(teaching.ROOM, name) for name in discovery.names(teaching.ROOM)}
PROGRAMS = {name: lesson for name, lesson in LESSONS.items() if hasattr(lesson, "program")}
RECIPES = {name: lesson for name, lesson in LESSONS.items() if name not in PROGRAMS}


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_a_lesson_has_a_diagnosis_pictures_and_a_sentence_to_remember(lesson: Any) -> None:
    assert lesson.DIAGNOSIS in discovery.names(diagnosing.ROOM)
    assert set(lesson.PICTURES) <= set(pictures.DRAWN)
    assert (
        hasattr(lesson, "program")
        == hasattr(lesson, "CURE")
        != (hasattr(lesson, "TASK") and hasattr(lesson, "SETTINGS"))
    )
    assert lesson.__doc__.rstrip().split("\n\n")[-1].startswith("Remember: ")


@pytest.mark.parametrize("lesson", RECIPES.values(), ids=RECIPES)
def test_a_lesson_is_a_recipe_and_what_makes_it_ill(lesson: Any) -> None:
    well = recipe.draft(lesson.TASK, ("classic",), lesson.SETTINGS)
    fault = discovery.load(diagnosing.ROOM, lesson.DIAGNOSIS).infect(recipe.flat(well))
    assert isinstance(fault, Change) and fault.of(well) != well


@pytest.mark.parametrize("lesson", PROGRAMS.values(), ids=PROGRAMS)
def test_a_lesson_is_a_program_that_is_ill_by_one_line(lesson: Any) -> None:
    for ill in (True, False):
        torch.manual_seed(0)
        made = lesson.program(ill=ill)
        assert made.updates > 0 and 0.0 <= made.score() <= 1.0
        if made.validation is not None:
            inputs, targets = made.validation
            assert len(made.model(inputs)) == len(targets)
    assert lesson.CURE


def test_a_program_is_taught_and_its_cure_proven(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LESSONS["and_and_xor"], "UPDATES", 120)
    folder = tmp_path / "lesson"
    assert cli.main(["lesson", "and-and-xor", "--run", str(folder), "--json", "-q"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["verified"] is True and facts["said"].startswith("Proven: on 3 seeds the score rises from 0.")
    assert [one["name"] for one in facts["findings"] if one["severity"] > 1] == ["missing_nonlinearity"]
    page = (folder / "lesson.html").read_text()
    assert "nn.Tanh()" in page and "no longer finds" in page and "stepwell.lessons.and_and_xor" in page


def test_a_lesson_is_given(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    lesson = discovery.load(teaching.ROOM, "rate_too_low")
    short = {**lesson.SETTINGS, "budget.epochs": None, "budget.steps": 80, "model.widths": (16,)}
    monkeypatch.setattr(lesson, "SETTINGS", short)
    monkeypatch.setattr(healing, "LEAST_CYCLES", 80)
    monkeypatch.setattr(outcome, "finish", lambda job, *_: job.run.write_json("scores.json", {"scores": {}}))
    folder = tmp_path / "lesson"
    assert cli.main(["lesson", "rate-too-low", "--run", str(folder), "--json", "-q"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["losses"]["well"] < 0.99 < facts["losses"]["ill"]
    assert [one["name"] for one in facts["findings"] if one["severity"] > 1] == ["lr_too_low"]
    page = (folder / "lesson.html").read_text()
    assert "gets nowhere" in page and "--optimizer.learning_rate" in page and page.count("<figure>") == 3
    assert facts["said"] in page and "for lr too low" in page and "--optimizer.learning_rate 0.0" in page
    assert cli.main(["lesson", "rate_too_low", "--run", str(folder)]) == 2  # it holds something


def test_a_lesson_that_there_is_not_names_those_that_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["lesson", "nothing"]) == 2
    assert "rate_too_high" in capsys.readouterr().err
    assert cli.main(["lesson"]) == 0
    assert "vanishing_gradients  Vanishing gradients" in capsys.readouterr().out
