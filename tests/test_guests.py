"""What lies in `tests/guests` comes in by the door for packages of others: nothing in the house knows of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from stepwell import api, discovery
from stepwell.errors import UsageError

TOYS = {"toy_boxes", "toy_forecast", "toy_gan", "toy_transcription", "toy_volume"}


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes of the built-in sample, and one picture that somebody marked."""
    pytest.importorskip("sklearn")
    whole = api.sample("image_classification", tmp_path_factory.mktemp("sample") / "digits")
    few = whole.with_name("few")
    for name in ("0", "1"):
        shutil.copytree(whole / name, few / name)
    shutil.move(next((few / "1").iterdir()), few / "1" / "DO_NOT_USE.png")
    return few


def test_discovery_sees_tasks_backbones_and_checks_of_others() -> None:
    assert set(discovery.tasks()) > TOYS
    assert discovery.describe("tasks")["toy_gan"] == "Toy GAN: noise in, points of a distribution out."
    assert "guest_pyramid" in discovery.names("backbones")
    assert "marked_unusable" in discovery.names("audit")
    assert discovery.task("toy-volume").rooms("transforms") == ("toy_volume.transforms", "transforms")


def test_a_check_of_others_speaks_in_every_audit(digits: Path) -> None:
    report = api.check(digits)
    assert report.summary["task"] == "image_classification", "no guest takes pictures of others for its own"
    found = [one for one in report.findings if one.name == "marked_unusable"]
    assert [one.examples for one in found] == [("1/DO_NOT_USE.png",)]


def test_check_finds_the_guest_task_of_its_data(tmp_path: Path) -> None:
    for task in sorted(TOYS - {"toy_boxes", "toy_forecast"}):
        sample = api.sample(task, tmp_path / task)
        report = api.check(sample)
        assert (report.summary["task"], report.findings) == (task, ())


@pytest.mark.parametrize(("guest", "resident"), [("toy_boxes", "image_classification"), ("toy_forecast", "table")])
def test_data_that_fit_a_guest_and_a_resident_are_not_guessed_at(tmp_path: Path, guest: str, resident: str) -> None:
    sample = api.sample(guest, tmp_path / guest)
    with pytest.raises(UsageError, match=f"{resident}, {guest}"):
        api.check(sample)
    assert api.check(sample, task=guest).findings == ()


def test_a_backbone_of_others_is_a_model_of_every_task_with_heads(digits: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    run = tmp_path / "run"
    words = ["train", "image_classification", digits, "--model", "guest-pyramid", "--model.width", "4"]
    limits = ["--epochs", "2", "--augmentation", "none", "--training.threads", "1"]
    command = [sys.executable, "-m", "stepwell", *words, *limits, "--run", run, "--json"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    printed = json.loads(ended.stdout)
    assert printed["scores"]["accuracy"] > 0.5
    assert "marked_unusable" in {one["name"] for one in printed["findings"]}
    recipe = (run / "recipe.yaml").read_text()
    assert "name: guest_pyramid" in recipe
    answers = list(api.predict(run, sorted((digits / "0").iterdir())[:3]))
    assert all(set(answer) == {"id", "label", "probability", "probabilities"} for answer in answers)
