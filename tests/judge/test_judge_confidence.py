"""What is fitted on validation to rely on answers: that it helps, keeps its promise, and says what it lacks."""

from __future__ import annotations

import json
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from stepwell import discovery, recipe
from stepwell.errors import RecipeError
from stepwell.judge import confidence
from stepwell.judge.confidence import Confidence, best_threshold, cost_matrix, needed, temperature
from stepwell.schema import Field, Schema
from stepwell.settings import AnswerOptions, convert, fields_of

FEW = ("a", "b", "c")


def schema(classes=FEW):
    logits = Field("logits", "logits", "float32", (len(classes),), tuple(classes))
    return Schema((), (Field("label", "category", "int64", (), tuple(classes)),), (logits,))


NUMBERS = Schema((), (Field("value", "number", "float32"),), (Field("value_scaled", "number", "float32", (1,)),))


def decode_as(classes=FEW):
    def decode(outputs):
        values = softmax(np.asarray(outputs["logits"], dtype=np.float64), axis=1)
        best = values.argmax(axis=1)
        return {
            "label": [classes[i] for i in best],
            "probability": values[np.arange(len(best)), best],
            "probabilities": values,
        }

    return decode


def decode_number(outputs):
    return {"value": np.asarray(outputs["value_scaled"], dtype=np.float64)[:, 0]}


def drawn(n, seed=0, classes=FEW, too_sure=3.0):
    """Logits that are `too_sure` times what the truth was drawn from: the best temperature is `too_sure`."""
    generator = np.random.default_rng(seed)
    honest = generator.normal(size=(n, len(classes))) * 1.5
    true = np.array([generator.choice(len(classes), p=one) for one in softmax(honest, axis=1)])
    return {"logits": (too_sure * honest).astype(np.float32)}, true, {"label": [classes[i] for i in true]}


def fit_classes(options, outputs, truth, classes=FEW):
    of = schema(classes)
    return confidence.fit(options, outputs, decode_as(classes), truth, of.outputs, of)


def answer(found, outputs, classes=FEW):
    of = schema(classes)
    return confidence.answer(found, outputs, decode_as(classes), of.outputs, of)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), too_sure=st.floats(0.2, 8.0))
def test_the_temperature_is_that_of_the_least_log_loss(seed, too_sure):
    outputs, true, _ = drawn(300, seed, too_sure=too_sure)
    logits = outputs["logits"].astype(np.float64)

    def loss(log_temperature):
        shares = log_softmax(logits / math.exp(log_temperature), axis=1)
        each = (1 - 1 / 302) * shares[np.arange(300), true] + 1 / 302 * shares.mean(axis=1)
        return -each.mean()

    best = minimize_scalar(loss, bounds=(math.log(0.05), math.log(20)), method="bounded", options={"xatol": 1e-9})
    assert temperature(logits, true) == pytest.approx(math.exp(best.x), rel=1e-3)


def test_a_temperature_makes_probabilities_honest_and_changes_no_label():
    outputs, _, truth = drawn(4000)
    found = fit_classes(AnswerOptions(), outputs, truth)
    assert found.temperature == pytest.approx(3.0, rel=0.1)
    assert found.measured["log_loss"] < found.measured["log_loss_before"]
    before, after = answer(None, outputs), answer(found, outputs)
    assert before["label"] == after["label"]
    right = np.array(after["label"]) == np.array(truth["label"])
    assert after["probability"].mean() == pytest.approx(right.mean(), abs=0.02)
    assert before["probability"].mean() > right.mean() + 0.1


def test_a_temperature_is_kept_only_where_it_helps_examples_it_was_not_fitted_on():
    kept = [fit_classes(AnswerOptions(), *drawn(60, seed, too_sure=1.0)[::2]) for seed in range(40)]
    left = [one for one in kept if one.temperature == 1.0]
    assert len(left) > 20, "honest probabilities are mostly left alone"
    assert all(one.measured["log_loss"] >= one.measured["log_loss_before"] for one in left)
    assert all(one.measured["log_loss"] < one.measured["log_loss_before"] for one in kept if one not in left)
    assert "left alone; on 60" in confidence.notes(left[0], AnswerOptions(), 60, "c")[0]
    outputs, _, truth = drawn(49)
    assert fit_classes(AnswerOptions(), outputs, truth) is None, "too few to tell"
    assert "needs 50" in confidence.notes(None, AnswerOptions(), 49, "c")[0]
    assert fit_classes(AnswerOptions(), *drawn(50)[::2]).temperature > 1.5


def test_a_network_without_an_error_does_not_become_certain():
    logits = np.array([[4.0, 0.0], [0.0, 4.0]] * 20)
    found = temperature(logits, np.array([0, 1] * 20))
    assert 0.5 < found < 2.0
    assert softmax(logits / found, axis=1).max() < 0.99
    assert temperature(np.zeros((5, 2)), np.zeros(5, dtype=int)) > 0


def test_extreme_logits_stay_numbers():
    logits = np.array([[1e30, 0.0], [0.0, 1e30], [-1e30, 1e30]])
    assert math.isfinite(temperature(logits, np.array([1, 1, 0])))


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 30), coarse=st.booleans())
def test_the_threshold_costs_least_of_all(seed, n, coarse):
    generator = np.random.default_rng(seed)
    second, true = generator.random(n), generator.integers(0, 2, n)
    second = np.round(second, 1) if coarse else second
    costs = np.array([[0.0, generator.random()], [3 * generator.random(), 0.0]])

    def cost(threshold):
        return costs[true, (second >= threshold).astype(int)].sum()

    found = best_threshold(second, true, costs)
    assert 0.0 <= found <= 1.0
    assert cost(found) == pytest.approx(min(cost(one) for one in np.linspace(0, 1, 2001)))


def test_costs_move_two_classes_by_a_threshold_and_lower_the_cost():
    classes = ("sick", "well")
    outputs, _, truth = drawn(3000, classes=classes)
    found = fit_classes(AnswerOptions(costs={"sick": 10.0}), outputs, truth, classes)
    assert found.costs == ((0.0, 10.0), (1.0, 0.0))
    assert found.threshold == pytest.approx(10 / 11, abs=0.06), "what the costs alone ask of honest probabilities"
    assert found.measured["cost"] < 0.7 * found.measured["cost_before"]
    fresh, fresh_true, _ = drawn(3000, 1, classes)
    matrix = np.array(found.costs)

    def cost(predictions):
        return matrix[fresh_true, [classes.index(one) for one in predictions["label"]]].mean()

    decided = answer(found, fresh, classes)
    assert cost(decided) < 0.7 * cost(answer(None, fresh, classes))
    for row in range(20):
        assert decided["probability"][row] == decided["probabilities"][row][classes.index(decided["label"][row])]


def test_costs_of_three_classes_choose_the_least_expected_cost():
    outputs, _, truth = drawn(500)
    matrix = ((0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (20.0, 20.0, 0.0))
    found = fit_classes(AnswerOptions(costs=matrix), outputs, truth)
    assert found.threshold is None
    decided = answer(found, outputs)
    expected = decided["probabilities"] @ np.array(matrix)
    assert decided["label"] == [FEW[i] for i in expected.argmin(axis=1)]
    assert found.measured["cost"] < found.measured["cost_before"]


def test_a_threshold_of_ones_own_is_taken_as_it_is():
    classes = ("no", "yes")
    outputs, _, truth = drawn(200, classes=classes)
    found = fit_classes(AnswerOptions(calibrate=False, threshold=0.9), outputs, truth, classes)
    assert (found.temperature, found.threshold) == (1.0, 0.9)
    decided = answer(found, outputs, classes)
    assert [one == "yes" for one in decided["label"]] == (decided["probabilities"][:, 1] >= 0.9).tolist()


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.99])
def test_sets_hold_the_truth_as_often_as_promised(coverage):
    outputs, _, truth = drawn(3000)
    found = fit_classes(AnswerOptions(coverage=coverage), outputs, truth)
    assert found.measured["coverage"] == pytest.approx(coverage, abs=0.02)
    fresh, _, fresh_truth = drawn(3000, 1)
    predictions = answer(found, fresh)
    held = [true in names for true, names in zip(fresh_truth["label"], predictions["set"], strict=True)]
    assert np.mean(held) == pytest.approx(coverage, abs=0.025)
    for label, names in zip(predictions["label"], predictions["set"], strict=True):
        assert names[0] == label, "the likeliest comes first"
        assert len(set(names)) == len(names)


def test_the_answer_is_in_its_set_even_where_costs_chose_it():
    outputs, _, truth = drawn(500)
    found = fit_classes(AnswerOptions(costs={"c": 50.0}, coverage=0.5), outputs, truth)
    predictions = answer(found, outputs)
    assert all(label in names for label, names in zip(predictions["label"], predictions["set"], strict=True))


@pytest.mark.parametrize("n", [9, 20, 500])
def test_intervals_hold_the_truth_as_often_as_promised_on_average(n):
    generator = np.random.default_rng(0)
    held = []
    for _ in range(300):
        true = generator.standard_t(3, n + 40)
        answered = np.zeros((n + 40, 1))
        found = confidence.fit(
            AnswerOptions(coverage=0.9),
            {"value_scaled": answered[:n]},
            decode_number,
            {"value": true[:n]},
            NUMBERS.outputs,
            NUMBERS,
        )
        given = confidence.answer(found, {"value_scaled": answered[n:]}, decode_number, NUMBERS.outputs, NUMBERS)
        held.append(np.mean((given["low"] <= true[n:]) & (true[n:] <= given["high"])))
    assert 0.885 < np.mean(held) < 0.9 + 1 / (n + 1) + 0.015


@given(coverage=st.floats(0.01, 0.995))
def test_too_few_examples_get_no_promise_and_the_log_says_so(coverage):
    enough = needed(coverage)
    options = AnswerOptions(coverage=coverage)

    def fit(n):
        truth = {"value": np.arange(n, dtype=float)}
        return confidence.fit(
            options, {"value_scaled": np.zeros((n, 1))}, decode_number, truth, NUMBERS.outputs, NUMBERS
        )

    assert fit(enough).coverage == coverage
    if enough > 1:
        fewer = fit(enough - 1)
        assert fewer is None or fewer.coverage is None
        (said,) = confidence.notes(fewer, options, enough - 1)
        assert f"needs {enough:,} validation examples" in said


def test_nothing_asked_changes_nothing():
    outputs, _, truth = drawn(50)
    assert fit_classes(AnswerOptions(calibrate=False), outputs, truth) is None
    assert confidence.notes(None, AnswerOptions(calibrate=False), 50) == []
    plain, same = answer(None, outputs), decode_as()(outputs)
    np.testing.assert_array_equal(plain["probabilities"], same["probabilities"])


def test_no_examples_give_no_answers():
    outputs, _, truth = drawn(200)
    found = fit_classes(AnswerOptions(costs={"a": 3.0}, coverage=0.9), outputs, truth)
    nothing = answer(found, {"logits": np.zeros((0, 3), np.float32)})
    assert nothing["label"] == nothing["set"] == []


def test_it_travels_as_json_and_a_damaged_one_is_refused():
    outputs, _, truth = drawn(300)
    found = fit_classes(AnswerOptions(costs={"a": 3.0}, coverage=0.9), outputs, truth)
    written = json.loads(json.dumps(msgspec.to_builtins(found)))
    assert msgspec.convert(written, Confidence) == found
    with pytest.raises(msgspec.ValidationError, match="temperature"):
        msgspec.convert({**written, "temperature": 0.0}, Confidence)


def test_what_was_fitted_is_said():
    outputs, _, truth = drawn(300)
    options = AnswerOptions(costs={"a": 3.0}, coverage=0.9)
    probabilities, decision, coverage = confidence.notes(fit_classes(options, outputs, truth), options, 300)
    assert "on 300 validation examples" in probabilities
    assert "the likeliest class would cost" in decision
    assert "90% is promised" in coverage


@pytest.mark.parametrize(
    ("options", "of", "said"),
    [
        (AnswerOptions(threshold=0.3), schema(), "between two classes; there are 3"),
        (AnswerOptions(costs={"d": 2.0}), schema(), "no class 'd'"),
        (AnswerOptions(costs=((0.0, 1.0), (1.0, 0.0))), schema(), "no matrix of 3 x 3"),
        (AnswerOptions(threshold=0.3), NUMBERS, "for answers that are classes"),
        (AnswerOptions(costs={"a": 2.0}), NUMBERS, "for answers that are classes"),
        (AnswerOptions(coverage=0.9), Schema((), (Field("text", "sequence", "int64", ("time",)),), ()), "neither"),
    ],
)
def test_what_cannot_be_given_is_refused_before_training(options, of, said):
    with pytest.raises(RecipeError, match=said):
        confidence.check(options, of)


def test_a_mapping_of_costs_is_what_missing_a_class_costs():
    assert cost_matrix({"b": 5.0}, FEW) == ((0.0, 1.0, 1.0), (5.0, 0.0, 5.0), (1.0, 1.0, 0.0))


def test_settings_as_typed():
    hints = fields_of(AnswerOptions)
    assert convert("{'>50K': 5}", hints["costs"], text=True) == {">50K": 5.0}
    assert convert("[[0, 1], [5, 0]]", hints["costs"], text=True) == [[0.0, 1.0], [5.0, 0.0]]
    assert convert("none", hints["coverage"], text=True) is None
    with pytest.raises(ValueError, match="number"):
        convert("1.5", hints["coverage"], text=True)
    with pytest.raises(ValueError, match="give one of them"):
        AnswerOptions(threshold=0.5, costs={"a": 1.0})


def test_recipes_have_the_section_where_answers_are_classes_or_numbers_and_no_elsewhere():
    drafted = recipe.draft(
        "image_classification", ("quick",), {"answers.coverage": "0.95", "answers.costs": "{cat: 3}"}
    )
    options = recipe.from_yaml(recipe.to_yaml(drafted)).options("answers")
    assert (options.calibrate, options.coverage, options.costs) == (True, 0.95, {"cat": 3.0})
    with pytest.raises(RecipeError, match=r"answers: a threshold and costs decide the same"):
        recipe.draft("image_classification", ("quick",), {"answers.threshold": "0.5", "answers.costs": "{cat: 3}"})
    with pytest.raises(RecipeError, match=r"answers.coverage: got '2'"):
        recipe.draft("image_classification", ("quick",), {"answers.coverage": "2"})
    reliable = {"label", "value"}
    for name in discovery.tasks():
        has = "answers" in [section.name for section in recipe.sections(name)]
        assert has == bool(reliable.intersection(discovery.task(name).card.truth))
