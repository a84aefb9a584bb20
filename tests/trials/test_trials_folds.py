"""Folds: everyone is answered once by who did not see it, a broken run goes on, and bad words are answered."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_pictures import QUICK

from stepwell import api, cli, files, splitting
from stepwell.errors import ArtifactError, DataError, Interrupted, RunError, UsageError
from stepwell.judge.trial import Trained, spread
from stepwell.trials import folds, members
from stepwell.trials.members import Answers


@pytest.fixture(scope="module")
def trained(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> api.Result:
    return api.train("image_classification", pictures, folds=3, run=tmp_path_factory.mktemp("runs") / "folds", **QUICK)


def parts(run: Path, member: str) -> dict[str, set[str]]:
    rows = splitting.read_split(run / "members" / member / "split.csv")
    return {part: {row.id for row in rows if row.part == part} for part in ("train", "valid", "test")}


def test_every_example_is_judged_once_by_a_network_that_did_not_see_it(trained: api.Result) -> None:
    lines = files.read_lines(trained.folder / "predictions" / "test.jsonl")
    each = [parts(trained.folder, name) for name in ("01", "02", "03")]
    assert sorted(line["id"] for line in lines) == sorted(set.union(*each[0].values()))
    assert len(lines) == 60 == trained.scores["n"]
    assert all(not one["test"] & (one["train"] | one["valid"]) for one in each)
    assert not each[0]["test"] & each[1]["test"]


def test_the_scores_are_those_of_all_answers_with_baselines_and_spread(trained: api.Result) -> None:
    lines = files.read_lines(trained.folder / "predictions" / "test.jsonl")
    right = np.mean([line["target"]["label"] == line["output"]["label"] for line in lines])
    scores = trained.scores
    assert scores["part"] == "out-of-fold"
    assert scores["scores"]["accuracy"]["value"] == pytest.approx(right)
    assert scores["baselines"]["constant"]["scores"]["accuracy"]["n"] == 60
    each = [one["scores"]["accuracy"] for one in scores["trial"]["members"]]
    told = scores["trial"]["spread"]["accuracy"]
    assert (told["n"], told["mean"]) == (3, pytest.approx(np.mean(each)))
    assert told["deviation"] == pytest.approx(np.std(each, ddof=1))


def test_the_time_of_all_trainings_is_told_by_stage(trained: api.Result) -> None:
    timings = files.read_json(trained.folder / "timings.json")
    assert {"reading", "training", "baselines", "answering", "judging"} <= set(timings["stages"]) == set(timings["cpu"])
    assert timings["stages"]["training"] < sum(timings["stages"].values()) <= timings["seconds"]


def test_the_pooled_answers_count_as_one_look(trained: api.Result) -> None:
    assert trained.scores["looks"] == 1
    again = api.evaluate(trained.folder)
    assert again["looks"] == 1, "what is stored is not another look"
    assert files.read_json(trained.folder / "run.json")["lineage"]
    looks = files.read_json(next(trained.folder.parent.glob(".ledger/*/looks.json")))
    assert [one["n"] for one in looks] == [60]


def test_the_members_are_light_and_alike(trained: api.Result) -> None:
    for name in ("01", "02", "03"):
        member = trained.folder / "members" / name
        assert not (member / "report.html").exists() and not (member / "artifact").exists()
        assert files.read_json(member / "run.json")["state"] == "finished"
    assert trained.report.is_file()
    assert trained.to_json()["artifact"] is None


def test_a_broken_run_goes_on_and_comes_to_the_same(
    trained: api.Result, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, seen = folds._answer, []

    def breaks(*given: Any) -> None:
        seen.append(1)
        if len(seen) == 2:
            raise KeyboardInterrupt
        answer(*given)

    monkeypatch.setattr(folds, "_answer", breaks)
    with pytest.raises(Interrupted) as stopped:
        api.train("image_classification", pictures, folds=3, run=tmp_path / "run", **QUICK)
    assert stopped.value.do == f"stepwell resume {tmp_path / 'run'}"
    first = (tmp_path / "run" / "members" / "01" / "predictions" / "test.jsonl").stat().st_mtime_ns
    again = api.resume(tmp_path / "run", progress="quiet")
    assert (tmp_path / "run" / "members" / "01" / "predictions" / "test.jsonl").stat().st_mtime_ns == first
    assert again.scores == trained.scores
    for name in ("01", "02", "03"):
        histories = [(run / "members" / name / "history.jsonl").read_bytes() for run in (again.folder, trained.folder)]
        assert histories[0] == histories[1]
    beside = api.compare([trained.folder, again.folder])
    assert beside["n"] == 60
    assert beside["pairs"][0]["differences"]["accuracy"]["score"]["value"] == 0


@pytest.mark.usefixtures("no_rivals")
def test_groups_stay_in_one_fold(tmp_path: Path, pictures: Path) -> None:
    rows = [(f"{name}/{number}.png", name, number // 4) for name in "abc" for number in range(20)]
    table = "path,label,group\n" + "".join(f"{path},{label},{label}{group}\n" for path, label, group in rows)
    source = tmp_path / "list.csv"
    source.write_text(table)
    for name in "abc":
        (tmp_path / name).symlink_to(pictures / name)
    result = api.train("image_classification", source, folds=2, run=tmp_path / "run", **QUICK)
    row_of = splitting.read_split(result.folder / "members" / "01" / "split.csv")
    tested = {row.group for row in row_of if row.part == "test"}
    assert tested and not tested & {row.group for row in row_of if row.part != "test"}
    assert result.scores["interval"]["by"] == "group"


def test_what_cannot_be_is_said(trained: api.Result, pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folds is '1'"):
        api.train("image_classification", pictures, folds="1", run=tmp_path / "a", **QUICK)
    with pytest.raises(UsageError, match="folds and ensemble"):
        api.train("image_classification", pictures, folds=2, ensemble=2, run=tmp_path / "b", **QUICK)
    with pytest.raises(UsageError, match="start anew"):
        api.train("image_classification", pictures, folds=2, start=trained.folder, run=tmp_path / "c", **QUICK)
    with pytest.raises(DataError, match="61 folds need"):
        api.train("image_classification", pictures, folds=61, run=tmp_path / "d", **QUICK)
    with pytest.raises(RunError, match="several trainings"):
        api.resume(trained.folder, settings={"budget.epochs": 1}, progress="quiet")


def test_a_run_of_folds_has_no_network_that_answers(trained: api.Result, pictures: Path) -> None:
    for verb in (api.predict, api.evaluate):
        with pytest.raises(ArtifactError, match="run of folds judges a recipe") as told:
            list(verb(trained.folder, pictures))
        assert "without --folds" in told.value.do
    assert api.evaluate(trained.folder)["n"] == 60


def test_one_fold_a_group_has_a_limit(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folds, "MOST", 59)
    with pytest.raises(UsageError, match="60 groups of examples would be 60 trainings") as many:
        api.train("image_classification", pictures, folds="all", run=tmp_path / "all", **QUICK)
    assert "give a number of folds" in many.value.do


def test_the_words_of_the_command_line(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["train", "image_classification", str(pictures), "--folds", "0", "--run", str(tmp_path / "r"), "--json"]
    assert cli.main(words) == 2
    assert json.loads(capsys.readouterr().out)["error"]["message"] == "folds is '0'."


def test_the_spread_passes_over_what_a_fold_lacks() -> None:
    some = [Trained("1", 2, {"x": 1.0, "y": 0.5}), Trained("2", 2, {"x": 3.0}), Trained("3", 2, {"x": float("nan")})]
    assert spread(some).keys() == {"x"}
    assert (spread(some)["x"].n, spread(some)["x"].mean) == (2, 2.0)


def test_answers_come_back_as_they_were_written(trained: api.Result, tmp_path: Path) -> None:
    from stepwell.run import Run

    columns = {"label": ["a", "b"], "probabilities": np.array([[0.1, 0.9], [1 / 3, 2 / 3]], dtype=np.float32)}
    written = Answers(("x", "y"), columns, {"label": ["a", "a"], "boxes": [[1.0], [1.0, 2.0]]})
    members.write_answers(Run(tmp_path), "test", written)
    back = members.read_answers(Run(tmp_path), "test")
    assert back.ids == written.ids and back.truth["label"] == ["a", "a"]
    assert [one.tolist() for one in back.truth["boxes"]] == [[1.0], [1.0, 2.0]]
    assert back.predictions["label"] == ["a", "b"]
    np.testing.assert_array_equal(back.predictions["probabilities"], columns["probabilities"])
