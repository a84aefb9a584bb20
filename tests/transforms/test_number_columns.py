"""Numbers side by side: what is missing is filled, what is skewed is evened, as scikit-learn does it."""

from __future__ import annotations

import json
import warnings
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import norm
from sklearn.exceptions import ConvergenceWarning
from sklearn.experimental import enable_iterative_imputer  # noqa: F401 - what follows needs it
from sklearn.impute import IterativeImputer, KNNImputer, SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.preprocessing import MinMaxScaler, QuantileTransformer, RobustScaler, StandardScaler

from stepwell.errors import DataError, ExampleError
from stepwell.schema import Columns
from stepwell.transforms import (
    impute,
    impute_iterative,
    impute_neighbors,
    missing_indicator,
    require_complete,
    scale_columns,
    scale_target,
)

Numbers = npt.NDArray[np.float64]
GAPPY = arrays(np.float64, (12, 3), elements=st.one_of(st.just(np.nan), st.floats(-1e3, 1e3, width=32)))


def applied(fitted: Any, numbers: Numbers) -> Numbers:
    """What a transform makes of numbers, after a journey as JSON."""
    back = msgspec.convert(json.loads(msgspec.json.encode(fitted)), type(fitted))
    assert back == fitted
    found: Numbers = back.apply({"numbers": numbers}, [{} for _ in numbers])["numbers"]
    return found


def gappy(rows: int = 200, columns: int = 4, seed: int = 0) -> Numbers:
    """Correlated numbers, a fifth of them missing."""
    draw = np.random.default_rng(seed)
    numbers = draw.normal(size=(rows, columns)) + draw.normal(size=(rows, 1))
    numbers[draw.random(numbers.shape) < 0.2] = np.nan
    return numbers


@pytest.mark.parametrize("method", ["mean", "median", "mode", "constant"])
def test_one_number_a_column_is_scikit_learn_s(method: impute.Method) -> None:
    numbers = np.round(gappy())
    strategy = {"mode": "most_frequent"}.get(method, method)
    theirs = SimpleImputer(strategy=strategy, fill_value=7.0 if method == "constant" else None)
    ours = impute.fit(impute.Options(method, 7.0), numbers[:150])
    np.testing.assert_allclose(applied(ours, numbers), theirs.fit(numbers[:150]).transform(numbers), atol=1e-12)


def test_an_empty_column_becomes_zero_and_appended_columns_stay() -> None:
    numbers = np.array([[np.nan, 1.0], [np.nan, 3.0]])
    wider = np.array([[np.nan, np.nan, 1.0]])
    np.testing.assert_array_equal(applied(impute.fit(impute.Options("mean"), numbers), wider), [[0.0, 2.0, 1.0]])


def test_neighbors_are_scikit_learn_s() -> None:
    numbers = gappy()
    theirs = KNNImputer(n_neighbors=4).fit(numbers[:150])
    ours = impute_neighbors.fit(impute_neighbors.Options(4), numbers[:150])
    np.testing.assert_allclose(applied(ours, numbers), theirs.transform(numbers), atol=1e-9)


def test_a_row_without_any_number_gets_the_means() -> None:
    numbers = np.array([[1.0, 10.0], [3.0, np.nan], [np.nan, np.nan]])
    fitted = impute_neighbors.fit(impute_neighbors.Options(2), numbers)
    np.testing.assert_allclose(applied(fitted, numbers[2:]), [[2.0, 10.0]])
    empty = impute_neighbors.fit(impute_neighbors.Options(2), np.full((3, 1), np.nan))
    np.testing.assert_array_equal(applied(empty, np.array([[np.nan]])), [[0.0]])


def test_rounds_of_regressions_are_scikit_learn_s() -> None:
    numbers = gappy()
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):  # five rounds are wanted
        theirs = IterativeImputer(Ridge(alpha=1.0), max_iter=5, tol=0.0).fit(numbers[:150])
    ours = impute_iterative.fit(impute_iterative.Options(), numbers[:150])
    np.testing.assert_allclose(applied(ours, numbers[150:]), theirs.transform(numbers[150:]), atol=1e-6)


def test_regressions_beat_the_mean_where_columns_hang_together() -> None:
    draw = np.random.default_rng(0)
    whole = draw.normal(size=(300, 1)) @ np.ones((1, 3)) + 0.1 * draw.normal(size=(300, 3))
    holes = whole.copy()
    holes[::3, 0] = np.nan
    ours = applied(impute_iterative.fit(impute_iterative.Options(), holes), holes)
    mean = applied(impute.fit(impute.Options("mean"), holes), holes)
    assert np.abs(ours - whole).max() < 0.5 < np.abs(mean - whole).max()


def test_too_many_columns_for_regressions_is_said() -> None:
    with pytest.raises(DataError, match="201 columns"):
        impute_iterative.fit(impute_iterative.Options(), np.zeros((2, 201)))


@pytest.mark.parametrize("module", [impute, impute_neighbors, impute_iterative])
@settings(max_examples=30)
@given(numbers=GAPPY)
def test_nothing_stays_missing_and_nothing_known_changes(module: Any, numbers: Numbers) -> None:
    filled = applied(module.fit(module.Options(), numbers), numbers)
    assert np.isfinite(filled).all()
    known = ~np.isnan(numbers)
    np.testing.assert_array_equal(filled[known], numbers[known])


def test_an_indicator_stands_for_each_column_with_some_gaps() -> None:
    numbers = np.array([[1.0, np.nan, np.nan], [2.0, 5.0, np.nan]])
    fitted = missing_indicator.fit(missing_indicator.Options(), numbers)
    assert fitted.places == (1,)
    np.testing.assert_array_equal(applied(fitted, numbers)[:, 3:], [[1.0], [0.0]])


def test_a_gap_is_refused_and_its_column_named() -> None:
    fitted = require_complete.Fitted(("age",), ("city",))
    texts = np.array([["Bern"], [None]], dtype=object)
    whole: Columns = {"numbers": np.array([[1.0]]), "texts": texts[:1]}
    assert fitted.apply(whole, [{}]) == {}
    with pytest.raises(ExampleError, match="'city'"):
        fitted.apply({"numbers": np.array([[1.0], [2.0]]), "texts": texts}, [{}, {}])
    with pytest.raises(ExampleError, match="'age'"):
        fitted.apply({"numbers": np.array([[np.nan]]), "texts": texts[:1]}, [{}])


SCALERS = {"standard": StandardScaler(), "min_max": MinMaxScaler(), "robust": RobustScaler()}


@pytest.mark.parametrize("method", SCALERS)
def test_straight_scales_are_scikit_learn_s(method: scale_columns.Method) -> None:
    numbers = gappy() * [1e-3, 1.0, 1e6, 5.0] + [0.0, 1.0, 1e7, -3.0]
    ours = applied(scale_columns.fit(scale_columns.Options(method), numbers[:150]), numbers)
    np.testing.assert_allclose(ours, SCALERS[method].fit(numbers[:150]).transform(numbers), atol=1e-9)


def test_quantiles_are_scikit_learn_s_between_the_ends() -> None:
    draw = np.random.default_rng(0)
    train, test = draw.lognormal(size=(6000, 2)), draw.lognormal(size=(2000, 2))
    theirs = QuantileTransformer(n_quantiles=200, output_distribution="normal", subsample=10_000).fit(train)
    ours = applied(scale_columns.fit(scale_columns.Options("quantile"), train), test)
    inside = np.abs(ours) < 2
    np.testing.assert_allclose(ours[inside], theirs.transform(test)[inside], atol=0.01)
    assert abs(ours.mean()) < 0.05
    assert ours.std() == pytest.approx(1.0, abs=0.05)


def test_equal_values_share_the_middle_of_their_places_and_ends_are_ends() -> None:
    train = np.concatenate([np.zeros(600), np.linspace(1, 2, 400)])[:, None]
    fitted = scale_columns.fit(scale_columns.Options("quantile"), train)
    scaled = applied(fitted, np.array([[0.0], [2.0], [1e9], [-1e9]]))[:, 0]
    shares = np.clip(np.linspace(0, 1, 33), 0.5 / 33, 1)
    assert scaled[0] == pytest.approx(norm.ppf(shares[shares < 0.6]).mean())
    assert scaled[2] == scaled[1] == pytest.approx(-norm.ppf(0.5 / 33))
    assert scaled[3] == scaled[0]


def test_the_logarithm_evens_a_long_tail_on_both_sides() -> None:
    train = np.array([[0.0], [1.0], [10.0], [1000.0], [-1000.0]])
    fitted = scale_columns.fit(scale_columns.Options("log"), train)
    scaled = applied(fitted, train)[:, 0]
    assert fitted.units == (505.0,)
    np.testing.assert_allclose(
        scaled * fitted.scales[0] + fitted.offsets[0], np.sign(train[:, 0]) * np.log1p(np.abs(train[:, 0]) / 505)
    )


@pytest.mark.parametrize("method", ["standard", "min_max", "robust", "quantile", "log", "none"])
@settings(max_examples=30)
@given(numbers=GAPPY)
def test_scales_keep_the_order_and_the_gaps(method: scale_columns.Method, numbers: Numbers) -> None:
    scaled = applied(scale_columns.fit(scale_columns.Options(method), numbers), numbers)
    np.testing.assert_array_equal(np.isnan(scaled), np.isnan(numbers))
    for before, after in zip(numbers.T, scaled.T, strict=True):
        known = ~np.isnan(before)
        assert np.isfinite(after[known]).all()
        assert (np.diff(after[known][np.argsort(before[known], kind="stable")]) >= 0).all()


@pytest.mark.parametrize("method", ["standard", "min_max", "robust", "quantile", "log", "none"])
def test_no_scaled_number_overflows_later(method: scale_columns.Method) -> None:
    fitted = scale_columns.fit(scale_columns.Options(method), np.array([[1.0, 3.0], [2.0, 3.0]]))
    scaled = applied(fitted, np.array([[1e300, 1e300], [-1e300, 3.0]]))
    assert np.abs(scaled).max() <= scale_columns.FARTHEST


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.booleans())
def test_a_target_comes_back(values: list[float], scale: bool) -> None:
    fitted = scale_target.fit(scale_target.Options(scale), values)
    scaled = fitted.apply({"value": np.asarray(values)}, [{} for _ in values])["value"]
    np.testing.assert_allclose(fitted.restored(np.asarray(scaled)), values, rtol=1e-9, atol=1e-6)
    if not scale:
        np.testing.assert_array_equal(scaled, values)


@pytest.mark.parametrize("unit", [1e-20, 1.0, 1e20, 1e200])
def test_a_scale_does_not_hang_on_the_unit(unit: float) -> None:
    numbers = np.arange(5.0).reshape(5, 1) * unit
    made = scale_columns.fit(scale_columns.Options("standard"), numbers)
    scaled = np.asarray(made.apply({"numbers": numbers}, [{}] * 5)["numbers"])
    np.testing.assert_allclose(scaled[:, 0], np.asarray([-2, -1, 0, 1, 2]) / np.sqrt(2), atol=1e-12)
