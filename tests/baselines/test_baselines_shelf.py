"""The simple rivals: constant and linear."""

import sys

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from stepwell.baselines import constant, linear
from stepwell.errors import DataError, MissingExtraError


def blobs(n, classes=3, width=5, seed=0):
    draw = np.random.default_rng(seed)
    targets = np.arange(n) % classes
    centers = draw.normal(size=(classes, width)) * 2
    return centers[targets] + draw.normal(size=(n, width)), targets, [f"e{i}" for i in range(n)]


def test_constant_answers_the_smoothed_shares():
    found = constant.fit(np.array([0, 0, 0, 2]), 4)(2)
    assert np.allclose(found, [[4 / 8, 1 / 8, 2 / 8, 1 / 8]] * 2)


def test_linear_equals_the_reference():
    features, targets, ids = blobs(300)
    model = linear.fit(features, targets, 3, ids, seed=0)
    scaler = StandardScaler().fit(features)
    reference = LogisticRegression(C=linear.INVERSE_PENALTY, tol=1e-6, max_iter=1000)
    reference.fit(scaler.transform(features), targets)
    found = model.predict(features[:50])
    assert np.allclose(found, reference.predict_proba(scaler.transform(features[:50])), atol=0.01)
    assert np.allclose(found.sum(axis=1), 1)
    assert model.n == 300
    assert "all 300 training examples, converged" in model.note


def test_a_feature_that_never_changes_does_no_harm():
    features, targets, ids = blobs(200)
    with_dead = np.concatenate([features, np.full((200, 1), 7.0)], axis=1)
    model = linear.fit(with_dead, targets, 3, ids, seed=0)
    odd = with_dead.copy()
    odd[:, -1] = 200
    assert np.allclose(model.predict(odd), model.predict(with_dead))


def test_a_class_that_was_never_seen_has_a_column():
    features, targets, ids = blobs(60, classes=2)
    found = linear.fit(features, targets * 2, 4, ids, seed=0).predict(features)
    assert found.shape == (60, 4)
    assert np.all(found[:, [1, 3]] == 0)


def test_little_time_takes_a_stratified_sample_of_a_round_size_and_says_so():
    features, targets, ids = blobs(20_000, width=60)
    model = linear.fit(features, targets, 3, ids, seed=0, seconds=0.001)
    assert model.n < 20_000
    assert str(model.n).rstrip("0") in ("1", "2", "5")
    assert f"a stratified {model.n:,} of 20,000 training examples" in model.note
    assert (model.predict(features).argmax(axis=1) == targets).mean() > 0.9


def test_little_memory_takes_a_sample(monkeypatch):
    monkeypatch.setattr(linear, "MOST_NUMBERS", 1000)
    features, targets, ids = blobs(900)
    assert linear.fit(features, targets, 3, ids, seed=0).n == 200


def test_a_sample_never_misses_a_class(monkeypatch):
    monkeypatch.setattr(linear, "MOST_NUMBERS", 1)
    features, targets, ids = blobs(300, classes=30)
    assert np.all(linear.fit(features, targets, 30, ids, seed=0).predict(features[:1]) > 0)


def test_the_order_of_the_examples_changes_nothing(monkeypatch):
    monkeypatch.setattr(linear, "MOST_NUMBERS", 500)
    features, targets, ids = blobs(300)
    one = linear.fit(features, targets, 3, ids, seed=0).predict(features)
    other = linear.fit(features[::-1], targets[::-1], 3, ids[::-1], seed=0).predict(features)
    assert np.allclose(one, other, atol=1e-3)


def test_one_class_is_refused():
    with pytest.raises(DataError, match="two classes"):
        linear.fit(np.zeros((3, 2)), np.zeros(3, dtype=int), 2, ["a", "b", "c"], seed=0)


def test_a_missing_package_is_named_with_its_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.linear_model", None)
    with pytest.raises(MissingExtraError, match="scikit-learn") as caught:
        linear.fit(*blobs(10)[:2], 3, blobs(10)[2], seed=0)
    assert caught.value.do == 'pip install "stepwell[train]"'


def test_no_rows_give_no_answers():
    features, targets, ids = blobs(30)
    assert linear.fit(features, targets, 3, ids, seed=0).predict(features[:0]).shape == (0, 3)


def test_where_a_small_fit_takes_all_the_time_it_is_the_model(monkeypatch):
    monkeypatch.setattr(linear, "_LIGHT", 1)
    fits = []
    fit = linear._fit
    monkeypatch.setattr(linear, "_fit", lambda *asked: fits.append(asked[2]) or fit(*asked))
    features, targets, ids = blobs(1000)
    model = linear.fit(features, targets, 3, ids, seed=0, seconds=0.0)
    assert fits == [linear._PILOT_STEPS] and "stopped after 5 iterations" in model.note
    assert np.mean(model.predict(features).argmax(axis=1) == targets) > 0.9


@pytest.mark.parametrize(("noise", "taken"), [(0.0, 10.0), (0.4, 0.1)])
def test_of_several_penalties_the_one_that_tells_rows_held_out_best_is_taken(noise: float, taken: float) -> None:
    generator = np.random.default_rng(0)
    features = generator.normal(size=(300, 40))
    targets = (features[:, 0] > 0) ^ (generator.random(300) < noise)
    ids = [f"e{i}" for i in range(300)]
    found = linear.fit(features, targets.astype(np.int64), 2, ids, 0, penalties=linear.INVERSE_PENALTIES)
    same = linear.fit(features, targets.astype(np.int64), 2, ids, 0, penalties=(taken,))
    np.testing.assert_array_equal(found.predict(features), same.predict(features))
