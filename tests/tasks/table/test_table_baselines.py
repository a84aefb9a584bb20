"""The rivals of a network on a table."""

from __future__ import annotations

import numpy as np
import pytest

from stepwell.baselines import boosting
from stepwell.preparation import Prepared
from stepwell.schema import Field, Schema
from stepwell.tasks.table import baselines
from stepwell.tasks.table.baselines import Matrix, rivals

CATEGORIES = Field("categories", "category", "int64", (2,), columns=("color", "city"), levels=(4, 3))
NUMBERS = Field("numbers", "number", "float32", (2,), columns=("a", "b"))


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(boosting, "TREES", 30)


LABEL = Field("label", "category", "int64", (), ("no", "yes"))
VALUE = Field("value", "number", "float32", (), measure="price", mean=(200.0,), std=(10.0,))


def table(n, kind, seed=0):
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(n, 2)).astype(np.float32)
    codes = generator.integers(1, (4, 3), size=(n, 2))
    meant = numbers[:, 0] + 2.0 * (codes[:, 0] == 2) - 1.0
    columns = {"numbers": numbers, "categories": codes}
    if kind == "label":
        columns["label"] = (meant + 0.1 * generator.normal(size=n) > 0).astype(np.int64)
    else:
        columns["value"] = (meant + 0.1 * generator.normal(size=n)).astype(np.float32)
    return Prepared(tuple(f"row {seed} {i}" for i in range(n)), columns, {}, ({},) * n)


def test_for_classes_linear_and_boosting_beat_the_shares_and_answer_as_the_network_does():
    train, test = table(800, "label"), table(300, "label", seed=1)
    found = rivals(train, Schema((NUMBERS, CATEGORIES), (LABEL,), ()), 0, 10.0)
    assert list(found) == ["constant", "linear", "boosting"]
    wanted = np.array(["no", "yes"])[test.columns["label"]]
    right = {}
    for name, rival in found.items():
        answer = rival.predict({k: v for k, v in test.columns.items() if k != "label"}, test.traces)
        assert answer["probabilities"].shape == (300, 2)
        assert np.allclose(answer["probabilities"].sum(axis=1), 1)
        assert np.array_equal(answer["probability"], answer["probabilities"].max(axis=1))
        right[name] = np.mean(np.array(answer["label"]) == wanted)
        assert rival.n == 800
        assert "800 training examples" in rival.note
    assert right["constant"] < 0.75
    assert min(right["linear"], right["boosting"]) > 0.9


def test_for_numbers_they_answer_in_the_unit_of_the_target():
    train, test = table(800, "value"), table(300, "value", seed=1)
    found = rivals(train, Schema((NUMBERS, CATEGORIES), (VALUE,), ()), 0, 10.0)
    wanted = 200.0 + 10.0 * test.columns["value"].astype(np.float64)
    rmse = {}
    for name, rival in found.items():
        answer = rival.predict(test.columns, test.traces)
        assert answer["value"].dtype == np.float64
        assert answer["value"].shape == (300,)
        rmse[name] = np.sqrt(np.mean((answer["value"] - wanted) ** 2))
    assert rmse["constant"] == pytest.approx(wanted.std(), rel=0.02)
    assert rmse["linear"] == pytest.approx(1.0, rel=0.2)  # the noise alone
    assert rmse["boosting"] < 0.4 * rmse["constant"]


@pytest.mark.parametrize("inputs", [(NUMBERS,), (CATEGORIES,)])
def test_numbers_or_categories_alone_will_do(inputs):
    train = table(200, "label")
    for rival in rivals(train, Schema(inputs, (LABEL,), ()), 0, 5.0).values():
        assert len(rival.predict({one.name: train.columns[one.name] for one in inputs}, train.traces)["label"]) == 200


def test_rare_values_of_a_category_share_one_answer_of_the_linear_model(monkeypatch):
    monkeypatch.setattr(baselines, "SHOWN", 2)
    codes = np.array([[1], [1], [1], [2], [2], [3]])
    field = Field("categories", "category", "int64", (1,), levels=(5,))
    matrix = Matrix.fit({"categories": codes}, Schema((field,), (LABEL,), ()))
    assert matrix.width == 2
    assert matrix.one_hot({"categories": np.array([[2], [3], [4], [0], [1]])}).tolist() == [
        [0, 1],
        [0, 0],
        [0, 0],
        [0, 0],
        [1, 0],
    ]


def test_of_more_rows_than_fit_the_linear_model_sees_a_sample_and_says_so(monkeypatch):
    monkeypatch.setattr(baselines, "MOST_NUMBERS", 7 * 100)
    found = rivals(table(400, "value"), Schema((NUMBERS, CATEGORIES), (VALUE,), ()), 0, 5.0)
    assert found["linear"].n < 400
    assert "a sample of 400" in found["linear"].note
    assert found["boosting"].n == 400


def test_no_rows_have_no_answers():
    train = table(100, "value")
    nothing = {"numbers": np.zeros((0, 2), np.float32), "categories": np.zeros((0, 2), np.int64)}
    for name, rival in rivals(train, Schema((NUMBERS, CATEGORIES), (VALUE,), ()), 0, 5.0).items():
        if name == "constant":
            assert len(rival.predict(nothing, ())["value"]) == 0
