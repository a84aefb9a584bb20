"""Healing a run: what was found is answered, proven and trained; what cannot be healed is said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stepwell import api, cli, discovery, intake, outcome, run
from stepwell.doctor.changes import Change
from stepwell.doctor.record import read
from stepwell.doctor.remedies import optimizer, raise_rate
from stepwell.errors import BudgetError, Interrupted, RunError
from stepwell.files import read_lines
from stepwell.job import Clock, Job
from stepwell.progress import open_progress
from stepwell.schema import Finding
from stepwell.tasks.table.models import mlp
from stepwell.trials import arms, healing, members

pytestmark = pytest.mark.usefixtures("looks_by_count")

STEPS = 60


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four hundred rows of which two columns tell the class."""
    draw = np.random.default_rng(0)
    columns = draw.normal(size=(400, 4)).round(3)
    labels = np.where(columns[:, 0] - columns[:, 1] > 0, "yes", "no")
    path = tmp_path_factory.mktemp("table") / "rows.csv"
    rows = [",".join([*map(str, numbers), label]) for numbers, label in zip(columns.tolist(), labels, strict=True)]
    path.write_text("a,b,c,d,answer\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture(autouse=True)
def only_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is exported or judged, and an arm is as long as the run."""

    def finish(job: Any, *_: Any) -> None:
        job.run.write_json("scores.json", {"scores": {"auroc": {"value": 0.9}}})
        job.run.set_state("finished")

    monkeypatch.setattr(outcome, "finish", finish)
    monkeypatch.setattr(healing, "LEAST_CYCLES", STEPS)


def trained(table: Path, folder: Path, **settings: object) -> Path:
    words = {name.replace("__", "."): value for name, value in settings.items()}
    small = {"model.widths": (16,), "training.patience": None, "training.threads": 1, "steps": STEPS}
    api.train("table", table, recipes=("classic",), settings={**small, **words}, run=folder)
    return folder


def test_a_rate_too_low_is_healed_and_a_kill_loses_one_arm(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ill = trained(table, tmp_path / "ill", optimizer__learning_rate=1e-6)
    learn, count = members.learn, [0]

    def counting(*given: Any) -> Any:
        count[0] += 1
        if count[0] == 4:
            raise Interrupted("stopped for the test")
        return learn(*given)

    monkeypatch.setattr(members, "learn", counting)
    with pytest.raises(Interrupted) as stopped:
        api.heal(ill, progress="quiet")
    assert stopped.value.do == f"stepwell heal {ill}"
    capsys.readouterr()
    assert cli.main(["heal", str(ill), "--json", "-q"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert count[0] == told["cost"]["arms"] + 1  # of all arms only the fourth was begun twice
    (tried,) = [one for one in told["tried"] if one["accepted"]]
    assert tried["flags"].startswith("--optimizer.learning_rate 0.0") and tried["proof"]["state"] == "verified"
    assert tried["proof"]["low"] > 0.1
    (found,) = [one for one in told["findings"] if one["name"] == "lr_too_low"]
    assert found["verified"] is True and found["remedy"] == tried["flags"]
    assert told["scores"] == {"auroc": 0.9} and told["cost"]["arms"] >= 9
    healed = run.open_run(Path(told["run"]))
    assert healed.state()["state"] == "finished" and healed.state()["healed_from"] == str(ill)
    assert healed.path("split.csv").read_bytes() == (ill / "split.csv").read_bytes()
    assert healed.recipe().options("optimizer").learning_rate > 1e-3
    page = (ill / "heal" / "heal.html").read_text()
    assert tried["flags"] in page and "answered, and the answer proven" in page
    assert api.heal(ill).healed == told["run"]  # what is done is told again
    assert count[0] == told["cost"]["arms"] + 1


def test_a_healthy_run_is_left_alone(table: Path, tmp_path: Path) -> None:
    found = api.heal(trained(table, tmp_path / "well", optimizer__learning_rate=0.01), progress="quiet")
    assert found.healed == "" and found.tried == () and found.cost["arms"] == 0


def test_a_training_that_failed_is_healed(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "table", str(table), "--recipe", "classic", "--run", str(tmp_path / "run"), "--heal", "-q"]
    words += [
        "--steps",
        str(STEPS),
        "--training.threads",
        "1",
        "--model.widths",
        "[16]",
        "--optimizer",
        "sgd",
        "--optimizer.learning_rate",
        "3e3",
    ]
    assert cli.main([*words, "--training.patience", "null", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert run.open_run(tmp_path / "run").state()["state"] == "failed"
    assert any(one["accepted"] for one in told["tried"]) and Path(told["run"]).name == "run-healed"


def test_what_cannot_be_healed_is_said(table: Path, tmp_path: Path) -> None:
    ill = trained(table, tmp_path / "ill", optimizer__learning_rate=1e-6)
    with pytest.raises(BudgetError, match="too few to try a change on two seeds"):
        api.heal(ill, time=1, progress="quiet")
    alone = trained(table, tmp_path / "alone", training__doctor=False)
    with pytest.raises(RunError, match="did not read"):
        api.heal(alone, progress="quiet")
    state = json.loads((ill / "run.json").read_text())
    (ill / "run.json").write_text(json.dumps({**state, "data": str(tmp_path / "gone.csv")}))
    with pytest.raises(Exception, match=r"gone\.csv"):
        api.heal(ill, progress="quiet")
    with pytest.raises(RunError, match="asked for again"):
        api.resume(ill / "heal")


def test_a_forked_arm_goes_on_from_the_snapshot_and_counts_only_what_comes_after(table: Path, tmp_path: Path) -> None:
    ill = run.open_run(trained(table, tmp_path / "ill", optimizer__learning_rate=1e-3))
    place = run.create(tmp_path / "ill" / "heal", "heal", "table", "heal")
    with open_progress("quiet", place.path("log.txt")) as silent:
        job = Job(place, discovery.task("table"), ill.recipe(), table, silent, Clock())
        healing._take_over(ill, place)
        data = intake.look(job)
        held = arms.Arms(job, data, ill, "log_loss", "min", STEPS, snapshot=STEPS)
        faster = Change({"optimizer.learning_rate": 0.02}, "", "raise_rate", structural=False)
        forked, anew = (held.train("raise_rate", [faster], 0, forked=one) for one in (True, False))
    assert forked.cycles == anew.cycles == STEPS
    lines, others = (read_lines(place.path("members") / arm.folder / "history.jsonl") for arm in (forked, anew))
    assert {line["cycle"] for line in lines} == set(range(STEPS + 1, 2 * STEPS + 1))
    validated = [next(line for line in one if line["kind"] == "evaluation") for one in (lines, others)]
    assert validated[0]["values"]["log_loss"] < validated[1]["values"]["log_loss"]  # it had learnt before
    signals = read(place.path("members") / forked.folder / "signals.jsonl")
    assert signals.facts["constant"] > 0.5 and len(signals.steps) == STEPS  # of the beginning it keeps what was known


def test_where_its_last_good_snapshot_is_and_what_is_worth_beginning_from(table: Path, tmp_path: Path) -> None:
    ill = run.open_run(trained(table, tmp_path / "ill", optimizer__learning_rate=0.01))
    late, last, early = ({"f": Finding("f", 2, "", "", "", where={"step": step})} for step in (STEPS + 5, STEPS, 3))
    assert healing._snapshot(ill, STEPS, late) == STEPS
    assert healing._snapshot(ill, STEPS, last) is None  # what is seen at the end has ruined what the end has
    assert healing._snapshot(ill, STEPS, early) is None
    unlearnt = run.open_run(trained(table, tmp_path / "unlearnt", optimizer__learning_rate=1e-6))
    assert healing._snapshot(unlearnt, STEPS, late) is None


def test_two_healings_of_one_run_do_not_run_at_once(table: Path, tmp_path: Path) -> None:
    ill = run.open_run(trained(table, tmp_path / "ill", optimizer__learning_rate=1e-6))
    place = run.create(ill.folder / "heal", "heal", "table", "heal")
    with place.lock(), pytest.raises(RunError, match="Another process"):
        api.heal(ill.folder, progress="quiet")


def test_a_remedy_that_memory_does_not_hold_is_said_to_fail(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ill = trained(table, tmp_path / "ill", optimizer__learning_rate=1e-6)
    build = mlp.build

    def built(options: mlp.Options, *given: Any) -> Any:
        if options.widths == (10**5,):
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 160000000000 bytes.")
        return build(options, *given)

    monkeypatch.setattr(mlp, "build", built)
    monkeypatch.setattr(raise_rate, "changes", lambda *_: [Change({"model.widths": (10**5,)}, "much larger")])
    monkeypatch.setattr(optimizer, "changes", lambda *_: [])
    found = api.heal(ill, progress="quiet")
    assert found.healed == ""
    assert any("its weights alone do not fit" in one.said for one in found.tried)
