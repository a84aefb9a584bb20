"""What answers rest on: columns that matter come first, those that do not are at 0, curves equal the reference's."""

from __future__ import annotations

import numpy as np
import pytest

from stepwell.judge import importance as module
from stepwell.judge.importance import dependence, importance
from stepwell.schema import Field, Schema
from stepwell.task import Task

ROOMS = ("metrics",)
CLASSES = ("a", "b")
SCHEMA = Schema((), (Field("label", "category", "int64", (), CLASSES),), ())
NUMBER = Schema((), (Field("value", "number", "float32"),), ())


def card(headline):
    return Task("t", "a", "b", (headline,), headline, (headline,), None, ("label",))


@pytest.fixture(scope="module")
def columns():
    generator = np.random.default_rng(0)
    raw = {name: generator.normal(size=2000) for name in ("strong", "weak", "idle")}
    return raw | {"color": generator.choice(["red", "blue", "green"], 2000).tolist()}


def answer(raw):
    """A known network: logit = 2 strong + 0.5 weak + 1 where the color is red."""
    logit = 2 * raw["strong"] + 0.5 * raw["weak"] + np.array([one == "red" for one in raw["color"]])
    share = 1 / (1 + np.exp(-logit))
    return {
        "label": [CLASSES[one] for one in (share > 0.5).astype(int)],
        "probabilities": np.stack([1 - share, share], 1),
    }


@pytest.fixture(scope="module")
def truth(columns):
    shares = answer(columns)["probabilities"][:, 1]
    return {"label": [CLASSES[one] for one in (np.random.default_rng(1).random(2000) < shares).astype(int)]}


@pytest.mark.parametrize("headline", ["log_loss", "accuracy", "macro_f1"])
def test_columns_come_in_the_order_of_what_they_are_worth(columns, truth, headline):
    found = importance(card(headline), ROOMS, truth, columns, list(columns), answer, SCHEMA)
    assert next(iter(found.columns)) == "strong"
    idle = found.columns["idle"]
    assert idle.value == 0 and idle.low <= 0 <= idle.high
    assert found.columns["strong"].low > 0
    assert (found.n, found.repeats, found.passed_over) == (2000, 5, 0)
    for one in found.columns.values():
        assert one.direction == "max" and one.low <= one.value <= one.high


def test_the_loss_equals_that_of_the_reference(columns, truth):
    inspection = pytest.importorskip("sklearn.inspection")

    def scorer(_, rows, labels):
        raw = {name: rows[:, place] for place, name in enumerate(("strong", "weak", "idle"))}
        share = answer({**raw, "color": columns["color"]})["probabilities"]
        return np.log(share[np.arange(len(share)), labels]).mean()

    matrix = np.stack([columns[name] for name in ("strong", "weak", "idle")], 1)
    labels = np.array([CLASSES.index(one) for one in truth["label"]])
    theirs = inspection.permutation_importance(_Fitted(), matrix, labels, scoring=scorer, n_repeats=5, random_state=0)
    ours = importance(card("log_loss"), ROOMS, truth, columns, list(columns), answer, SCHEMA).columns
    for name, mean in zip(("strong", "weak", "idle"), theirs.importances_mean, strict=True):
        assert ours[name].value == pytest.approx(mean, rel=0.1, abs=0.01)


class _Fitted:
    def fit(self, *_):
        return self


def test_intervals_hold_the_worth_on_all_data_about_as_often_as_promised():
    inside = 0
    for seed in range(40):
        generator = np.random.default_rng(seed)
        raw = {"x": generator.normal(size=300)}
        truth = {
            "label": [CLASSES[one] for one in (generator.random(300) < 1 / (1 + np.exp(-2 * raw["x"]))).astype(int)]
        }

        def one(columns):
            return answer({**columns, "strong": columns["x"], "weak": 0 * columns["x"], "color": [""] * 300})

        score = importance(card("log_loss"), ROOMS, truth, raw, ["x"], one, SCHEMA, seed=seed).columns["x"]
        inside += score.low <= TRUE_WORTH <= score.high
    assert inside >= 34  # 33 or fewer of 40 have a probability of 0.3 % at 95 %


def _true_worth():
    generator = np.random.default_rng(123)
    x, other = generator.normal(size=(2, 400_000))
    share, shuffled = (1 / (1 + np.exp(-2 * one)) for one in (x, other))
    loss = [-(share * np.log(one) + (1 - share) * np.log(1 - one)).mean() for one in (share, shuffled)]
    return loss[1] - loss[0]


TRUE_WORTH = _true_worth()


def test_many_columns_are_judged_on_fewer_examples_and_the_rest_is_said():
    asked = []

    def count(raw):
        asked.append(len(raw["c0"]))
        return {"label": ["a"] * len(raw["c0"]), "probabilities": np.tile([0.9, 0.1], (len(raw["c0"]), 1))}

    names = [f"c{number}" for number in range(105)]
    raw = dict.fromkeys(names, np.zeros(3000))
    found = importance(card("accuracy"), ROOMS, {"label": ["a", "b"] * 1500}, raw, names, count, SCHEMA)
    assert found.n == module.LEAST and found.passed_over == 5
    assert sum(asked) <= module.ANSWERS + module.ROWS


def test_nothing_to_look_at_gives_nothing(truth):
    assert importance(card("accuracy"), ROOMS, truth, {}, [], answer, SCHEMA) is None
    assert dependence({}, [], answer, SCHEMA) == ()
    other = Schema((), (Field("mask", "mask", "uint8"),), ())
    assert dependence({"x": np.zeros(3)}, ["x"], answer, other) == ()


def test_curves_follow_what_the_network_does(columns):
    strong, color = dependence(columns, ["strong", "color"], answer, SCHEMA)
    assert strong.at == tuple(sorted(strong.at)) and len(strong.at) == module.PLACES
    assert list(strong.mean["b"]) == sorted(strong.mean["b"]) and set(strong.mean) == {"b"}
    assert all(
        low < mean < high for low, mean, high in zip(strong.low["b"], strong.mean["b"], strong.high["b"], strict=True)
    )
    levels = dict(zip(color.at, color.mean["b"], strict=True))
    assert set(levels) == {"red", "blue", "green"} and levels["red"] > levels["blue"] == levels["green"]
    assert strong.n == module.AVERAGED


def test_a_curve_equals_that_of_the_reference(columns):
    inspection = pytest.importorskip("sklearn.inspection")
    linear = pytest.importorskip("sklearn.linear_model")
    matrix = np.stack([columns["strong"], columns["weak"]], 1)[: module.AVERAGED]
    model = linear.LinearRegression().fit(matrix**3, matrix[:, 0])

    class Cubes(linear.LinearRegression):
        def predict(self, rows):
            return model.predict(rows**3)

    def value(raw):
        return {"value": model.predict(np.stack([raw["strong"], raw["weak"]], 1) ** 3)}

    raw = {"strong": matrix[:, 0], "weak": matrix[:, 1]}
    ours = dependence(raw, ["strong"], value, NUMBER)[0]
    theirs = inspection.partial_dependence(
        Cubes().fit(matrix, matrix[:, 0]), matrix, [0], custom_values={0: np.array(ours.at)}, method="brute"
    )
    assert ours.mean["value"] == pytest.approx(theirs["average"][0])


def test_a_column_of_one_value_or_none_has_no_curve(columns):
    raw = {**columns, "strong": np.full(2000, np.nan), "weak": np.ones(2000), "color": ["red"] * 2000}
    assert dependence(raw, ["strong", "weak", "color"], answer, SCHEMA) == ()


def test_missing_values_stay_missing_when_shuffled(columns, truth):
    holes = columns["weak"].copy()
    holes[::3] = np.nan
    counted = []

    def count(raw):
        counted.append(int(np.isnan(raw["weak"]).sum()))
        return answer({**raw, "weak": np.nan_to_num(raw["weak"])})

    importance(card("accuracy"), ROOMS, truth, {**columns, "weak": holes}, ["weak"], count, SCHEMA)
    assert set(counted) == {667}


def test_where_there_is_no_time_fewer_examples_are_shuffled_and_their_number_is_said(columns, truth):
    whole = importance(card("log_loss"), ROOMS, truth, columns, list(columns), answer, SCHEMA, seconds=1e6)
    assert whole == importance(card("log_loss"), ROOMS, truth, columns, list(columns), answer, SCHEMA)
    few = importance(card("log_loss"), ROOMS, truth, columns, list(columns), answer, SCHEMA, seconds=0.0)
    assert few.n == 100 and few.passed_over == 0 and set(few.columns) == set(columns)
    assert next(iter(few.columns)) == "strong"
