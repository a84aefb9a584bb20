"""Quadratic kappa where there is nothing to compare with."""

from __future__ import annotations

import math

import numpy as np

from stepwell.metrics import quadratic_kappa
from stepwell.schema import Field, Schema


def score(true: list[str], said: list[str], *, ordered: bool = True) -> float:
    schema = Schema((), (Field("label", "category", "int64", classes=("1", "2", "3"), ordered=ordered),), ())
    state = quadratic_kappa.prepare(
        {"label": true}, {"label": said, "probabilities": np.eye(3)[[0] * len(said)]}, schema
    )
    return quadratic_kappa.score(state, None)


def test_a_constant_is_no_better_than_chance_and_the_opposite_is_worse() -> None:
    assert score(["1", "2", "3"], ["2", "2", "2"]) == 0.0
    assert score(["2", "2"], ["2", "2"]) == 0.0
    assert score(["1", "3"], ["3", "1"]) == -1.0
    assert score(["1", "2", "3"], ["1", "2", "3"]) == 1.0


def test_a_near_miss_costs_less_than_a_far_one() -> None:
    assert score(["1", "2", "3"], ["1", "2", "2"]) > score(["1", "2", "3"], ["1", "2", "1"])


def test_without_examples_and_without_an_order_it_is_undefined() -> None:
    assert math.isnan(score([], []))
    assert math.isnan(score(["1", "2", "3"], ["1", "2", "3"], ordered=False))
