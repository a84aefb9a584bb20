"""What members share: the time, which bounds the whole, and the words on how long they were trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_pictures import QUICK

from stepwell import api, calibration, files, recipe
from stepwell import run as run_folders
from stepwell.errors import BudgetError, TrainingError
from stepwell.run import Run
from stepwell.trials import members

DRAFT = recipe.draft("image_classification", ("quick",))


@settings(max_examples=10)
@given(st.floats(60, 7200), st.floats(0, 0.5), st.integers(1, 20), st.booleans())
def test_the_shares_leave_what_the_whole_needs_for_itself(
    whole: float, used: float, left: int, baselines: bool
) -> None:
    gone = used * whole
    stated = members.with_share(DRAFT, whole, gone, left, baselines=baselines).options("budget").time
    own = stated - calibration.finishing_seconds(stated)
    after = calibration.finishing_seconds(whole)
    if not baselines:  # the whole fits them, once
        own -= calibration.baseline_seconds(stated)
        after += calibration.baseline_seconds(whole)
    assert gone + left * own + after == pytest.approx(whole, rel=1e-6)


def test_without_a_time_there_are_no_shares() -> None:
    assert members.with_share(DRAFT, None, 5, 2, baselines=True) is DRAFT


def test_too_little_time_is_said_of_the_whole(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(budget: float, gone: float, after: calibration.After) -> Any:
        raise BudgetError(f"{gone:.0f} of {budget:.0f} s are used up.", least=2 * budget)

    monkeypatch.setattr(calibration, "shares", none_left)
    with pytest.raises(TrainingError, match="share of member 01 in the time budget of 40 s") as told:
        api.train("image_classification", pictures, folds=2, time=40, run=tmp_path / "run", **QUICK)
    assert told.value.do.startswith("give at least --time 80s")
    assert "time budget of 40 s" in files.read_json(tmp_path / "run" / "run.json")["why"]


def trained(folder: Path, cycles: int, epochs: int, **state: Any) -> Run:
    run = run_folders.create(folder, "single", "image_classification", "stepwell train")
    files.write_json(folder / "run.json", {**run.state(), **state})
    steps = [{"kind": "step", "cycle": one, "epoch": 0} for one in (1, cycles)]
    last = {"kind": "evaluation", "cycle": cycles, "epoch": epochs}
    (folder / "history.jsonl").write_text("".join(files.json_text(one) + "\n" for one in [*steps, last]))
    return run


def test_how_long_they_were_trained_is_said_and_when_it_is_little(tmp_path: Path) -> None:
    long = trained(tmp_path / "01", 1200, 10)
    assert members.lengths([long, long]) == "Each was trained for 1,200 cycles, 10 whole epochs."
    short = trained(tmp_path / "02", 60, 5, cut_short={"cycle": 60, "why": "slow"})
    said = members.lengths([long, short])
    assert said.startswith("Each was trained for 60 to 1,200 cycles, 5 to 10 whole epochs. The clock cut 02 short.")
    assert said.endswith("give more --time or --epochs.")
    assert "That is little" in members.lengths([trained(tmp_path / "03", 5000, 1)])
    chain = [trained(tmp_path / name, 60, 2) for name in ("04", "05")]
    assert members.lengths(chain, chained=True) == "Together they were trained for 120 cycles, 4 whole epochs."


def test_answers_of_unequal_shapes_come_back_as_arrays():
    masks = members._column([[[0, 1], [1, 1]], [[1, 0, 0]]])
    assert [one.shape for one in masks] == [(2, 2), (1, 3)]
    assert members._column([["a"], ["a", "b"]]) == [["a"], ["a", "b"]]
    assert members._column([[1.0, 2.0], [3.0, 4.0]]).shape == (2, 2)
