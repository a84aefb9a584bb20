"""Codes, bins, dates, and how well codes tell an answer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell import columns
from stepwell.columns import Answer

CELLS = st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=1, max_size=40)
NUMBERS = st.lists(st.one_of(st.floats(-5, 5), st.just(float("nan")), st.just(2.0)), min_size=1, max_size=200)


@settings(deadline=None)
@given(CELLS)
def test_codes_are_equal_where_cells_are(cells):
    codes, levels = columns.coded(cells)
    assert levels == len(set(cells))
    assert set(codes.tolist()) == set(range(levels))
    assert all((codes[i] == codes[0]) == (cells[i] == cells[0]) for i in range(len(cells)))


@settings(deadline=None)
@given(NUMBERS)
def test_bins_keep_order_and_what_is_missing_apart(numbers):
    column = np.array(numbers)
    codes, levels = columns.binned(column, 8)
    missing = np.isnan(column)
    assert codes.min() >= 0 and codes.max() < levels
    assert not set(codes[missing].tolist()) & set(codes[~missing].tolist())
    order = np.argsort(column[~missing])
    assert (np.diff(codes[~missing][order]) >= 0).all()


def test_strength_is_one_for_what_is_told_and_nothing_for_what_is_not():
    r = np.random.default_rng(0)
    codes = r.integers(0, 5, 2000)
    told, free = Answer(codes % 2, ("a", "b")), Answer(r.integers(0, 2, 2000), ("a", "b"))
    assert columns.strength(codes, 5, told) == 1.0
    assert columns.strength(codes, 5, free) < 0.1
    assert columns.strength(codes, 5, Answer(codes * 2.0)) == pytest.approx(1.0)
    assert columns.strength(codes, 5, Answer(r.normal(size=2000))) < 0.05


def test_what_never_repeats_tells_nothing():
    answer = Answer(np.random.default_rng(0).integers(0, 2, 500), ("a", "b"))
    assert columns.strength(np.arange(500), 500, answer) == 0.0


def test_strength_where_there_is_nothing_to_tell_apart():
    assert columns.strength(np.arange(60), 60, Answer(np.zeros(60, dtype=np.int64), ("a",))) == 0.0
    assert columns.strength(np.arange(60), 60, Answer(np.ones(60))) == 0.0


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (["1970-01-02", None], [86_400.0, np.nan]),
        (["1970/01/02", "1970-01-01"], [86_400.0, 0.0]),
        (["1970-01-01T00:01:00+00:00"], [60.0]),
        (["13.01.1970", "02.01.1970"], [12 * 86_400.0, 86_400.0]),
        (["1/13/1970", "1/2/1970"], [12 * 86_400.0, 86_400.0]),
    ],
)
def test_dates(cells, seconds):
    np.testing.assert_array_equal(columns.dates(cells), seconds)


@pytest.mark.parametrize("cells", [[None], ["a"], ["1970-01-01", "soon"], ["12"], ["99-99-99"], np.array([1.0])])
def test_no_dates(cells):
    assert columns.dates(cells) is None


def test_names_in_a_sentence():
    assert columns.listed(["a"]) == "'a'"
    assert columns.listed(["a", "b", "c", "d", "e"]) == "'a', 'b', 'c' and 2 more"
