"""Ridge against scikit-learn's; boosting on numbers, classes, categories, and within its time."""

from __future__ import annotations

import numpy as np
import pytest
import threadpoolctl
from sklearn.datasets import make_friedman1
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from stepwell.baselines import boosting, constant, ridge, threads

IDS = [f"e{i}" for i in range(20_000)]


@pytest.fixture(autouse=True)
def few_trees(monkeypatch):
    monkeypatch.setattr(boosting, "TREES", 20)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ridge_is_scikit_learns_on_standardized_features(dtype):
    features, targets = make_friedman1(300, noise=1.0, random_state=0)
    features = (features * 10.0 ** np.arange(10) + 5).astype(dtype)
    scaler = StandardScaler().fit(features.astype(np.float64))
    reference = Ridge(alpha=1.0).fit(scaler.transform(features.astype(np.float64)), targets)
    found = ridge.fit(features, targets)
    expected = reference.predict(scaler.transform(features.astype(np.float64)))
    np.testing.assert_allclose(found.predict(features), expected, rtol=1e-6)
    assert found.n == 300


def test_ridge_takes_repeated_and_constant_features_and_many_of_them(monkeypatch):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(200, 3))
    features = np.concatenate([x, x, np.full((200, 2), 7.0), generator.normal(size=(200, 40))], axis=1)
    targets = x @ [3.0, -2.0, 1.0]
    for most in (4000, 8):
        monkeypatch.setattr(ridge, "MOST_FEATURES", most)
        found = ridge.fit(features, targets)
        residual = found.predict(features) - targets
        assert residual.std() < 0.05 * targets.std()
    assert "the 8 best of 48" in found.note


def test_a_constant_answer_for_numbers_is_their_mean():
    assert constant.fit_mean(np.array([1.0, 2.0, 6.0], np.float32))(2).tolist() == [3.0, 3.0]


def test_boosting_learns_what_a_line_cannot():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(2000, 2))
    numbers = features[:, 0] * features[:, 1]
    found = boosting.fit(features[:1500], numbers[:1500], 0, IDS[:1500], 0)
    assert np.mean((found.predict(features[1500:]) - numbers[1500:]) ** 2) < 0.3 * numbers.var()
    classes = (numbers > 0).astype(np.int64)
    told = boosting.fit(features[:1500], classes[:1500], 2, IDS[:1500], 0)
    assert np.mean(told.predict(features[1500:]).argmax(axis=1) == classes[1500:]) > 0.9


def test_boosting_knows_categories_missing_values_and_classes_that_it_never_saw():
    codes = np.arange(600) % 300
    features = np.stack([np.where(codes % 7 == 0, np.nan, codes), codes], axis=1).astype(np.float32)
    targets = np.where(codes % 2 == 0, 0, 2)
    for levels in ((300,), (255,)):
        found = boosting.fit(features, targets, 4, IDS[:600], 0, levels=levels if levels[0] > 255 else ())
        answers = found.predict(features)
        assert answers.shape == (600, 4)
        np.testing.assert_allclose(answers.sum(axis=1), 1)
        assert not answers[:, [1, 3]].any()
    small = np.stack([np.zeros(600), codes % 10], axis=1).astype(np.float32)
    told = boosting.fit(small, np.where(codes % 10 % 3 == 0, 1, 0), 2, IDS[:600], 0, levels=(10,))
    assert told.predict(small).argmax(axis=1).tolist() == np.where(codes % 10 % 3 == 0, 1, 0).tolist()


def test_rare_classes_do_not_make_it_answer_worse_than_a_line():
    generator = np.random.default_rng(5)  # without regularization: 0.93 of the answers right, a log loss of 2.2
    targets = generator.choice(4, 3000, p=[0.55, 0.33, 0.08, 0.04])
    features = generator.normal(size=(3000, 6))
    features[:, 0], features[:, 1] = targets, targets == 1
    targets[:51] = np.repeat(np.arange(4, 13), [1, 1, 2, 3, 4, 5, 5, 10, 20])
    found = boosting.fit(features, targets, 13, IDS[:3000], 0)
    told = found.predict(features[51:])[np.arange(2949), targets[51:]]
    assert -np.log(np.clip(told, 1e-15, 1)).mean() < 0.1


def test_a_class_of_one_example_does_not_stop_it():
    generator = np.random.default_rng(0)
    features, targets = generator.normal(size=(12_000, 1)), generator.integers(0, 2, 12_000)
    targets[5] = 2
    assert boosting.fit(features, targets, 3, IDS[:12_000], 0).predict(features[:5]).shape == (5, 3)


def test_where_time_is_short_a_round_sample_is_fitted():
    generator = np.random.default_rng(0)
    features = generator.normal(size=(20_000, 4))
    found = boosting.fit(features, (features[:, 0] > 0).astype(np.int64), 2, IDS, 0, seconds=1e-3)
    assert found.n == 10_000
    assert "a stratified 10,000 of 20,000" in found.note
    assert boosting.fit(features, (features[:, 0] > 0).astype(np.int64), 2, IDS, 0, seconds=1e3).n == 20_000


def test_of_few_rows_with_very_many_features_there_are_fewer_rounds(monkeypatch):
    rounds, train = [], boosting._train
    monkeypatch.setattr(boosting, "_train", lambda *asked: rounds.append(asked[4]) or train(*asked))
    features = np.random.default_rng(0).normal(size=(200, 30))
    for wide, seconds in ((boosting._WIDE, 1e-6), (1, 1e-6), (1, 1e3)):
        monkeypatch.setattr(boosting, "_WIDE", wide)
        boosting.fit(features, (features[:, 0] > 0).astype(np.int64), 2, IDS[:200], 0, seconds=seconds)
    few = boosting._PILOT_TREES
    assert rounds == [boosting.TREES, few, few, few, boosting.TREES]


def test_many_threads_or_one_give_the_same_trees():
    features = np.random.default_rng(0).normal(size=(3000, 4))
    asked = (features, features[:, 0] * features[:, 1], 0, np.zeros(4, dtype=bool), 20, 0)
    many = boosting._train(*asked)
    with threads.one():
        alone = boosting._train(*asked)
    np.testing.assert_array_equal(many.predict(features), alone.predict(features))


def test_one_thread_is_one_thread_and_no_longer_than_wanted():
    before = [one["num_threads"] for one in threadpoolctl.threadpool_info()]
    with threads.one():
        assert {one["num_threads"] for one in threadpoolctl.threadpool_info()} == {1}
    assert [one["num_threads"] for one in threadpoolctl.threadpool_info()] == before
