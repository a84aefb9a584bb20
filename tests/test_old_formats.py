"""Runs and artifacts of every format that there ever was still open, predict, are judged and are taken up again.

They lie in `tests/fixtures`, made by `make.py` there with the Stepwell of their time. What is newer than this
Stepwell is refused in words.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

import stepwell
from stepwell import checkpoint, files, outcome, recipe, run, training
from stepwell.artifact import manifest
from stepwell.errors import StepwellError
from stepwell.judge import scores

FIXTURES = Path(__file__).parent / "fixtures"
DATA = {"image_classification": FIXTURES / "pictures.zip", "table": FIXTURES / "rows.csv"}
OLD = [str(path.parent.relative_to(FIXTURES)) for path in sorted(FIXTURES.glob("*/*/finished"))]
FORMATS = {
    "run.json": run.FORMAT,
    "recipe.yaml": recipe.FORMAT,
    "scores.json": scores.FORMAT,
    "artifact/manifest.json": manifest.FORMAT,
    "checkpoints/*/manifest.json": checkpoint.FORMAT,
}


class Trained(Exception):
    """Raised where export and judging would begin: they read nothing that is old."""


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A place to copy runs to: resuming writes into them, and judging into a ledger beside."""
    return tmp_path / "runs"


def copy(old: str, state: str, into: Path) -> Path:
    """One of the old runs, to be changed."""
    return Path(shutil.copytree(FIXTURES / old / state, into / old.replace("/", "_") / state))


def of_task(old: str) -> Path:
    """The data that an old run was trained on."""
    return DATA[old.partition("/")[2]]


def format_of(path: Path) -> int:
    """The format number that a file states."""
    found = re.search(r'^\s*"?format"?: (\d+)', path.read_text(), re.MULTILINE)
    assert found, f"{path} states no format"
    return int(found[1])


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_number_there_ever_was_is_kept_as_a_file(name: str) -> None:
    kept = {format_of(path) for old in OLD for path in (FIXTURES / old / "finished").glob(name)}
    assert kept == set(range(1, FORMATS[name] + 1)), "make a run of the new format with tests/fixtures/make.py"


@pytest.mark.parametrize("old", OLD)
def test_an_old_run_is_listed_judged_and_answers_as_it_did(old: str, copied: Path) -> None:
    folder = copy(old, "finished", copied)
    [listed] = stepwell.runs(copied)
    assert listed["state"] == "finished" and listed["score"] is not None
    opened = run.open_run(folder)
    assert opened.recipe().options("budget").steps == 8 and opened.environment()["threads"] == 1
    judged = stepwell.evaluate(folder)
    anew = stepwell.evaluate(folder, of_task(old))
    assert anew["headline"] == judged["headline"] and set(judged["scores"]) <= set(anew["scores"])
    answers = {one["id"]: one for one in stepwell.predict(folder, of_task(old))}
    for line in files.read_lines(folder / "predictions" / "test.jsonl"):
        before, now = line["output"], answers[line["id"]]
        assert now["label"] == before["label"]
        assert sorted(now["probabilities"].values()) == pytest.approx(sorted(before["probabilities"]), abs=1e-5)


@pytest.mark.parametrize("old", OLD)
def test_an_old_run_that_was_stopped_ends_as_the_one_that_was_not(
    old: str, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, whole = copy(old, "stopped", copied), FIXTURES / old / "finished"
    train_on(folder, of_task(old), monkeypatch)
    histories = [files.read_lines(one / "history.jsonl") for one in (folder, whole)]
    for ours, theirs in zip(*histories, strict=True):
        assert [ours[key] for key in ("kind", "cycle", "epoch")] == [theirs[key] for key in ("kind", "cycle", "epoch")]
        for group in ("loss", "learning_rate", "values"):  # another machine's last bits may differ
            same = {name: ours[group][name] for name in theirs.get(group, {})}  # there may be more by now
            assert same == pytest.approx(theirs.get(group, {}), rel=1e-3)


@pytest.mark.parametrize("old", OLD)
def test_an_old_run_that_was_finished_goes_on_beyond_its_end(
    old: str, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = copy(old, "finished", copied)
    train_on(folder, of_task(old), monkeypatch, settings={"budget.steps": 3})
    steps = [line["cycle"] for line in files.read_lines(folder / "history.jsonl") if line["kind"] == "step"]
    assert steps == list(range(1, 12))


def train_on(folder: Path, data: Path, monkeypatch: pytest.MonkeyPatch, **asked: Any) -> None:
    """Resume a run, up to where it would be exported."""

    def finish(*_: object) -> None:
        raise Trained

    monkeypatch.setattr(outcome, "finish", finish)
    monkeypatch.setattr(training, "CHECKPOINT_SHARE", 0)
    with pytest.raises(Trained):
        stepwell.resume(folder, data=data, progress="quiet", **asked)


@pytest.mark.parametrize("name", FORMATS)
def test_what_a_newer_stepwell_wrote_is_refused_in_words(name: str, copied: Path) -> None:
    old = OLD[-1]
    folder = copy(old, "finished" if name in ("scores.json", "artifact/manifest.json") else "stopped", copied)
    [path] = folder.glob(name)
    if path.suffix == ".yaml":
        path.write_text(path.read_text().replace("format: 1", "format: 99", 1))
    else:
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99}))
    opening = {
        "scores.json": lambda: scores.from_json(files.read_json(path)),
        "artifact/manifest.json": lambda: stepwell.load(folder),
    }
    with pytest.raises(StepwellError) as refused:
        opening.get(name, lambda: stepwell.resume(folder, data=of_task(old), progress="quiet"))()
    assert "format 99" in refused.value.what
    assert refused.value.where and refused.value.do
