"""Stratified samples."""

from collections import Counter

import numpy as np

from stepwell import sampling


def test_every_beginning_keeps_the_shares():
    ids, strata = [f"i{n}" for n in range(1000)], ["a"] * 900 + ["b"] * 99 + ["c"]
    order = sampling.order(0, "test", ids, strata)
    assert sorted(order) == list(range(1000))
    for count in (3, 50, 200):
        found = Counter(strata[i] for i in order[:count])
        assert found["c"] == 1
        assert abs(found["b"] - 0.1 * count) <= 1


def test_a_sample_follows_the_ids_and_not_their_order():
    ids, strata = [f"i{n}" for n in range(50)], [n % 3 for n in range(50)]
    chosen = {ids[i] for i in sampling.first(1, "test", ids, strata, 10)}
    assert chosen == {ids[::-1][i] for i in sampling.first(1, "test", ids[::-1], strata[::-1], 10)}
    assert chosen != {ids[i] for i in sampling.first(2, "test", ids, strata, 10)}


def test_a_sample_is_ascending_and_all_where_there_are_no_more():
    ids = ["b", "a", "c"]
    assert np.array_equal(sampling.first(0, "test", ids, [0, 0, 0], 9), [0, 1, 2])
    assert list(sampling.first(0, "test", ids, [0, 0, 0], 2)) == sorted(sampling.order(0, "test", ids, [0, 0, 0])[:2])
