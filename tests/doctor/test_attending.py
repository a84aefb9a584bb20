"""The doctor at Stepwell's own trainings: nothing changes, what it read is kept, and what harms is said."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy as safetensors

from stepwell import api, checkpoint, cli, outcome
from stepwell.doctor import attending
from stepwell.doctor.record import EARLY, MOST_NORMS, MOST_PROBES, MOST_STEPS, SIGNALS, Record, read
from stepwell.errors import Interrupted, RunError, StepwellError

pytestmark = pytest.mark.usefixtures("looks_by_count")

SMALL = {"model.widths": (16,), "training.patience": None, "model.dropout": 0.2}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hundred rows, of which two columns tell the class with noise."""
    draw = np.random.default_rng(0)
    columns = draw.normal(size=(400, 4)).round(3)
    labels = np.where(columns[:, 0] - columns[:, 1] + draw.normal(size=400) > 0, "yes", "no")
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    rows = [",".join([*map(str, numbers), label]) for numbers, label in zip(columns.tolist(), labels, strict=True)]
    path.write_text("a,b,c,d,answer\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(autouse=True)
def only_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is exported, judged or reported: these tests ask of training alone."""
    monkeypatch.setattr(outcome, "finish", lambda job, *_: job.run.set_state("finished"))


def trained(table: Path, folder: Path, **settings: object) -> Path:
    words = {name.replace("__", "."): value for name, value in settings.items()}
    with contextlib.suppress(RunError):  # there are no scores
        api.train("table", table, recipes=("classic",), settings={**SMALL, "steps": 60, **words}, run=folder)
    return folder


def test_a_training_that_is_watched_is_the_training_that_is_not(table: Path, tmp_path: Path) -> None:
    watched = trained(table, tmp_path / "watched")
    alone = trained(table, tmp_path / "alone", training__doctor=False)
    assert (watched / "history.jsonl").read_bytes() == (alone / "history.jsonl").read_bytes()
    state, other = (checkpoint.load_latest(run / "checkpoints")[0] for run in (watched, alone))
    assert state is not None and other is not None
    for name, one in state["model"].items():
        assert safetensors.save({"x": one.numpy()}) == safetensors.save({"x": other["model"][name].numpy()})
    assert (watched / SIGNALS).exists() and not (alone / SIGNALS).exists()
    record = read(watched / SIGNALS)
    assert [row["step"] for row in record.steps] == list(range(60)) and record.horizon == 60
    assert {"valid_loss", "valid_balanced_accuracy"} <= record.probes[-1].keys()
    with pytest.raises(StepwellError, match="did not read"):
        api.diagnose(alone)


def test_several_members_in_one_network_are_read_too(table: Path, tmp_path: Path) -> None:
    record = read(trained(table, tmp_path / "run", model__members=3) / SIGNALS)
    assert record.unread == [] and len(record.probes) > 2
    assert 0.5 < record.facts["constant"] < 0.7


def test_what_harms_is_among_the_findings_and_said_again(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(table, tmp_path / "run", optimizer="sgd", optimizer__learning_rate=5.0, steps=200)
    named = {one["name"] for one in json.loads((run / "findings.json").read_text())}
    assert {"lr_too_high", "target_chosen"} <= named
    assert "Lr too high" in (run / "doctor.html").read_text()
    assert "lr_too_high" in {one.name for one in api.diagnose(run).findings}
    assert cli.main(["diagnose", str(run)]) == 1
    assert "lr_too_high" in capsys.readouterr().out


def test_a_training_that_diverges_leaves_what_was_read(table: Path, tmp_path: Path) -> None:
    with pytest.raises(StepwellError, match="diverged"):
        trained(table, tmp_path / "run", optimizer="sgd", optimizer__learning_rate=1e30, model__activation="linear")
    assert "lr_too_high" in {one.name for one in api.diagnose(tmp_path / "run").findings}


def test_what_was_read_goes_on_where_the_training_does(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = read(trained(table, tmp_path / "whole") / SIGNALS)

    def stopped(run: object, doctor: attending.Doctor) -> None:
        attending_keep(run, doctor)  # type: ignore[arg-type]
        if doctor.updates >= 30:
            raise Interrupted("stopped for the test")

    attending_keep = attending._keep
    monkeypatch.setattr(attending, "_keep", stopped)
    with pytest.raises(Interrupted):
        trained(table, tmp_path / "run", training__checkpoint_every=0.001, training__evaluate_every=5)
    monkeypatch.setattr(attending, "_keep", attending_keep)
    with contextlib.suppress(RunError):  # there are no scores
        api.resume(tmp_path / "run")
    record = read(tmp_path / "run" / SIGNALS)
    assert [row["step"] for row in record.steps] == list(range(60))
    assert record.facts["constant"] == pytest.approx(whole.facts["constant"])
    assert record.probes[-1]["step"] == 60


def test_the_record_of_a_long_training_stays_small() -> None:
    record = Record()
    for step in range(50_000):
        rich = {"updates": {"w": 0.01}} if step % 8 == 0 else {}
        record.steps.append({"step": step, "rate": 0.1, "loss": 1.0, **rich})
        if step % 50 == 0:
            record.probes.append({"step": step, "loss": 1.0, "layers": {}})
        record.thin()
    steps = [row["step"] for row in record.steps]
    assert steps == sorted(set(steps)) and steps[:EARLY] == list(range(EARLY)) and steps[-1] == 49_999
    assert len(steps) <= MOST_STEPS and len(record.probes) <= MOST_PROBES
    assert sum("updates" in row for row in record.steps[EARLY:]) <= 2 * MOST_NORMS
    assert [row["step"] for row in record.probes[:3]] == [0, 50, 100] and record.probes[-1]["step"] == 49_950
