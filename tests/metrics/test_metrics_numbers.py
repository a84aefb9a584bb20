"""Every metric of numbers against scikit-learn's: weights, several columns, ties, and where nothing is defined."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as oracle

from stepwell import discovery
from stepwell.errors import DataError
from stepwell.schema import Field, Schema

SCHEMA = Schema((), (Field("value", "number", "float32", measure="dollars"),), ())
ORACLES = {
    "mae": oracle.mean_absolute_error,
    "mape": oracle.mean_absolute_percentage_error,
    "median_absolute_error": oracle.median_absolute_error,
    "mse": oracle.mean_squared_error,
    "r2": lambda y, p, sample_weight=None: oracle.r2_score(y, p, sample_weight=sample_weight, force_finite=False),
    "rmse": oracle.root_mean_squared_error,
}
NAMES = list(ORACLES)


def score(name, truth, predictions, weight=None):
    metric = discovery.load("metrics", name)
    return metric.score(metric.prepare({"value": truth}, {"value": predictions}, SCHEMA), weight)


def make(seed, n, columns=0, coarse=False):
    generator = np.random.default_rng(seed)
    shape = (n, columns) if columns else (n,)
    truth, answers = generator.normal(3.0, 2.0, shape), generator.normal(3.0, 2.0, shape)
    if coarse:  # many errors of the same size
        truth, answers = np.ceil(truth) + 0.5, np.ceil(answers)
    return truth, answers, generator


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(2, 60),
    columns=st.sampled_from([0, 1, 3]),
    weighted=st.booleans(),
    coarse=st.booleans(),
)
def test_equals_scikit_learn(name, seed, n, columns, weighted, coarse):
    truth, answers, generator = make(seed, n, columns, coarse)
    weight = generator.uniform(0.1, 3.0, n) if weighted else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = ORACLES[name](truth, answers, sample_weight=weight)
    expected = expected if math.isfinite(expected) else math.nan  # a constant truth
    assert score(name, truth, answers, weight) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 40), coarse=st.booleans())
def test_an_integer_weight_is_that_many_copies(name, seed, n, coarse):
    truth, answers, generator = make(seed, n, coarse=coarse)
    weight = generator.integers(0, 3, n)
    rows = np.repeat(np.arange(n), weight)
    copied, weighted = score(name, truth[rows], answers[rows]), score(name, truth, answers, weight.astype(float))
    assert weighted == pytest.approx(copied, rel=1e-9, abs=1e-12, nan_ok=True)


@pytest.mark.parametrize("name", NAMES)
def test_without_examples_nothing_is_claimed(name):
    assert math.isnan(score(name, np.zeros(0), np.zeros(0)))
    assert math.isnan(score(name, np.ones(3), np.zeros(3), np.zeros(3)))


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
def test_r2_of_a_constant_is_undefined(constant):
    truth = np.full(7, constant)
    assert math.isnan(score("r2", truth, truth + 1.0))
    assert math.isnan(score("r2", truth, truth))
    assert math.isnan(score("r2", np.arange(7.0), truth, np.eye(7)[2]))


def test_a_percentage_of_nothing_is_undefined_and_not_10_to_the_15():
    truth, answers = np.array([0.0, 2.0, 4.0]), np.array([1.0, 1.0, 5.0])
    assert math.isnan(score("mape", truth, answers))
    assert score("mape", truth, answers, np.array([0.0, 1.0, 1.0])) == pytest.approx((0.5 + 0.25) / 2)


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(discovery.load("metrics", name), "per_example")])
def test_the_worst_answer_has_the_greatest_value_and_lies_within_the_limits(name):
    truth, answers = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.5, 0.5])
    metric = discovery.load("metrics", name)
    state = metric.prepare({"value": truth}, {"value": answers}, SCHEMA)
    each = metric.per_example(state)
    assert each.argmax() == 2
    assert each[0] == 0.0
    assert metric.limits(state) == (0.0, each.max())
    assert metric.score(state, np.eye(3)[1]) == pytest.approx(each[1])


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_number_is_refused_with_its_place(name):
    with pytest.raises(DataError, match="predicted values of 1 of 3 examples are not finite") as refusal:
        score(name, np.ones(3), np.array([1.0, np.nan, 2.0]))
    assert "place 2" in refusal.value.where
    assert "learning rate" in refusal.value.do
    with pytest.raises(DataError, match="true values of 1 of 3 examples") as refusal:
        score(name, np.array([1.0, 2.0, np.inf]), np.ones(3))
    assert "leave out" in refusal.value.do
    with pytest.raises(DataError, match=r"shape \(3, 2\) for true ones of shape \(3, 1\)"):
        score(name, np.ones(3), np.ones((3, 2)))


def test_known_values():
    """The vectors of scikit-learn's own documentation."""
    truth, answers = [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]
    assert score("mse", truth, answers) == pytest.approx(0.375)
    assert score("mae", truth, answers) == pytest.approx(0.5)
    assert score("rmse", truth, answers) == pytest.approx(0.6123724356957945)
    assert score("r2", truth, answers) == pytest.approx(0.9486081370449679)
    assert score("mape", truth, answers) == pytest.approx(0.3273809523809524)
    assert score("median_absolute_error", truth, answers) == pytest.approx(0.5)
