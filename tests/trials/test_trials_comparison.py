"""Comparing methods: all on the same test examples, one kept by validation, differences from doing nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_pictures import QUICK

from stepwell import api, checkpoint, discovery, files, recipe, splitting
from stepwell.errors import UsageError
from stepwell.loop import chosen_weights
from stepwell.schema import Field, Schema
from stepwell.trials import comparison

CLASSES = Field("label", "category", "int64", classes=("a", "b"))
PICTURES = Schema((Field("image", "image", "uint8", (1, 6, 6)),), (CLASSES,), ())
NUMBERS = Schema((Field("numbers", "number", "float32", (2,)),), (CLASSES,), ())


def test_methods_that_do_not_fit_are_left_out_and_nothing_comes_first() -> None:
    folder = discovery.task("image_classification")
    draft = recipe.draft(folder.name, ("quick",))
    found = comparison.methods(draft, folder, PICTURES)
    assert found[0] == "none" and "smote" not in found and "focal" in found and len(found) == len(set(found)) == 8
    assert set(comparison.methods(draft, folder, NUMBERS)) == {*found, "smote"}


def in_test_part(run: Path) -> list[str]:
    return [row.id for row in splitting.read_split(run / "split.csv") if row.part == "test"]


def test_all_are_judged_on_the_same_examples_and_one_is_kept(
    uneven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, not_exported: list[torch.nn.Module]
) -> None:
    monkeypatch.setattr(comparison, "methods", lambda *_: ["none", "class_weights", "focal"])
    result = api.train("image_classification", uneven, imbalance="compare", run=tmp_path / "run", **QUICK)
    trial = result.scores["trial"]
    none, weights, focal = trial["members"]
    assert (trial["kind"], none["name"], none["differences"]) == ("comparison", "none", {})
    assert trial["metric"] == "balanced_accuracy" and "for its balanced accuracy" in trial["note"]
    assert "trained for 6 cycles" in trial["note"] and "That is little" in trial["note"]
    for one in (weights, focal):
        told = one["differences"]["balanced_accuracy"]
        assert told["value"] == pytest.approx(one["scores"]["balanced_accuracy"] - none["scores"]["balanced_accuracy"])
        assert told["low"] <= told["value"] <= told["high"]
        assert one["n"] == none["n"] == len(set(in_test_part(result.folder)))
    (network,) = not_exported
    kept = [one["name"] for one in trial["members"]].index(trial["chosen"]) + 1
    state, _ = checkpoint.load_latest(result.folder / "members" / f"{kept:02d}" / "checkpoints")
    weights = chosen_weights(state or {})
    assert all(torch.equal(weights[name], value) for name, value in network.state_dict().items())
    frozen = [
        recipe.from_yaml((tmp_path / "run" / "members" / name / "recipe.yaml").read_text())
        for name in ("01", "02", "03")
    ]
    assert [one.name("imbalance") for one in frozen] == ["none", "class_weights", "none"]
    assert [one.name("loss") for one in frozen] == ["cross_entropy", "cross_entropy", "focal"]
    assert not (tmp_path / "run" / "members" / "01" / "split.csv").exists()
    assert files.read_json(tmp_path / "run" / "run.json")["state"] == "finished"


@pytest.mark.usefixtures("not_exported")
def test_one_method_is_a_setting_of_an_ordinary_run(uneven: Path, tmp_path: Path) -> None:
    result = api.train("image_classification", uneven, imbalance="under-sampling", run=tmp_path / "run", **QUICK)
    assert files.read_json(tmp_path / "run" / "run.json")["kind"] == "single"
    assert api.run_folders.open_run(result.folder).recipe().name("imbalance") == "under_sampling"
    both = {**QUICK, "settings": {**QUICK["settings"], "loss": "cross_entropy"}}
    with pytest.raises(UsageError, match="both asked for"):
        api.train("image_classification", uneven, imbalance="focal", run=tmp_path / "b", **both)


def test_classes_of_about_equal_size_are_said_to_give_these_methods_little_to_do() -> None:
    assert "10 to 14 training examples" in comparison._alike(["a"] * 10 + ["b"] * 14 + ["c"] * 12)
    assert comparison._alike(["a"] * 10 + ["b"] * 15) == ""
