"""What each method does about classes of unequal size, against its definition and, for SMOTE, a plain search."""

from __future__ import annotations

import types
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from stepwell import discovery
from stepwell.imbalance import Balance, smote
from stepwell.schema import Field, Schema

LABELS = np.array([0] * 60 + [1] * 30 + [2] * 10)
METHODS = discovery.names("imbalance")


def method(name: str) -> types.ModuleType:
    return import_module(f"stepwell.imbalance.{name}")


def balanced(name: str, labels: np.ndarray = LABELS, **options: float) -> Balance:
    module = method(name)
    found: Balance = module.balance(module.Options(**options), labels, 3, 7)
    return found


def sizes(balance: Balance, epoch: int) -> list[int]:
    assert balance.draw is not None
    rows = balance.draw(epoch)
    assert len(rows) == balance.shown
    counted: list[int] = np.bincount(LABELS[rows], minlength=3).tolist()
    return counted


def test_the_methods_are_those_that_are_told() -> None:
    wanted = {"class_balanced", "class_weights", "logit_adjustment", "none", "over_sampling", "smote"}
    assert set(METHODS) == wanted | {"under_sampling", "weighted_sampling"}


def test_class_weights_are_those_of_scikit_learn() -> None:
    weight = balanced("class_weights").weight
    theirs = compute_class_weight("balanced", classes=np.arange(3), y=LABELS)
    assert weight is not None
    np.testing.assert_allclose(weight, theirs[LABELS])
    assert weight.mean() == pytest.approx(1)


def test_class_balanced_lies_between_no_weights_and_class_weights() -> None:
    none, some, full = (balanced("class_balanced", beta=beta).weight for beta in (0.0, 0.9, 0.999999))
    assert none is not None and some is not None and full is not None
    np.testing.assert_allclose(none, 1)
    np.testing.assert_allclose(full, balanced("class_weights").weight, rtol=1e-3)
    ratio = (1 - 0.9**60) / (1 - 0.9**10)
    assert some[-1] / some[0] == pytest.approx(ratio)


def test_logit_adjustment_adds_the_logarithm_of_the_shares() -> None:
    np.testing.assert_allclose(balanced("logit_adjustment", tau=2.0).offset, 2 * np.log([0.6, 0.3, 0.1]))


def test_over_sampling_levels_up_and_keeps_everyone() -> None:
    assert sizes(balanced("over_sampling"), 0) == [60, 60, 60]
    assert sizes(balanced("over_sampling", ratio=0.5), 3) == [60, 30, 30]
    draw = balanced("over_sampling").draw
    assert draw is not None
    assert set(draw(0).tolist()) == set(range(100))


def test_under_sampling_levels_down_and_shows_others_next_time() -> None:
    balance = balanced("under_sampling")
    assert sizes(balance, 0) == [10, 10, 10]
    assert sizes(balanced("under_sampling", ratio=0.5), 0) == [20, 20, 10]
    assert balance.draw is not None
    first, second = (balance.draw(epoch) for epoch in (0, 1))
    assert len(set(first.tolist())) == 30
    assert set(first.tolist()) != set(second.tolist())


def test_weighted_sampling_draws_all_classes_alike_on_average() -> None:
    balance = balanced("weighted_sampling")
    seen = np.sum([sizes(balance, epoch) for epoch in range(100)], axis=0) / 10_000
    np.testing.assert_allclose(seen, 1 / 3, atol=0.02)


@pytest.mark.parametrize("name", [name for name in METHODS if name.endswith("sampling")])
def test_what_an_epoch_shows_is_a_function_of_seed_and_epoch(name: str) -> None:
    first, again = balanced(name).draw, balanced(name).draw
    assert first is not None and again is not None
    again(0)
    np.testing.assert_array_equal(first(5), again(5))
    assert not np.array_equal(first(5), first(6))


@pytest.mark.parametrize("name", METHODS)
@given(labels=st.lists(st.integers(0, 2), min_size=2, max_size=40))
def test_no_method_fails_where_a_class_is_missing_or_alone(name: str, labels: list[int]) -> None:
    balance = balanced(name, np.array(labels))
    if balance.draw is not None:
        assert len(balance.draw(0)) == balance.shown
    for numbers in (balance.weight, balance.offset):
        assert numbers is None or np.isfinite(numbers).all()


SCHEMA = Schema(
    (Field("numbers", "number", "float32", (2,)), Field("categories", "category", "int64", (1,), levels=(4,))),
    (Field("label", "category", "int64", classes=("a", "b")),),
    (),
)


def table(rare: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = np.array([0] * 20 + [1] * rare)
    numbers = generator.normal(size=(len(labels), 2)).astype(np.float32) + 10 * labels[:, None]
    return {
        "numbers": numbers.astype(np.float32),
        "categories": generator.integers(1, 4, (len(labels), 1)),
        "label": labels,
    }


def test_smote_makes_rows_between_neighbors_of_a_class() -> None:
    columns = table(8)
    made = smote.synthesize(smote.Options(neighbors=3), columns, columns["label"], SCHEMA, 1)
    assert np.asarray(made["label"]).tolist() == [1] * 12
    numbers = np.asarray(made["numbers"])
    own = columns["numbers"][columns["label"] == 1]
    assert numbers.dtype == np.float32
    for row in numbers:
        between = [
            np.linalg.norm(row - a) + np.linalg.norm(row - b) - np.linalg.norm(a - b)
            for i, a in enumerate(own)
            for b in own[i + 1 :]
        ]
        assert min(between) < 1e-4
    assert set(np.asarray(made["categories"]).ravel()) <= set(columns["categories"][columns["label"] == 1].ravel())


def test_smote_finds_the_nearest_as_a_plain_search_does() -> None:
    generator = np.random.default_rng(1)
    rows = {"numbers": generator.normal(size=(30, 3)), "categories": generator.integers(0, 2, (30, 2))}
    found = smote._nearest(rows, {"numbers": "number", "categories": "category"}, 4)
    penalty = np.median(rows["numbers"].std(0)) ** 2
    for i in range(30):
        square = ((rows["numbers"] - rows["numbers"][i]) ** 2).sum(1)
        square += penalty * (rows["categories"] != rows["categories"][i]).sum(1)
        square[i] = np.inf
        assert found[i].tolist() == np.argsort(square, kind="stable")[:4].tolist()


def test_smote_repeats_a_row_that_is_alone_and_makes_nothing_of_equal_classes() -> None:
    columns = table(1)
    made = smote.synthesize(smote.Options(), columns, columns["label"], SCHEMA, 1)
    np.testing.assert_array_equal(np.asarray(made["numbers"]), np.repeat(columns["numbers"][-1:], 19, axis=0))
    columns = table(20)
    assert smote.synthesize(smote.Options(), columns, columns["label"], SCHEMA, 1) == {}


def test_the_most_frequent_category_of_the_neighbors_is_taken() -> None:
    codes = np.array([[[1, 5], [2, 5], [2, 4]], [[3, 1], [1, 2], [2, 3]]])
    np.testing.assert_array_equal(smote._modes(codes), [[2, 5], [1, 1]])
