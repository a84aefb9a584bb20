"""Networks that answer as one: the average is what its members say, the artifact holds it, each gain is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from small_pictures import QUICK

from stepwell import api, checkpoint, files
from stepwell.blocks.average import Average
from stepwell.building import Data
from stepwell.errors import Interrupted, UsageError
from stepwell.loop import chosen_weights
from stepwell.preparation import Preparation, Prepared
from stepwell.schema import Examples, Schema
from stepwell.trials import ensemble


@pytest.fixture(scope="module")
def bagged(pictures: Path, tmp_path_factory: pytest.TempPathFactory) -> api.Result:
    return api.train("image_classification", pictures, ensemble=2, run=tmp_path_factory.mktemp("runs") / "bag", **QUICK)


def test_the_artifact_is_all_members_and_the_gain_of_each_is_told(bagged: api.Result) -> None:
    trial = bagged.scores["trial"]
    first, second = trial["members"]
    assert trial["kind"] == "ensemble"
    assert first["together"] == first["scores"]
    assert second["together"]["accuracy"] == pytest.approx(bagged.scores["scores"]["accuracy"]["value"])
    assert first["scores"]["log_loss"] != second["scores"]["log_loss"]
    assert files.read_json(bagged.folder / "artifact" / "manifest.json")["gate"] is not None
    for name in ("01", "02"):
        assert not (bagged.folder / "members" / name / "artifact").exists()


@pytest.mark.usefixtures("bagged", "not_exported")
def test_a_broken_ensemble_goes_on_and_comes_to_the_same(
    bagged: api.Result, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn, seen = ensemble.members.learn, []

    def breaks(*given: object) -> object:
        seen.append(1)
        if len(seen) == 2:
            raise Interrupted("Stopped.")
        return learn(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(ensemble.members, "learn", breaks)
    with pytest.raises(Interrupted):
        api.train("image_classification", pictures, ensemble=2, run=tmp_path / "run", **QUICK)
    api.resume(tmp_path / "run", progress="quiet")
    for name in ("01", "02"):
        weights = [
            chosen_weights(checkpoint.load_latest(run / "members" / name / "checkpoints")[0] or {})
            for run in (tmp_path / "run", bagged.folder)
        ]
        assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    assert files.read_json(tmp_path / "run" / "scores.json")["trial"] == bagged.scores["trial"]


def test_averaging_gives_one_network_no_worse_on_validation(
    pictures: Path, tmp_path: Path, not_exported: list[torch.nn.Module]
) -> None:
    settings = {**QUICK["settings"], "ensemble.kind": "averaging"}
    result = api.train(
        "image_classification", pictures, ensemble=2, run=tmp_path / "run", **{**QUICK, "settings": settings}
    )
    runs = [result.folder / "members" / name for name in ("01", "02")]
    steps = [max(line["cycle"] for line in files.read_lines(run / "history.jsonl")) for run in runs]
    assert steps == [3, 3]
    assert "averaged" in result.scores["trial"]["note"]
    assert "Together they were trained for 6 cycles" in result.scores["trial"]["note"]
    (network,) = not_exported
    assert sum(one.numel() for one in network.parameters()) == 64 * 8 + 8 + 8 * 3 + 3


def test_a_report_says_of_which_members_the_weights_were_averaged() -> None:
    assert "the members 01, 02 and 04 were averaged" in ensemble._averaging_note([1, 2, 4], "log loss")
    assert ensemble._averaging_note([3], "rmse").startswith("Member 03 alone is the network")


def test_the_average_is_the_mean_of_probabilities_or_of_numbers() -> None:
    torch.manual_seed(0)
    members = [torch.nn.Linear(4, 3) for _ in range(3)]
    x = torch.randn(5, 4)
    mean = torch.stack([one(x).softmax(-1) for one in members]).mean(0)
    torch.testing.assert_close(Average(members, logits=True)(x).softmax(-1), mean)
    torch.testing.assert_close(Average(members, logits=False)(x), torch.stack([one(x) for one in members]).mean(0))
    raw = [one(x).detach().numpy() for one in members]
    np.testing.assert_allclose(ensemble._mean(raw, logits=True), Average(members, logits=True)(x).detach(), atol=1e-6)


def test_rows_are_drawn_with_replacement_and_copies_have_ids_of_their_own() -> None:
    ids = tuple(f"e{row}" for row in range(50))
    examples = Examples(ids, ids, {}, lambda *_: {}, "here", "arrays")
    part = Prepared(ids, {"x": np.arange(50)}, {"label": list(ids)}, ({},) * 50)
    parts = {"train": list(range(50)), "valid": [], "test": []}
    data = Data(examples, parts, Preparation(Schema((), (), ()), ()), (), {"train": part})  # type: ignore[arg-type]
    drawn = ensemble.drawn(data, 1)
    rows = list(drawn.parts["train"])
    assert len(rows) == 50 and 25 <= len(set(rows)) <= 40
    prepared = drawn.prepared["train"]
    assert np.asarray(prepared.columns["x"]).tolist() == rows == [int(one[1:]) for one in prepared.truth["label"]]
    assert len(set(prepared.ids)) == 50
    assert rows == list(ensemble.drawn(data, 1).parts["train"]) != list(ensemble.drawn(data, 2).parts["train"])


def test_what_makes_no_sense_is_said(pictures: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ensemble is 1"):
        api.train("image_classification", pictures, ensemble=1, run=tmp_path / "a", **QUICK)
    wrong = {**QUICK, "settings": {"ensemble.kind": "baging"}}
    with pytest.raises(UsageError, match="no ensemble of kind 'baging'") as told:
        api.train("image_classification", pictures, ensemble=2, run=tmp_path / "b", **wrong)
    assert "bagging" in told.value.do
    with pytest.raises(UsageError, match="no ensemble is asked for"):
        api.train("image_classification", pictures, run=tmp_path / "c", **wrong)


@pytest.mark.parametrize(
    ("task", "members", "why"),
    [
        ("toy_volume", 0, "there is no mean of what they answer, scores"),
        ("toy_gan", 1, "what answers is not one network that is all that is trained"),
    ],
)
def test_networks_that_have_no_mean_are_refused_before_the_second_is_trained(
    task: str, members: int, why: str, tmp_path: Path
) -> None:
    data = api.sample(task, tmp_path / "data")
    quick = {"budget.time": None, "budget.steps": 2, "training.threads": 1, "training.evaluate_every": 2}
    with pytest.raises(UsageError, match=f"Networks of {task} cannot answer as one: {why}"):
        api.train(task, data, ensemble=2, recipes=("quick",), settings=quick, run=tmp_path / "run", progress="quiet")
    assert len(list((tmp_path / "run").glob("members/*"))) == members
