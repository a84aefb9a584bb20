"""Slices: found where the network is worse, silent where chance is all there is, each value checked by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import discovery
from stepwell.judge import bootstrap, subsets
from stepwell.judge.slices import COLUMNS, JUDGED, LEAST, ROWS, holm, slices, two_sided
from stepwell.schema import Field, Schema
from stepwell.task import Task

ROOMS = ("metrics",)
SCHEMA = Schema((), (Field("label", "category", "int64", (), ("a", "b")),), ())


def card(headline="accuracy"):
    return Task("t", "a", "b", (headline,), headline, (headline,), None, ("label",))


def answers(right):
    """Truth and predictions of examples of class a and b in turn, right or wrong as said."""
    true = ["ab"[place % 2] for place in range(len(right))]
    said = [one if good else "ba"["ab".index(one)] for one, good in zip(true, right, strict=True)]
    return {"label": true}, {"label": said}


def draw(seed):
    return np.random.default_rng(seed)


def test_the_slice_where_the_network_fails_comes_first_with_its_gap():
    generator = draw(0)
    group = generator.integers(0, 4, 1000)
    right = generator.random(1000) < np.where(group == 2, 0.6, 0.95)
    truth, said = answers(right)
    columns = {"noise": generator.normal(size=1000), "site": [f"s{one}" for one in group]}
    found = slices(card(), ROOMS, truth, said, SCHEMA, columns)
    first = found.found[0]
    assert (first.column, first.value) == ("site", "s2")
    assert first.score.value == pytest.approx(right[group == 2].mean())
    assert first.score.n == (group == 2).sum()
    assert first.gap.value == pytest.approx(right[group == 2].mean() - right[group != 2].mean())
    assert first.gap.low < first.gap.value < first.gap.high < 0
    assert first.chance < 1e-6
    assert found.examined == 8 and found.columns == 2 and found.passed_over == 0


def test_many_slices_without_a_cause_hold_none_back_and_call_none_real():
    false = 0
    for seed in range(10):
        generator = draw(seed)
        truth, said = answers(generator.random(600) < 0.8)
        columns = {f"c{number}": generator.normal(size=600) for number in range(15)}
        found = slices(card(), ROOMS, truth, said, SCHEMA, columns, seed=seed)
        assert found.examined == 60 and len(found.found) == JUDGED
        false += any(one.chance < 0.05 for one in found.found)
    assert false <= 2  # 3 or more of 10 have a probability of 1.2 % at the promised rate


def test_numbers_fall_into_quarters_few_values_stand_alone_and_missing_is_a_slice():
    ages = np.arange(400.0)
    ages[:40] = np.nan
    columns = {"age": ages, "rooms": np.repeat([1.0, 2.0], 200), "city": [None] * 100 + ["x"] * 300}
    truth, said = answers([True] * 399 + [False])
    found = slices(card(), ROOMS, truth, said, SCHEMA, columns)
    names = {(one.column, one.value): one.score.n for one in found.found}
    assert names[("age", "missing")] == 40
    assert names[("rooms", "1")] == names[("rooms", "2")] == 200
    assert names[("city", "missing")] == 100 and names[("city", "x")] == 300
    quarters = {name: n for (column, name), n in names.items() if column == "age" and name != "missing"}
    assert quarters == {"up to 130": 91, "above 130 to 220": 90, "above 220 to 309": 89, "above 309": 90}


def test_a_number_that_is_mostly_zero_is_cut_at_zero():
    gains = np.where(np.arange(400) < 350, 0.0, np.arange(400.0))
    truth, said = answers([True] * 399 + [False])
    found = slices(card(), ROOMS, truth, said, SCHEMA, {"gain": gains}).found
    assert {one.value: one.score.n for one in found} == {"up to 0": 350, "above 0": 50}


def test_borders_that_differ_late_are_told_apart():
    truth, said = answers([True] * 399 + [False])
    columns = {"time": 1_700_000_000.0 + np.arange(400.0)}
    values = {one.value for one in slices(card(), ROOMS, truth, said, SCHEMA, columns).found}
    assert len(values) == 4 and "up to 1,700,000,100" in values


def test_small_slices_small_rests_and_equal_slices_are_left_out():
    truth, said = answers([True] * 99 + [False])
    few = ["x"] * (LEAST - 1) + ["y"] * (101 - LEAST)
    half = ["u"] * 50 + ["v"] * 50
    assert slices(card(), ROOMS, truth, said, SCHEMA, {"few": few}) is None
    assert slices(card(), ROOMS, truth, said, SCHEMA, {}) is None
    assert slices(card(), ROOMS, truth, said, SCHEMA, {"one": half, "two": half}).examined == 2


def test_a_slice_of_one_group_says_nothing_about_other_groups():
    generator = draw(0)
    groups = np.repeat([f"p{number}" for number in range(10)], 60)
    right = np.where(groups == "p3", generator.random(600) < 0.7, generator.random(600) < 0.9)
    truth, said = answers(right)
    columns = {"person": groups.tolist()}
    alone = slices(card(), ROOMS, truth, said, SCHEMA, columns).found[0]
    grouped = slices(card(), ROOMS, truth, said, SCHEMA, columns, groups.tolist())
    assert alone.value == "p3" and alone.chance < 0.05
    assert all(one.chance > 0.05 for one in grouped.found)


def test_a_metric_that_is_no_mean_over_examples_is_sliced_too():
    generator = draw(0)
    part = generator.integers(0, 2, 400)
    right = generator.random(400) < np.where(part, 0.6, 0.95)
    truth, said = answers(right)
    found = slices(card("macro_f1"), ROOMS, truth, said, SCHEMA, {"part": part})
    metric = discovery.load("metrics", "macro_f1")
    rows = np.flatnonzero(part == 1)
    chosen = ({"label": [one["label"][row] for row in rows]} for one in (truth, said))
    expected = metric.score(metric.prepare(*chosen, SCHEMA), None)
    worse = next(one for one in found.found if one.value == "1")
    assert worse.score.value == pytest.approx(expected)
    assert worse.gap.high < 0


def test_more_examples_and_columns_than_are_looked_at_are_said():
    n = ROWS + 5
    truth, said = answers(draw(0).random(n) < 0.9)
    columns = {f"c{number}": np.arange(n) % 2 for number in range(COLUMNS + 3)}
    found = slices(card(), ROOMS, truth, said, SCHEMA, columns, [str(one) for one in range(n)])
    assert (found.n, found.columns, found.passed_over) == (ROWS, COLUMNS, 3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_monotone_never_smaller_and_the_smallest_pays_for_all(probabilities):
    adjusted = holm(probabilities)
    assert all(one >= plain for one, plain in zip(adjusted, probabilities, strict=True))
    assert min(adjusted) == min(1.0, min(probabilities) * len(probabilities))
    order = np.argsort(probabilities, kind="stable")
    assert list(np.array(adjusted)[order]) == sorted(adjusted)


def test_holm_equals_a_worked_example_and_counts_tests_left_out():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01], tests=10) == pytest.approx([0.1])


def test_two_sided_is_that_of_a_normal_error():
    assert two_sided(1.959964, 0.0, 2 * 1.959964) == pytest.approx(0.05, abs=1e-6)
    assert two_sided(0.0, 0.0, 0.0) == 1.0 and two_sided(0.1, 0.1, 0.1) == 0.0


def test_means_over_examples_are_known_as_such_and_their_replicates_equal_the_metric():
    generator = draw(0)
    truth, said = answers(generator.random(90) < 0.7)
    accuracy, macro = (discovery.load("metrics", name) for name in ("accuracy", "macro_f1"))
    state = accuracy.prepare(truth, said, SCHEMA)
    assert subsets.means(accuracy, state) is not None
    assert subsets.means(macro, macro.prepare(truth, said, SCHEMA)) is None
    masks = generator.random((3, 90)) < 0.5
    resampling = bootstrap.plan(90, None, 4)
    found = subsets.resampled(accuracy, state, masks, resampling)
    assert found.shape == (1000, 3)
    for row, weight in zip(found[:70], resampling.weights(), strict=False):
        assert row == pytest.approx([accuracy.score(state, weight * mask) for mask in masks])


def test_ten_thousand_rows_of_thirty_columns_take_seconds():
    generator = draw(0)
    truth, said = answers(generator.random(10_000) < 0.9)
    columns = {f"c{number}": generator.normal(size=10_000) for number in range(30)}
    start = time.perf_counter()
    slices(card(), ROOMS, truth, said, SCHEMA, columns)
    assert time.perf_counter() - start < 5
