"""Probabilities of very many classes come back from what is kept: the greatest, the true one, and all of 1."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stepwell import discovery
from stepwell.errors import RunError
from stepwell.judge import shortened
from stepwell.schema import Field, Schema

CLASSES = tuple(f"c{number}" for number in range(1200))
SCHEMA = Schema((), (Field("label", "category", "int64", (), CLASSES),), ())


@pytest.fixture
def answered():
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(30, len(CLASSES)))
    true = generator.integers(0, len(CLASSES), 30)
    logits[np.arange(20), true[:20]] += 8.0
    powers = np.exp(logits)
    values = powers / powers.sum(axis=1, keepdims=True)
    names = np.array(CLASSES)
    return {"label": names[true].tolist()}, {"label": names[values.argmax(axis=1)].tolist(), "probabilities": values}


def test_scores_of_what_was_kept_are_those_of_the_whole(answered):
    truth, predictions = answered
    short = shortened.columns(predictions, truth, SCHEMA)
    assert short["label"] is predictions["label"]
    read = json.loads(json.dumps(short["probabilities"]))
    assert all(shortened.is_short(row) and len(row["places"]) in (100, 101) for row in read)
    back = {**predictions, "probabilities": shortened.lengthen(read)}
    assert back["probabilities"].sum(axis=1) == pytest.approx(1.0)
    for name, tolerance in {"accuracy": 0.0, "log_loss": 1e-12, "top_5": 0.0, "ece": 1e-12, "brier": 1e-3}.items():
        metric = discovery.load("metrics", name)
        whole, kept = (metric.score(metric.prepare(truth, one, SCHEMA), None) for one in (predictions, back))
        assert kept == pytest.approx(whole, abs=tolerance)


def test_the_first_are_the_greatest_and_fall(answered):
    truth, predictions = answered
    [row, *_] = shortened.columns(predictions, truth, SCHEMA)["probabilities"]
    greatest = np.sort(predictions["probabilities"][0])[::-1][: shortened.KEPT]
    assert row["values"][: shortened.KEPT] == pytest.approx(greatest)


def test_few_classes_and_what_are_no_probabilities_are_kept_whole(answered):
    truth, predictions = answered
    few = Schema((), (Field("label", "category", "int64", (), CLASSES[:1000]),), ())
    assert shortened.columns(predictions, truth, few) is predictions
    scores = {"scores": predictions["probabilities"] * 2.0}
    assert shortened.columns(scores, truth, SCHEMA)["scores"] is scores["scores"]
    assert not shortened.is_short([0.5, 0.5])


def test_rows_in_short_and_whole_may_stand_together():
    rows = [{"classes": 4, "places": [2], "values": [0.7]}, [0.1, 0.2, 0.3, 0.4]]
    assert shortened.lengthen(rows) == pytest.approx(np.array([[0.1, 0.1, 0.7, 0.1], [0.1, 0.2, 0.3, 0.4]]))


@pytest.mark.parametrize(
    "rows",
    [
        [{"classes": 4, "places": [4], "values": [0.7]}],
        [{"classes": 4, "places": ["x"], "values": [0.7]}],
        [{"classes": 4, "places": [1, 2], "values": [0.7]}],
        [{"classes": 4, "places": [1], "values": [0.7]}, {"classes": 5, "places": [1], "values": [0.7]}],
    ],
)
def test_damaged_rows_are_refused_in_words(rows):
    with pytest.raises(RunError, match="damaged"):
        shortened.lengthen(rows)
