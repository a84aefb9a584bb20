"""Paired comparisons: each test against its oracle, and what is said of equals, of clear winners and of many."""

from __future__ import annotations

import dataclasses
import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.errors import DataError, UsageError
from stepwell.judge import paired
from stepwell.judge.paired import compare, exchanged, mcnemar
from stepwell.report import comparison as page
from stepwell.schema import Field, Schema
from stepwell.task import Task

ROOMS = ("metrics",)
METRICS = ("accuracy", "macro_f1", "log_loss", "confusion_matrix", "recall")
CARD = Task("t", "a", "b", METRICS, "accuracy", ("accuracy",), None, ("label",))
SCHEMA = Schema((), (Field("label", "category", "int64", (), ("a", "b", "c")),), ())


def answered(truth, skill, seed):
    """Predictions that are right with probability `skill`."""
    generator = np.random.default_rng(seed)
    names = SCHEMA.targets[0].classes
    true = np.array([names.index(one) for one in truth["label"]])
    said = np.where(generator.random(len(true)) < skill, true, (true + generator.integers(1, 3, len(true))) % 3)
    shares = np.full((len(true), 3), 0.1)
    shares[np.arange(len(true)), said] = 0.8
    return {"label": [names[one] for one in said], "probabilities": shares}


@pytest.fixture(scope="module")
def truth():
    return {"label": np.random.default_rng(0).choice(list("abc"), 400).tolist()}


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_equals_the_exact_binomial_test(first, second):
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)


def test_exchanging_equals_all_exchanges_counted():
    differences = np.random.default_rng(0).normal(0.4, 1, 12)
    signs = np.array(list(itertools.product((-1, 1), repeat=12)))
    exact = (np.abs(signs @ differences) >= abs(differences.sum()) * (1 - 1e-12)).mean()
    assert exchanged(differences, 0) == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 10_000))


def test_exchanging_nothing_is_certain_of_nothing_and_many_differences_take_fewer_draws():
    assert exchanged(np.zeros(5), 0) == 1.0
    assert exchanged(np.ones(paired.MANY), 0) == 1 / (paired.FEWER + 1)


def test_equals_are_not_told_apart_more_often_than_promised(truth):
    card = dataclasses.replace(CARD, metrics=("accuracy",))
    real = 0
    for seed in range(8):
        sides = {"A": answered(truth, 0.8, seed), "B": answered(truth, 0.8, seed + 99)}
        real += compare(card, ROOMS, truth, sides, SCHEMA).pairs[0].differences["accuracy"].adjusted < 0.05
    assert real <= 2  # 3 or more of 8 have a probability of 0.6 %


def test_a_clear_winner_is_named_and_each_metric_has_the_test_that_fits_it(truth):
    sides = {"good": answered(truth, 0.95, 1), "poor": answered(truth, 0.7, 2)}
    found = compare(CARD, ROOMS, truth, sides, SCHEMA)
    differences = found.pairs[0].differences
    assert {name: one.test for name, one in differences.items()} == {
        "accuracy": "mcnemar",
        "macro_f1": "bootstrap",
        "log_loss": "permutation",
    }
    for name, one in differences.items():
        assert one.score.value == pytest.approx(found.scores["good"][name].value - found.scores["poor"][name].value)
        assert one.score.low <= one.score.value <= one.score.high
        assert one.chance < 0.001
    assert found.verdict.startswith("good is better than poor:") and "less than 0.001" in found.verdict
    turned = compare(CARD, ROOMS, truth, dict(reversed(sides.items())), SCHEMA)
    assert turned.verdict == found.verdict
    assert turned.pairs[0].differences["log_loss"].score.value == -differences["log_loss"].score.value


def test_the_same_answers_differ_in_nothing(truth):
    one = answered(truth, 0.8, 1)
    found = compare(CARD, ROOMS, truth, {"A": one, "B": one}, SCHEMA)
    assert all(each.score.value == 0 and each.chance == 1 for each in found.pairs[0].differences.values())
    assert found.verdict == "By their accuracy these examples do not tell apart A and B."


def test_of_three_every_pair_is_compared_and_pays_for_all(truth):
    sides = {
        name: answered(truth, skill, seed) for seed, (name, skill) in enumerate([("A", 0.9), ("B", 0.86), ("C", 0.6)])
    }
    found = compare(CARD, ROOMS, truth, sides, SCHEMA)
    assert [(pair.first, pair.second) for pair in found.pairs] == [("A", "B"), ("A", "C"), ("B", "C")]
    chances = [pair.differences["accuracy"] for pair in found.pairs]
    assert all(one.adjusted >= one.chance for one in chances)
    smallest = min(chances, key=lambda one: one.chance)
    assert smallest.adjusted == pytest.approx(3 * smallest.chance)
    assert set(found.scores) == {"A", "B", "C"}


def test_examples_of_one_group_are_exchanged_together(truth):
    groups = [str(number // 40) for number in range(400)]
    sides = {"A": answered(truth, 0.86, 1), "B": answered(truth, 0.8, 2)}
    found = compare(CARD, ROOMS, truth, sides, SCHEMA, groups)
    assert found.interval.by == "group"
    assert found.pairs[0].differences["accuracy"].test == "permutation"


def test_one_alone_and_answers_of_other_length_are_refused(truth):
    one = answered(truth, 0.8, 1)
    with pytest.raises(UsageError, match="alone"):
        compare(CARD, ROOMS, truth, {"A": one}, SCHEMA)
    short = {name: column[:-1] for name, column in one.items()}
    with pytest.raises(DataError, match="B does not answer the same 400"):
        compare(CARD, ROOMS, truth, {"A": one, "B": short}, SCHEMA)


def test_the_page_holds_verdict_scores_and_differences_and_escapes_names(truth):
    sides = {"<b>A": answered(truth, 0.95, 1), "B": answered(truth, 0.7, 2), "C": answered(truth, 0.7, 3)}
    found = compare(CARD, ROOMS, truth, sides, SCHEMA, notes=["Mind the seed."])
    html = page.build(msgspec.convert(msgspec.to_builtins(found), paired.Comparison))
    assert "&lt;b&gt;A" in html and "<b>A" not in html.replace("&lt;b&gt;A", "")
    assert "adjusted for 3 pairs (Holm)" in html and "Mind the seed." in html
    assert html.count('<div class="track') == 4 and "McNemar, exact" in html and "points" in html
    assert "http" not in html.replace("http-equiv", "")
