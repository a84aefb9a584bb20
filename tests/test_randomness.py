"""Draws are uniform, independent, and a function of what they are for and of nothing else."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from stepwell import randomness

IDS = [f"class_{i % 10}/image_{i}.png" for i in range(20_000)]
KEYS = randomness.keys(IDS)


def test_known_values_never_change():
    """Written down once: a changed generator would change every run that is resumed or repeated."""
    keys = randomness.keys(["a", "ä", ""])
    assert keys.tolist() == [3405396810240292928, 4152366542966443504, 13020603013274838756]
    assert randomness.number(1, "order", 2) == 8739751290129716211
    np.testing.assert_array_equal(randomness.order(1, "order", 0, keys), [0, 1, 2])
    drawn = randomness.draw(1, "flip", 3, keys, (2,))
    assert drawn[0].tolist() == [0.8430753325794139, 0.22155165713582103]
    assert drawn.tolist() == [
        [_reference(int(key), randomness.number(1, "flip", 3), j) for j in (1, 2)] for key in keys
    ]


def _reference(key, stream, counter):
    """The same in whole numbers, after the published SplitMix64."""

    def mix(z):
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
        return z ^ (z >> 31)

    return (mix(mix(key ^ stream) ^ mix(counter * 0x9E3779B97F4A7C15 % 2**64)) >> 11) / 2**53


@pytest.mark.parametrize("shape", [(), (3,), (2, 5), (0,)])
def test_shapes(shape):
    for function in (randomness.draw, randomness.normal):
        assert function(0, "x", 0, KEYS[:7], shape).shape == (7, *shape)
        assert function(0, "x", 0, KEYS[:0], shape).shape == (0, *shape)
    assert randomness.order(0, "x", 0, KEYS[:0]).shape == (0,)


def test_uniform_over_examples_counters_and_epochs():
    by_counter = randomness.draw(1, "flip", 0, KEYS[:4], (20_000,))
    by_example = randomness.draw(1, "flip", 0, KEYS, (4,)).T
    by_epoch = np.stack([randomness.draw(1, "flip", epoch, KEYS[:4]) for epoch in range(5_000)]).T
    by_seed = np.stack([randomness.draw(seed, "flip", 0, KEYS[:4]) for seed in range(5_000)]).T
    for values in (*by_counter, *by_example, *by_epoch, *by_seed):
        assert values.min() >= 0
        assert values.max() < 1
        assert stats.kstest(values, "uniform").pvalue > 1e-4
        low_bits = (values * 2**53).astype(np.uint64) & np.uint64(255)
        assert stats.chisquare(np.bincount(low_bits.astype(int), minlength=256)).pvalue > 1e-4


def test_uncorrelated_between_counters_purposes_epochs_seeds_and_neighbors():
    first = randomness.draw(1, "flip", 0, KEYS, (6,))
    columns = [
        *first.T,
        randomness.draw(1, "crop", 0, KEYS),
        randomness.draw(1, "flip", 1, KEYS),
        randomness.draw(2, "flip", 0, KEYS),
        np.roll(first[:, 0], 1),
    ]
    correlations = np.corrcoef(columns) - np.eye(len(columns))
    assert np.abs(correlations).max() < 5 / np.sqrt(len(KEYS))


def test_serial_pairs_fill_the_square():
    values = randomness.draw(3, "noise", 0, KEYS[:100], (1000,))
    cells = (values[:, :-1] * 16).astype(int) * 16 + (values[:, 1:] * 16).astype(int)
    assert stats.chisquare(np.bincount(cells[:, ::2].ravel(), minlength=256)).pvalue > 1e-4


def test_normal_is_normal_and_finite():
    values = randomness.normal(1, "noise", 0, KEYS, (3,))
    for column in values.T:
        assert stats.kstest(column, "norm").pvalue > 1e-4
    assert np.abs(np.corrcoef(values.T) - np.eye(3)).max() < 5 / np.sqrt(len(KEYS))
    assert np.isfinite(values).all()


@given(st.permutations(range(30)), st.integers(1, 30), st.integers(), st.text(), st.integers(0, 10**6))
def test_a_draw_does_not_depend_on_the_batch(positions, count, seed, purpose, epoch):
    chosen = np.array(positions[:count])
    for function in (randomness.draw, randomness.normal):
        whole = function(seed, purpose, epoch, KEYS[:30], (2, 3))
        np.testing.assert_array_equal(function(seed, purpose, epoch, KEYS[:30][chosen], (2, 3)), whole[chosen])


@given(st.integers(0, 8), st.integers(0, 8))
def test_a_longer_block_begins_with_the_shorter_one(short, more):
    for function in (randomness.draw, randomness.normal):
        long = function(5, "x", 0, KEYS[:4], (short + more,))
        np.testing.assert_array_equal(function(5, "x", 0, KEYS[:4], (short,)), long[:, :short])


@given(st.permutations(range(50)), st.integers(0, 100))
def test_order_is_a_permutation_of_examples_not_of_places(positions, epoch):
    places = np.array(positions)
    straight = randomness.order(7, "order", epoch, KEYS[:50])
    assert sorted(straight.tolist()) == list(range(50))
    shuffled = randomness.order(7, "order", epoch, KEYS[:50][places])
    np.testing.assert_array_equal(KEYS[:50][straight], KEYS[:50][places][shuffled])


def test_orders_of_epochs_are_unlike():
    orders = [randomness.order(7, "order", epoch, KEYS) for epoch in range(3)]
    for one, other in [(0, 1), (1, 2), (0, 2)]:
        assert abs(stats.spearmanr(orders[one], orders[other]).statistic) < 5 / np.sqrt(len(KEYS))
    assert abs(stats.spearmanr(orders[0], np.arange(len(KEYS))).statistic) < 5 / np.sqrt(len(KEYS))


def test_draws_leave_the_keys_alone():
    keys = KEYS.copy()
    keys.flags.writeable = False
    randomness.draw(1, "x", 0, keys, (2,))
    randomness.order(1, "x", 0, keys)


def test_unit_and_number_tell_purposes_apart():
    assert 0 <= randomness.unit(0, "split", "patient 1") < 1
    assert randomness.unit(0, "split", "patient 1") != randomness.unit(0, "split", "patient 2")
    assert randomness.unit(0, "split", "a") == randomness.draw(0, "split", 0, randomness.keys(["a"]))[0]
    different = {randomness.number(seed, purpose, epoch) for seed in (0, 1) for purpose in "ab" for epoch in (0, 1)}
    assert len(different) == 8
    assert randomness.number(1, "1", 1) != randomness.number(11, "", 1)


def test_undecodable_names_have_keys():
    name = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    assert len(set(randomness.keys([name, "café.png"]).tolist())) == 2


def test_the_same_in_another_process_with_another_hash_seed():
    script = (
        "from stepwell import randomness as r; k = r.keys(['b', 'a', 'ü']);"
        "print(r.draw(1, 'x', 2, k, (2,)).tolist(), r.normal(1, 'x', 2, k).tolist(), r.order(1, 'x', 2, k).tolist())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "4242")
    }
    assert len(answers) == 1
