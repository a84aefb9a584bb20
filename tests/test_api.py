"""The verbs as a program calls them: what a run holds, how it goes on, and how it fails without losing anything."""

from __future__ import annotations

import json
import math
import shutil
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import stepwell
from stepwell import api, calibration, checkpoint, discovery, locks, reading
from stepwell import run as run_folders
from stepwell.errors import DataError, Interrupted, RecipeError, RunError, TrainingError, UsageError
from stepwell.history import History
from stepwell.loop import Step

pytestmark = pytest.mark.xdist_group("api")

TINY: dict[str, Any] = {
    "model": "cnn",
    "model.filters": [8],
    "model.dense": [16],
    "budget.steps": 12,
    "training.threads": 1,
}
EXPECTED = """artifact card.md checkpoints doctor.html draft.yaml environment.json findings.json history.jsonl log.txt
predictions preparation.json recipe.yaml report.html run.json scores.json seen.bin signals.jsonl split.csv
timings.json"""


def train(data: Any, run: Path, **changed: Any) -> Any:
    options = {"recipes": ("quick",), "settings": TINY, "progress": "quiet", **changed}
    return stepwell.train("image_classification", data, run=run, **options)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three classes of twenty digits, a folder a class."""
    folder = tmp_path_factory.mktemp("data")
    whole = stepwell.sample("image_classification", folder / "whole")
    for name in ("0", "1", "2"):
        (folder / "digits" / name).mkdir(parents=True)
        for path in sorted((whole / name).iterdir())[:20]:
            shutil.copy(path, folder / "digits" / name)
    return folder / "digits"


@pytest.fixture(scope="module")
def finished(digits: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return train(digits, tmp_path_factory.mktemp("runs") / "run")


def test_pictures_that_do_not_fit_memory_are_decoded_while_training_and_the_log_says_where(
    digits: Path, finished: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calibration, "MEMORY_MOST", 1000)
    run = train(digits, tmp_path / "run")
    frozen = run_folders.open_run(run.folder).recipe().values["training"]
    log = (run.folder / "log.txt").read_text()
    assert frozen["memory"] == "decoded" and frozen["workers"] != "auto"
    assert "training.workers is" in log and "ms a cycle with 0" in log
    history = [(folder / "history.jsonl").read_bytes() for folder in (run.folder, finished.folder)]
    assert history[0] == history[1]


def copied(run: Any, target: Path) -> Path:
    shutil.copytree(run.folder, target)
    return target


def test_a_finished_run_holds_all_it_should_and_nothing_half_written(finished: Any) -> None:
    assert sorted(path.name for path in finished.folder.iterdir() if not path.name.startswith(".")) == EXPECTED.split()
    assert json.loads((finished.folder / "run.json").read_text())["state"] == "finished"
    facts = finished.to_json()
    json.dumps(facts)
    assert {"run", "task", "scores", "intervals", "baselines", "findings", "seconds"} <= set(facts)
    low, high = facts["intervals"]["accuracy"]
    assert 0 <= low <= facts["scores"]["accuracy"] <= high <= 1
    assert set(facts["baselines"]) == {"constant", "linear"}
    assert "<iframe" in finished._repr_html_()


def test_the_frozen_recipe_says_why_each_automatic_value_is_what_it_is(finished: Any) -> None:
    text = (finished.folder / "recipe.yaml").read_text()
    assert "auto\n" not in text.partition("origins:")[0].replace("# auto", "")
    assert "steps: 12  # flag" in text and "channels_last: true  # auto the network convolves" in text


def test_a_finished_run_is_not_taken_up_without_a_budget(finished: Any) -> None:
    with pytest.raises(RunError, match="finished") as caught:
        stepwell.resume(finished.folder, progress="quiet")
    assert "--epochs" in caught.value.do
    with pytest.raises(RecipeError):
        stepwell.resume(finished.folder, settings={"model.filters": 3}, progress="quiet")


def test_a_finished_run_goes_on_beyond_its_end(finished: Any, tmp_path: Path) -> None:
    run = copied(finished, tmp_path / "run")
    before = (run / "history.jsonl").read_bytes()
    stepwell.resume(run, settings={"budget.steps": "5"}, progress="quiet")
    after = (run / "history.jsonl").read_bytes()
    assert after.startswith(before)
    assert max(json.loads(line)["cycle"] for line in after.splitlines()) == 17
    state, _ = checkpoint.load_latest(run / "checkpoints")
    assert state is not None and state["progress"]["cycle"] == 17


def test_a_run_folder_that_is_used_is_refused(finished: Any, digits: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds a finished run"):
        train(digits, finished.folder)
    (tmp_path / "mine.txt").write_text("do not touch")
    with pytest.raises(RunError, match="not empty"):
        train(digits, tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "do not touch"


def interrupt_at(cycle: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = History.add

    def add(self: History, event: Any) -> None:
        real(self, event)
        if isinstance(event, Step) and event.cycle == cycle:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(History, "add", add)


def test_ctrl_c_saves_and_resuming_gives_what_an_undisturbed_run_gives(
    finished: Any, digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        interrupt_at(5, patched)
        with pytest.raises(Interrupted) as caught:
            train(digits, tmp_path / "run")
    assert caught.value.do == f"stepwell resume {tmp_path / 'run'}"
    assert json.loads((tmp_path / "run/run.json").read_text())["state"] == "stopped"
    assert not (tmp_path / "run/artifact").exists() and not (tmp_path / "run/report.html").exists()
    stepwell.resume(tmp_path / "run", progress="quiet")
    assert (tmp_path / "run/history.jsonl").read_bytes() == (finished.folder / "history.jsonl").read_bytes()
    name = "checkpoints/000000000012/model.safetensors"
    assert (tmp_path / "run" / name).read_bytes() == (finished.folder / name).read_bytes()
    one, other = (json.loads((folder / "scores.json").read_text()) for folder in (tmp_path / "run", finished.folder))
    assert one == other


def test_a_run_whose_data_changed_is_not_resumed(digits: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    shutil.copytree(digits, data)
    with monkeypatch.context() as patched:
        interrupt_at(2, patched)
        with pytest.raises(Interrupted):
            train(data, tmp_path / "run")
    shutil.copy(data / "0" / min(p.name for p in (data / "0").iterdir()), data / "0" / "more.png")
    with pytest.raises(RunError, match="data have changed") as caught:
        stepwell.resume(tmp_path / "run", progress="quiet")
    assert "--from" in caught.value.do


def test_looks_at_the_data_are_counted(finished: Any, digits: Path) -> None:
    assert finished.scores["looks"] == 1
    assert (finished.folder.parent / ".ledger").is_dir()
    first = stepwell.evaluate(finished.folder, digits)["looks"]
    assert first >= 1 and stepwell.evaluate(finished.folder, digits)["looks"] == first + 1


def test_two_trainings_on_one_folder_are_one_too_many(finished: Any, tmp_path: Path) -> None:
    run = copied(finished, tmp_path / "run")
    with locks.hold(run), pytest.raises(RunError, match="Another process"):
        stepwell.resume(run, settings={"budget.steps": 1}, progress="quiet")


def test_a_diverging_training_fails_with_advice_and_nothing_looks_whole(digits: Path, tmp_path: Path) -> None:
    settings = {**TINY, "optimizer": "sgd", "optimizer.learning_rate": 1e30}
    with pytest.raises(TrainingError, match="diverged") as caught:
        train(digits, tmp_path / "run", settings=settings)
    assert "learning_rate" in caught.value.do
    state = json.loads((tmp_path / "run/run.json").read_text())
    assert state["state"] == "failed" and "diverged" in state["why"]
    assert not (tmp_path / "run/artifact").exists() and not (tmp_path / "run/scores.json").exists()


def test_starting_from_a_run_keeps_its_weights_and_its_split(finished: Any, digits: Path, tmp_path: Path) -> None:
    result = train(
        digits,
        tmp_path / "run",
        recipes=(),
        settings={"budget.steps": 1, "optimizer.learning_rate": 1e-9},
        start=finished.folder,
    )
    assert (result.folder / "split.csv").read_text().count("as in the earlier run") == 60
    state, _ = checkpoint.load_latest(finished.folder / "checkpoints")
    mine, _ = checkpoint.load_latest(result.folder / "checkpoints")
    assert state is not None and mine is not None
    torch.testing.assert_close(mine["model"], state["best"]["weights"], rtol=0, atol=1e-6)
    assert "weight tensors are taken from" in (result.folder / "log.txt").read_text()


class Own(nn.Module):
    """A user's network: flat pixels to two classes."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.layers(image.float() / 255)
        return out


def test_a_module_and_arrays_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    y = np.arange(80) % 2
    x = (generator.integers(0, 100, (80, 8, 8)) + 120 * y[:, None, None]).astype(np.uint8)
    settings = {"budget.epochs": 20, "training.threads": 1, "optimizer.learning_rate": 0.1}
    with monkeypatch.context() as patched:
        interrupt_at(3, patched)
        with pytest.raises(Interrupted):
            train((x, y), tmp_path / "run", model=Own(), settings=settings)
    with pytest.raises(RunError, match="only the caller has"):
        stepwell.resume(tmp_path / "run", progress="quiet")
    with pytest.raises(RunError, match="module of your own"):
        stepwell.resume(tmp_path / "run", data=(x, y), progress="quiet")
    result = stepwell.resume(tmp_path / "run", data=(x, y), model=Own(), progress="quiet")
    assert result.scores["scores"]["accuracy"]["value"] > 0.9
    assert "name: own" in (result.folder / "recipe.yaml").read_text()
    assert [one["label"] for one in result.predictor()(x[:4])] == ["0", "1", "0", "1"]


def test_a_module_that_does_not_fit_the_data_is_told_what_it_gets(digits: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"image \(1, 8, 8\) uint8") as caught:
        train(digits, tmp_path / "run", model=nn.Linear(3, 2), settings={"budget.steps": 1})
    assert "logits (3,)" in caught.value.do


def test_prediction_reports_a_bad_file_and_goes_on(finished: Any, digits: Path, tmp_path: Path) -> None:
    good = sorted((digits / "0").iterdir())[:2]
    (tmp_path / "bad.png").write_bytes(b"no picture")
    answers = list(stepwell.predict(finished.folder, [str(good[0]), str(tmp_path / "bad.png"), str(good[1])]))
    assert [("error" in one) for one in answers] == [False, True, False]
    assert answers[0]["label"] in {"0", "1", "2"} and math.isclose(
        sum(answers[0]["probabilities"].values()), 1, rel_tol=1e-6
    )


def test_prediction_takes_files_folders_and_patterns_together(finished: Any, digits: Path) -> None:
    one = min((digits / "1").iterdir())
    answers = list(stepwell.predict(finished.folder, [str(one), str(digits / "0"), str(digits / "2" / "*.png")]))
    assert [answer["id"] for answer in answers[:1]] == [str(one)] and len(answers) == 41
    assert not any("error" in answer for answer in answers)


def test_evaluation_gives_the_stored_scores_or_judges_new_data(finished: Any, digits: Path, tmp_path: Path) -> None:
    stored = stepwell.evaluate(finished.folder)
    assert stored["scores"] == finished.to_json()["scores"]
    shutil.copytree(digits, tmp_path / "new")
    (tmp_path / "new/0/bad.png").write_bytes(b"no picture")
    fresh = stepwell.evaluate(finished.folder, tmp_path / "new")
    assert fresh["n"] == 60 and list(fresh["unreadable"]) == ["0/bad.png"]


def test_a_report_without_examples_names_none(digits: Path, tmp_path: Path) -> None:
    result = train(digits, tmp_path / "run", pictures=False)
    for name in ("report.html", "card.md"):
        text = (result.folder / name).read_text()
        assert "data:image/png" not in text and str(digits) not in text
        assert not any(path.name in text for path in digits.rglob("*.png"))


def test_check_finds_the_task_and_says_what_there_is(digits: Path, tmp_path: Path) -> None:
    report = stepwell.check(digits)
    assert report.summary["task"] == "image_classification" and report.summary["classes"] == {"0": 20, "1": 20, "2": 20}
    assert not report.findings
    with pytest.raises((UsageError, DataError)):
        stepwell.check(tmp_path / "absent")


def test_a_run_that_was_killed_before_it_began_says_so(tmp_path):
    run_folders.create(tmp_path / "run", "single", "image_classification", "stepwell train image_classification DATA")
    with pytest.raises(RunError, match="stopped before it began"):
        api.resume(tmp_path / "run")


def test_a_wrong_path_leaves_no_run_in_the_way(tmp_path):
    with pytest.raises(DataError, match="There is nothing at"):
        stepwell.train("image_classification", tmp_path / "absent", run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("task", discovery.tasks())
def test_what_is_empty_is_called_so(task, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "data.csv").touch()
    for path in (tmp_path / "folder", tmp_path / "data.csv"):
        with pytest.raises(DataError, match=r"nothing in it|no file here|file is empty"):
            reading.read(discovery.task(task), path)
