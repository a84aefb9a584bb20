"""Comparing methods: all on the same test examples, one kept by validation, differences from doing nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_pictures import QUICK

from stepwell import api, discovery, files, recipe
from stepwell.errors import UsageError
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


def test_all_are_judged_on_the_same_examples_and_one_is_kept(
    uneven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "methods", lambda *_: ["none", "class_weights", "focal"])
    result = api.train("image_classification", uneven, imbalance="compare", run=tmp_path / "run", **QUICK)
    trial = result.scores["trial"]
    none, weights, focal = trial["members"]
    assert (trial["kind"], none["name"], none["differences"]) == ("comparison", "none", {})
    for one in (weights, focal):
        told = one["differences"]["balanced_accuracy"]
        assert told["value"] == pytest.approx(one["scores"]["balanced_accuracy"] - none["scores"]["balanced_accuracy"])
        assert told["low"] <= told["value"] <= told["high"]
        assert one["n"] == result.scores["n"]
    kept = next(one for one in trial["members"] if one["name"] == trial["chosen"])
    assert kept["scores"]["accuracy"] == pytest.approx(result.scores["scores"]["accuracy"]["value"])
    frozen = [
        recipe.from_yaml((tmp_path / "run" / "members" / name / "recipe.yaml").read_text())
        for name in ("01", "02", "03")
    ]
    assert [one.name("imbalance") for one in frozen] == ["none", "class_weights", "none"]
    assert [one.name("loss") for one in frozen] == ["cross_entropy", "cross_entropy", "focal"]
    assert (tmp_path / "run" / "artifact" / "manifest.json").is_file()
    assert not (tmp_path / "run" / "members" / "01" / "split.csv").exists()
    assert files.read_json(tmp_path / "run" / "run.json")["state"] == "finished"


def test_one_method_is_a_setting_of_an_ordinary_run(uneven: Path, tmp_path: Path) -> None:
    result = api.train("image_classification", uneven, imbalance="under-sampling", run=tmp_path / "run", **QUICK)
    assert files.read_json(tmp_path / "run" / "run.json")["kind"] == "single"
    assert api.run_folders.open_run(result.folder).recipe().name("imbalance") == "under_sampling"
    both = {**QUICK, "settings": {**QUICK["settings"], "loss": "cross_entropy"}}
    with pytest.raises(UsageError, match="both asked for"):
        api.train("image_classification", uneven, imbalance="focal", run=tmp_path / "b", **both)
