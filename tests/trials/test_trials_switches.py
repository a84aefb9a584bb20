"""Single settings compared: which changes are tried, and what comes of a small run of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from stepwell import api, files, recipe
from stepwell.errors import UsageError
from stepwell.trials import switches


def tried(*wanted: str, **settings: object) -> list[str]:
    ways, _ = switches.changes(recipe.draft("sentiment", ("quick",), settings), wanted)
    assert ways[0][0] == switches.AS_IT_IS
    return [name for name, _ in ways[1:]]


def test_the_other_values_of_a_setting_are_tried() -> None:
    assert tried("prepare.lower") == ["prepare.lower false"]
    assert tried("prepare.longest=16") == ["prepare.longest 16"]
    assert tried(["prepare.lower", "prepare.longest=16"][0], "model=gru") == [
        "prepare.lower false",
        "model.name gru",
    ]
    assert {"prepare.lower false", "prepare.stop_words true", "prepare.stemming true"} <= set(tried("prepare"))
    ways, _ = switches.changes(recipe.draft("sentiment", ("quick",), {}), ["prepare.longest=16"])
    assert ways[1][1].options("prepare").longest == 16


def test_what_does_not_go_with_the_rest_is_said() -> None:
    draft = recipe.draft("sentiment", ("quick",), {"prepare.stop_words": True})
    ways, passed = switches.changes(draft, ["prepare.tokens", "prepare.lower"])
    assert [name for name, _ in ways] == [switches.AS_IT_IS, "prepare.lower false"]
    assert len(passed) >= 2  # every other kind of token
    assert passed[0].startswith("prepare.tokens characters was passed over")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("prepare.lowr", "no setting"),
        ("prepare.lowr=1", "no setting"),
        ("prepare.longest", "no few values"),
        ("prepare.longest=many", "wanted"),
        ("prepare.lower=true", "Nothing is left"),
    ],
)
def test_what_cannot_be_compared_is_refused(wanted: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        tried(wanted)


def test_several_kinds_of_run_at_once_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="of one kind"):
        api.plan("sentiment", tmp_path, folds=3, compare="prepare.lower")


def test_each_setting_is_trained_and_judged_on_the_same_examples(
    tmp_path: Path, not_exported: list[torch.nn.Module]
) -> None:
    api.sample("sentiment", tmp_path / "data")
    result = api.train(
        "sentiment",
        tmp_path / "data",
        recipes=["quick"],
        steps=6,
        settings={"model.width": 8},
        compare=["prepare.longest=4,prepare.stop_words"],
        run=tmp_path / "run",
        progress="quiet",
    )
    trial = result.scores["trial"]
    assert [one["name"] for one in trial["members"]] == [
        "as it is",
        "prepare.longest 4",
        "prepare.stop_words true",
    ]
    assert trial["chosen"] == "as it is"
    assert len(not_exported) == 1
    first, *others = trial["members"]
    for one in others:
        told = one["differences"]["macro_f1"]
        assert told["value"] == pytest.approx(one["scores"]["macro_f1"] - first["scores"]["macro_f1"])
        assert one["n"] == first["n"]
    folders = [tmp_path / "run" / "members" / name for name in ("01", "02")]
    members = [recipe.from_yaml((folder / "recipe.yaml").read_text()) for folder in folders]
    assert [one.options("prepare").longest for one in members][1] == 4
    assert members[0].options("budget").steps == members[1].options("budget").steps
    assert files.read_json(tmp_path / "run" / "run.json")["state"] == "finished"
