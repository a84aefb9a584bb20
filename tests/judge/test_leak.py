"""The price of a leak: the headline with and without what training had seen."""

from __future__ import annotations

import numpy as np
import pytest

from stepwell.judge.leak import leak
from stepwell.schema import Field, Schema
from stepwell.task import Task

CARD = Task("t", "a", "b", ("accuracy",), "accuracy", ("accuracy",), None, ("label",))
SCHEMA = Schema((), (Field("label", "category", "int64", (), ("a", "b")),), ())


def priced(right, leaked, units=None):
    truth = {"label": ["a"] * len(right)}
    said = {"label": ["a" if one else "b" for one in right]}
    ids = [f"x{number}" for number in range(len(right))]
    groups = [f"seen{number}" if one else f"new{number}" for number, one in enumerate(leaked)]
    trained = {"other", *(name for name in groups if name.startswith("seen"))}
    return leak(CARD, ("metrics",), truth, said, SCHEMA, ids, groups, trained, units)


def test_nothing_leaked_has_no_price():
    assert priced([True] * 10, [False] * 10) is None


def test_copies_that_are_all_right_raise_the_score_and_the_price_says_by_how_much():
    generator = np.random.default_rng(0)
    leaked = np.arange(1000) < 300
    right = leaked | (generator.random(1000) < 0.8)
    found = priced(right, leaked)
    assert (found.n, found.leaked) == (1000, 300)
    assert found.examples == ("x0", "x1", "x2", "x3", "x4")
    assert found.with_leak.value == pytest.approx(right.mean())
    assert found.without.value == pytest.approx(right[~leaked].mean()) and found.without.n == 700
    assert found.price.value == pytest.approx(found.with_leak.value - found.without.value)
    assert 0 < found.price.low < found.price.value < found.price.high
    paired, single = found.price.high - found.price.low, found.without.high - found.without.low
    assert paired < single  # the same resamples: much of the error is common to both


def test_a_leak_that_helps_nothing_has_a_price_that_chance_explains():
    right = np.random.default_rng(1).random(1000) < 0.8
    found = priced(right, np.arange(1000) % 5 == 0)
    assert found.price.low < 0 < found.price.high


def test_where_every_example_was_seen_nothing_is_left_to_compare_with():
    found = priced([True] * 20, [True] * 20)
    assert found.leaked == 20 and found.without is None and found.price is None
    assert found.with_leak.value == 1.0
