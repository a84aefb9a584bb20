"""What judged answers tell besides scores, from the data of a training: columns, facts and the split are asked."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from stepwell import explaining, splitting
from stepwell.building import Data
from stepwell.judge.scores import Scores, from_json
from stepwell.preparation import Preparation
from stepwell.run import Run
from stepwell.schema import Examples, Field, Schema
from stepwell.task import Task

CLASSES = ("a", "b")
SCHEMA = Schema((Field("x", "number", "float32"),), (Field("label", "category", "int64", (), CLASSES),), ())
CARD = Task("t", "a", "b", ("accuracy",), "accuracy", ("accuracy",), None, ("label",))
N, TEST = 500, range(100, 500)


def answers(columns, traces):
    """A network that says b where x is above 0, and is sure of it."""
    share = (columns["x"] > 0).astype(float)
    return {"label": [CLASSES[int(one)] for one in share], "probabilities": np.stack([1 - share, share], 1)}


@pytest.fixture
def told(tmp_path):
    """Call with columns or without; gives what is told, the notes, and how often examples were fetched."""
    generator = np.random.default_rng(0)
    raw = {"x": generator.normal(size=N), "city": generator.choice(["u", "v"], N).tolist()}
    wrong = (np.array(raw["city"]) == "v") & (generator.random(N) < 0.4)
    raw["label"] = [CLASSES[int((x > 0) != bad)] for x, bad in zip(raw["x"], wrong, strict=True)]
    noted = []

    def fetch(indices, views):
        return {
            name: column[list(indices)] if isinstance(column, np.ndarray) else [column[i] for i in indices]
            for name, column in raw.items()
        }

    def call(columns=("x", "city"), *, leaked=0, split=True):
        facts = {"label": tuple(raw["label"]), "part": ("test",) * N, "site": tuple(raw["city"])}
        ids = tuple(f"row {number}" for number in range(N))
        examples = Examples(ids, ids, facts, fetch, "here", "r", (), tuple(columns))
        data = Data(examples, {"test": TEST}, Preparation(SCHEMA, ()), ("label",), {})
        groups = [f"g{number - 100 if 100 <= number < 100 + leaked else number}" for number in range(N)]
        parts = ["train"] * 100 + ["test"] * 400
        rows = [
            splitting.Row(name, name, part, group, "") for name, part, group in zip(ids, parts, groups, strict=True)
        ]
        if split:
            splitting.write_split(tmp_path / "split.csv", rows)
        job = SimpleNamespace(
            folder=SimpleNamespace(
                card=CARD, rooms=lambda name: (name,) if name == "metrics" else (), has=lambda name: False
            ),
            recipe=SimpleNamespace(values={"seed": 0}),
            run=Run(tmp_path),
            progress=SimpleNamespace(note=noted.append),
        )
        test = fetch(TEST, None)
        predictions = answers({"x": test["x"]}, None)
        return explaining.explain(job, data, predictions, {"label": test["label"]}, answers), noted

    return call


def test_columns_are_sliced_and_shuffled_and_all_of_it_reads_back_from_json(told):
    found, noted = told()
    json.dumps(found, allow_nan=False)
    worst = found["slices"]["found"][0]
    assert worst["column"] == "site" and worst["gap"]["value"] != 0 and worst["chance"] < 0.05
    assert {one["column"] for one in found["slices"]["found"]} == {"site", "x"}  # city is site, label is the truth
    assert list(found["importance"]["columns"]) == ["x", "city"]
    assert found["importance"]["columns"]["x"]["low"] > 0 == found["importance"]["columns"]["city"]["value"]
    assert [one["column"] for one in found["dependence"]] == ["x", "city"]
    assert found["leak"] is None and noted == []
    whole = {"part": "test", "n": 400, "headline": "accuracy", "scores": {}, "per_class": {}, "tables": {}}
    interval = {"method": "bootstrap", "replicates": 1000, "level": 0.95, "by": "example", "units": 400}
    read = from_json(json.loads(json.dumps({**whole, "baselines": {}, "interval": interval, "metrics": {}, **found})))
    assert isinstance(read, Scores) and read.importance.columns["x"].n == 400
    assert read.slices.found[0].column == "site" and read.dependence[0].at[0] < read.dependence[0].at[-1]


def test_examples_without_columns_are_sliced_by_their_facts_alone(told):
    found, _ = told(columns=())
    assert found["importance"] is None and list(found["dependence"]) == []
    assert {one["column"] for one in found["slices"]["found"]} == {"site"}


def test_a_leak_is_priced_and_said(told):
    found, noted = told(leaked=60)
    assert (found["leak"]["leaked"], found["leak"]["n"]) == (60, 400)
    assert found["leak"]["examples"][0] == "row 100" and found["leak"]["without"]["n"] == 340
    assert noted[0].startswith("60 of 400 test examples have a copy")


def test_without_a_split_no_leak_is_looked_for(told):
    assert told(split=False)[0]["leak"] is None
