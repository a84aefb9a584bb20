"""Every classification metric against scikit-learn's, weights included, on data that lack classes, tie and saturate."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn import metrics as oracle

from stepwell import discovery
from stepwell.errors import DataError
from stepwell.schema import Field, Schema

ROOM = "metrics"
NUMBERS = ("mae", "mape", "median_absolute_error", "mse", "r2", "rmse")  # test_metrics_numbers.py
NAMES = [
    name
    for name in discovery.names(ROOM)
    if name not in (*NUMBERS, "coverage") and discovery.load(ROOM, name).KIND != "curve"
]


def _areas(name, labels, probabilities, names):
    score = oracle.roc_auc_score if name == "auroc" else oracle.average_precision_score
    found = []
    for number, own in enumerate(names):
        true = np.array([one == own for one in labels])
        if true.any() and (name != "auroc" or not true.all()):
            found.append(score(true, probabilities[:, number]))
    return found


def make_schema(classes):
    return Schema((), (Field("label", "category", "int64", (), tuple(classes), ordered=True),), ())


def make_answers(seed, n, classes, coarse=False):
    """Truth and predictions of `n` examples; `coarse` probabilities tie often and are exactly 0 or 1 at times."""
    generator = np.random.default_rng(seed)
    names = [f"c{number:02}" for number in range(classes)]  # in order: scikit-learn wants that
    true = generator.integers(0, max(1, classes - 1), n)  # the last class is never true
    raw = generator.random((n, classes)) ** 3
    if coarse:
        raw = np.floor(raw * 3)
        raw[raw.sum(axis=1) == 0] = 1.0
    probabilities = raw / raw.sum(axis=1, keepdims=True)
    predicted = np.where(generator.random(n) < 0.5, true, probabilities.argmax(axis=1))
    truth = {"label": [names[one] for one in true]}
    predictions = {
        "label": np.array([names[one] for one in predicted]),
        "probability": probabilities.max(axis=1),
        "probabilities": probabilities,
    }
    return names, truth, predictions


def expected(name, truth, predictions, classes, weight):
    y, p, w = truth["label"], predictions["label"], weight
    values = predictions["probabilities"]
    single = {"labels": classes, "average": None, "zero_division": np.nan, "sample_weight": w}
    by_name = {
        "accuracy": lambda: oracle.accuracy_score(y, p, sample_weight=w),
        "balanced_accuracy": lambda: oracle.balanced_accuracy_score(y, p, sample_weight=w),
        "macro_f1": lambda: oracle.f1_score(y, p, average="macro", sample_weight=w),
        "precision": lambda: oracle.precision_score(y, p, **single),
        "recall": lambda: oracle.recall_score(y, p, **single),
        "f1": lambda: oracle.f1_score(y, p, **single),
        "confusion_matrix": lambda: oracle.confusion_matrix(y, p, labels=classes, sample_weight=w),
        "log_loss": lambda: oracle.log_loss(y, y_proba=values, labels=classes, sample_weight=w),
        "macro_precision": lambda: oracle.precision_score(y, p, average="macro", zero_division=0, sample_weight=w),
        "weighted_precision": lambda: oracle.precision_score(
            y, p, average="weighted", zero_division=0, sample_weight=w
        ),
        "weighted_f1": lambda: oracle.f1_score(y, p, average="weighted", zero_division=0, sample_weight=w),
        "mcc": lambda: oracle.matthews_corrcoef(y, p, sample_weight=w),
        "quadratic_kappa": lambda: kappa(y, p, classes, w),
        "calibrated_log_loss": lambda: least_log_loss(y, values, classes, w),
        "brier": lambda: oracle.brier_score_loss(y, values, labels=classes, sample_weight=w),
        "ece": lambda: ece_by_definition(y, values, classes, w),
        "auroc": lambda: mean_over_classes(oracle.roc_auc_score, y, values, classes, w, both_sides=True),
        "average_precision": lambda: mean_over_classes(
            oracle.average_precision_score, y, values, classes, w, both_sides=False
        ),
        "top_5": lambda: (
            oracle.top_k_accuracy_score(y, values, k=5, labels=classes, sample_weight=w) if len(classes) > 5 else np.nan
        ),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return by_name[name]()


def least_log_loss(y, values, classes, weight):
    """Over temperatures, by a search that knows nothing of slopes."""
    logits = np.log(np.clip(values, np.finfo(np.float64).eps, None))

    def loss(log_temperature):
        answers = softmax(logits / math.exp(log_temperature), axis=1)
        return oracle.log_loss(y, y_proba=answers, labels=classes, sample_weight=weight)

    ends = (math.log(0.05), math.log(20.0))
    inside = minimize_scalar(loss, bounds=ends, method="bounded", options={"xatol": 1e-11}).fun
    return min(inside, *map(loss, ends))  # the search never asks for the ends themselves


def kappa(y, p, classes, weight):
    """Undefined for scikit-learn where all are of one class; then no answer is better than chance."""
    if len(set(y)) == 1 and set(y) == set(p):
        return 0.0
    return oracle.cohen_kappa_score(y, p, labels=classes, weights="quadratic", sample_weight=weight)


def mean_over_classes(of, y, values, classes, weight, both_sides):
    """One class against the rest, averaged; of two classes the second alone; classes that make no sense left out."""
    found = []
    for number in [1] if len(classes) == 2 else range(len(classes)):
        positive = np.array(y) == classes[number]
        if positive.any() and (not both_sides or not positive.all()):
            found.append(of(positive, values[:, number], sample_weight=weight))
    return np.mean(found) if found else np.nan


def ece_by_definition(y, values, classes, weight):
    """Equation 3 of Guo et al., bin by bin in a loop."""
    weight = np.ones(len(y)) if weight is None else weight
    error = 0.0
    for place in range(15):
        inside = [i for i, row in enumerate(values) if place / 15 < max(row) <= (place + 1) / 15]
        if inside:
            w = weight[inside]
            right = np.average([classes[int(np.argmax(values[i]))] == y[i] for i in inside], weights=w)
            confidence = np.average([max(values[i]) for i in inside], weights=w)
            error += w.sum() / weight.sum() * abs(right - confidence)
    return error


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(1, 60),
    classes=st.sampled_from([2, 3, 7, 12]),
    weighted=st.booleans(),
    coarse=st.booleans(),
)
def test_equals_scikit_learn(name, seed, n, classes, weighted, coarse):
    names, truth, predictions = make_answers(seed, n, classes, coarse)
    weight = np.random.default_rng(seed + 1).uniform(0.1, 3.0, n) if weighted else None
    metric = discovery.load(ROOM, name)
    found = metric.score(metric.prepare(truth, predictions, make_schema(names)), weight)
    np.testing.assert_allclose(found, expected(name, truth, predictions, names, weight), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 40), classes=st.sampled_from([2, 7]))
def test_an_integer_weight_is_that_many_copies(name, seed, n, classes):
    names, truth, predictions = make_answers(seed, n, classes)
    weight = np.random.default_rng(seed).integers(0, 3, n)
    rows = np.repeat(np.arange(n), weight)
    metric, schema = discovery.load(ROOM, name), make_schema(names)
    copies = {key: np.asarray(column)[rows] for key, column in predictions.items()}
    repeated = metric.score(metric.prepare({"label": [truth["label"][i] for i in rows]}, copies, schema), None)
    weighted = metric.score(metric.prepare(truth, predictions, schema), weight.astype(float))
    np.testing.assert_allclose(weighted, repeated, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_without_examples_nothing_is_claimed(name):
    metric = discovery.load(ROOM, name)
    nothing = {"label": [], "probability": np.zeros(0), "probabilities": np.zeros((0, 7))}
    state = metric.prepare({"label": []}, nothing, make_schema([f"c{i}" for i in range(7)]))
    found = np.asarray(metric.score(state, None))
    assert (found == 0).all() if metric.KIND == "table" else np.isnan(found).all()


@pytest.mark.parametrize("name", [name for name in NAMES if hasattr(discovery.load(ROOM, name), "per_example")])
def test_the_score_is_the_mean_of_its_examples(name):
    names, truth, predictions = make_answers(1, 50, 8)
    metric = discovery.load(ROOM, name)
    state = metric.prepare(truth, predictions, make_schema(names))
    assert metric.per_example(state).shape == (50,)
    assert metric.per_example(state).mean() == pytest.approx(metric.score(state, None))


@pytest.mark.parametrize("classes", [2, 5])
def test_top_5_says_nothing_of_five_classes_or_fewer(classes):
    names, truth, predictions = make_answers(0, 20, classes)
    metric = discovery.load(ROOM, "top_5")
    assert math.isnan(metric.score(metric.prepare(truth, predictions, make_schema(names)), None))


def test_a_mean_over_classes_rests_on_its_rare_classes():
    metric = discovery.load(ROOM, "balanced_accuracy")
    names = ["a", "b"]

    def support(*counts):
        labels = [name for name, count in zip(names, counts, strict=True) for _ in range(count)]
        return metric.support(metric.prepare({"label": labels}, {"label": labels}, make_schema(names)))

    assert support(50, 50) == pytest.approx(100)
    assert support(99, 1) == pytest.approx(4 / (1 / 99 + 1))
    assert support(7, 0) == pytest.approx(7)


@pytest.mark.parametrize(
    "name", ["log_loss", "calibrated_log_loss", "top_5", "brier", "ece", "auroc", "average_precision", "roc"]
)
def test_probabilities_that_are_no_numbers_are_refused_in_words(name):
    names, truth, predictions = make_answers(0, 10, 7)
    predictions["probabilities"][3, 2] = np.nan
    metric = discovery.load(ROOM, name)
    with pytest.raises(DataError, match="of 1 of 10 examples are not numbers") as refusal:
        metric.prepare(truth, predictions, make_schema(names))
    assert "learning rate" in refusal.value.do
    predictions["probabilities"] = np.ones((10, 6))
    with pytest.raises(DataError, match="for 10 examples and 7 classes"):
        metric.prepare(truth, predictions, make_schema(names))


def test_a_label_that_is_no_class_is_named_with_the_nearest():
    metric = discovery.load(ROOM, "recall")
    with pytest.raises(DataError, match="true label 'kat' is none of the 2 classes") as refusal:
        metric.prepare({"label": ["kat"]}, {"label": ["cat"]}, make_schema(["cat", "dog"]))
    assert "Did you mean 'cat'?" in refusal.value.do
