"""Runs → a comparison, or a refusal that says why; the runs here are written by hand, as a training leaves them."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import stepwell
from stepwell import comparison, files, run, splitting
from stepwell.errors import RunError, StepwellError, UsageError
from stepwell.schema import Field, Schema

CLASSES = ("cat", "dog")


def make_run(folder, right, *, ids=None, truth=None, classes=CLASSES, task="image_classification", group=None):
    """A finished run whose answers are right as said; ids, truth and split as a training would have written them."""
    ids = ids or [f"x{number:03}" for number in range(len(right))]
    truth = truth or [CLASSES[number % 2] for number in range(len(ids))]
    made = run.create(folder, "single", task, "stepwell train")
    schema = Schema((), (Field("label", "category", "int64", (), classes),), ())
    files.write_json(folder / "preparation.json", {"schema": dataclasses.asdict(schema)})
    (folder / "predictions").mkdir()
    lines = []
    for name, true, good in zip(ids, truth, right, strict=True):
        said = true if good else CLASSES[1 - CLASSES.index(true)]
        output = {"label": said, "probability": 0.8, "probabilities": [0.8 if one == said else 0.2 for one in CLASSES]}
        lines.append(json.dumps({"id": name, "part": "test", "target": {"label": true}, "output": output}) + "\n")
    (folder / "predictions" / "test.jsonl").write_text("".join(lines))
    rows = [splitting.Row(group[at] if group else name, name, "test", name, "") for at, name in enumerate(ids)]
    splitting.write_split(folder / "split.csv", rows)
    made.set_state("finished")
    return folder


@pytest.fixture
def pair(tmp_path):
    generator = np.random.default_rng(0)
    return [make_run(tmp_path / name, generator.random(300) < skill) for name, skill in (("good", 0.97), ("poor", 0.8))]


def test_two_runs_are_compared_and_the_page_is_written(pair, tmp_path):
    found = stepwell.compare(pair, report=tmp_path / "page.html")
    json.dumps(found, allow_nan=False)
    assert found["n"] == 300 and found["headline"] == "accuracy" and list(found["sides"]) == [str(one) for one in pair]
    assert found["verdict"].startswith(f"{pair[0]} is better than {pair[1]}")
    assert found["pairs"][0]["differences"]["accuracy"]["test"] == "mcnemar"
    assert "log_loss" in found["pairs"][0]["differences"]
    assert "The verdict" in (tmp_path / "page.html").read_text()


def test_the_order_of_the_answers_does_not_matter(pair):
    expected = comparison.compare(pair)
    path = pair[1] / "predictions" / "test.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(reversed(lines)))
    assert comparison.compare(pair).pairs == expected.pairs


def test_examples_of_one_unit_are_resampled_together(tmp_path):
    units = [f"p{number // 10}" for number in range(300)]
    generator = np.random.default_rng(0)
    runs = [make_run(tmp_path / name, generator.random(300) < 0.9, group=units) for name in "ab"]
    found = comparison.compare(runs)
    assert (found.interval.by, found.interval.units) == ("group", 30)


def test_a_run_of_several_trainings_is_compared_by_what_its_members_share(pair):
    expected = comparison.compare(pair)
    members = pair[1] / "members" / "01"
    members.mkdir(parents=True)
    for name in ("preparation.json", "split.csv"):
        (pair[1] / name).rename(members / name)
    assert comparison.compare(pair) == expected


def test_other_examples_are_refused_with_counts_and_one_of_them(pair, tmp_path):
    other = make_run(tmp_path / "other", [True] * 300, ids=[f"x{number:03}" for number in range(100, 400)])
    with pytest.raises(
        RunError, match=r"300 and 300, of which 200 are common; 'x000' is only in the test part of .*good"
    ):
        comparison.compare([pair[0], other])


def test_folds_and_a_single_run_are_told_to_be_judged_alike(pair, tmp_path):
    folds = make_run(tmp_path / "folds", [True] * 400)
    files.write_json(folds / "run.json", {**files.read_json(folds / "run.json"), "kind": "folds"})
    with pytest.raises(RunError, match="different examples") as refusal:
        comparison.compare([pair[0], folds])
    assert "with --folds too" in refusal.value.do


def test_other_truths_are_refused(pair, tmp_path):
    changed = make_run(tmp_path / "changed", [True] * 300, truth=["dog", *(CLASSES[n % 2] for n in range(1, 300))])
    with pytest.raises(RunError, match="1 of 300 examples, for instance 'x000'"):
        comparison.compare([pair[0], changed])


def test_other_classes_and_other_tasks_are_refused(pair, tmp_path):
    more = make_run(tmp_path / "more", [True] * 300, classes=("cat", "dog", "owl"))
    with pytest.raises(RunError, match="classes differ"):
        comparison.compare([pair[0], more])
    elsewhere = make_run(tmp_path / "elsewhere", [True] * 300, task="other")
    with pytest.raises(RunError, match="different tasks"):
        comparison.compare([pair[0], elsewhere])


def test_too_few_runs_the_same_twice_and_what_is_no_run(pair, tmp_path):
    for wrong, match in (([pair[0]], "One run alone"), ([pair[0], f"{pair[0]}/"], "named twice")):
        with pytest.raises(UsageError, match=match):
            comparison.compare(wrong)
    with pytest.raises(UsageError, match="One run alone"):
        stepwell.compare(pair[0])
    with pytest.raises(RunError, match="no run"):
        comparison.compare([pair[0], tmp_path / "nowhere"])


def test_an_unfinished_run_and_damaged_answers_say_what_to_do(pair):
    path = pair[1] / "predictions" / "test.jsonl"
    path.write_text('{"id": "x", "target": 3, "output": {}}\n')
    with pytest.raises(StepwellError, match="damaged"):
        comparison.compare(pair)
    path.unlink()
    with pytest.raises(RunError, match="did not finish") as refusal:
        comparison.compare(pair)
    assert "resume" in refusal.value.do


def test_regression_is_compared_by_its_numbers():
    schema = Schema((), (Field("value", "number", "float32"),), ())
    lines = [{"value": 1.5, "low": 1, "set": ["a"], "note": None}, {"value": 2.5, "low": 2, "set": [], "note": None}]
    columns = comparison._columns(lines, schema)
    assert columns["value"].tolist() == [1.5, 2.5] and columns["low"].dtype == np.float64
    assert columns["set"] == [["a"], []] and columns["note"] == [None, None]


def test_probabilities_of_very_many_classes_are_compared_from_what_was_kept_of_them(pair):
    short = pair[0] / "predictions" / "test.jsonl"
    lines = [json.loads(line) for line in short.read_text().splitlines()]
    whole = comparison.compare(pair)
    for line in lines:
        places = np.argsort(line["output"]["probabilities"])[::-1].tolist()
        values = [line["output"]["probabilities"][place] for place in places]
        line["output"]["probabilities"] = {"classes": 2, "places": places, "values": values}
    short.write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = comparison.compare(pair)
    assert found.scores == whole.scores
    assert "most probable" in found.notes[-1] and whole.notes == found.notes[:-1]
