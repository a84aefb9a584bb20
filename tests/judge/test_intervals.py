"""What intervals are made of: influence values against derivatives, and errors, groups, pairs and few examples."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from stepwell import discovery
from stepwell.judge import bootstrap
from stepwell.judge.paired import compare
from stepwell.judge.scoring import judge
from stepwell.judge.slices import slices
from stepwell.metrics import confusion_matrix
from stepwell.schema import Field, Schema
from stepwell.task import Task

ROOMS = ("metrics",)
NUMBER = Schema((), (Field("value", "number", "float32"),), ())
METRICS = {name: discovery.load("metrics", name) for name in discovery.names("metrics")}
BY_INFLUENCE = [name for name, metric in METRICS.items() if hasattr(metric, "INTERVAL")]


def schema_of(classes):
    return Schema((), (Field("label", "category", "int64", (), tuple("abcd"[:classes])),), ())


def answers(n, classes, seed, *, clear=1.0, coarse=False):
    generator = np.random.default_rng(seed)
    true = generator.integers(0, classes, n)
    logits = generator.normal(size=(n, classes))
    logits[np.arange(n), true] += clear
    powers = np.exp(np.round(logits) if coarse else logits)
    values = powers / powers.sum(axis=1, keepdims=True)
    names = np.array(list("abcd"))
    return {"label": names[true]}, {"label": names[values.argmax(axis=1)], "probabilities": values}


def ranked(n, positive, clear, seed):
    """Two classes, `positive` examples of the second among `n`, told apart as `clear` says."""
    generator = np.random.default_rng(seed)
    true = np.arange(n) < positive
    second = 1.0 / (1.0 + np.exp(-generator.normal(size=n) - clear * true))
    values = np.stack([1 - second, second], axis=1)
    return {"label": np.where(true, "b", "a")}, {"label": np.where(second > 0.5, "b", "a"), "probabilities": values}


def content(metric, truth, predictions, schema, groups=None, rivals=None):
    card = Task("t", "a", "b", (metric,), metric, (metric,), None, ("label",))
    return judge(card, ROOMS, truth, predictions, schema, groups, 0, rivals)


def score(*arguments):
    return content(*arguments)["scores"][arguments[0]]


def width(one):
    return one["high"] - one["low"]


def prepared(name, coarse):
    metric = METRICS[name]
    if name in ("auroc", "average_precision", "log_loss"):
        return metric.prepare(*answers(40, 3, 1, coarse=coarse), schema_of(3))
    generator = np.random.default_rng(2)
    truth, error = 3.0 + generator.random((40, 2)), generator.standard_t(5, (40, 2))
    return metric.prepare({"value": truth}, {"value": truth + error}, NUMBER)


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("name", BY_INFLUENCE)
def test_influence_is_the_derivative_by_the_weight(name, coarse):
    metric, state = METRICS[name], prepared(name, coarse)
    for weight in (np.ones(40), np.random.default_rng(3).integers(0, 4, 40).astype(float)):
        influence = metric.influence(state, weight)
        assert weight @ influence == pytest.approx(0.0, abs=1e-9), "all weights alike change nothing"
        for row in range(0, 40, 7):
            more, less = weight.copy(), weight.copy()
            more[row], less[row] = weight[row] + 2e-5, weight[row] + 1e-5
            slope = (metric.score(state, more) - metric.score(state, less)) / 1e-5
            assert influence[row] / weight.sum() == pytest.approx(slope, rel=1e-3, abs=1e-6)
    assert metric.influence(state, None) == pytest.approx(metric.influence(state, np.ones(40)))


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("name", ["auroc", "average_precision"])
def test_rankings_made_when_looked_at_are_those_held_at_once(name, coarse, monkeypatch):
    metric, held = METRICS[name], prepared(name, coarse)
    monkeypatch.setattr(METRICS["auroc"], "HELD", 0)
    made = prepared(name, coarse)
    assert isinstance(held, tuple) and not isinstance(made, tuple) and len(made) == len(held) == 3
    for weight in (None, np.random.default_rng(3).integers(0, 4, 40).astype(float)):
        assert metric.score(made, weight) == metric.score(held, weight)
        assert metric.influence(made, weight).tolist() == metric.influence(held, weight).tolist()
        assert metric.support(made, weight) == metric.support(held, weight)


def test_the_error_of_the_auroc_is_delongs():
    truth, predictions = ranked(120, 40, 1.0, 0)
    positive, second = truth["label"] == "b", predictions["probabilities"][:, 1]
    before = second[positive][:, None] > second[~positive][None, :]
    area = before.mean()
    variance = ((before.mean(axis=1) - area) ** 2).mean() / 40 + ((before.mean(axis=0) - area) ** 2).mean() / 80
    metric = METRICS["auroc"]
    state = metric.prepare(truth, predictions, schema_of(2))
    plan = bootstrap.plan(120, None, 0)
    assert plan.error(metric.influence(state, None) / 120) == pytest.approx(np.sqrt(variance))


def test_copies_of_an_example_in_one_group_tell_no_more_than_it_does():
    truth, predictions = ranked(100, 30, 1.0, 0)
    copied = ({name: np.repeat(column, 3, axis=0) for name, column in one.items()} for one in (truth, predictions))
    groups = [str(number // 3) for number in range(300)]
    again = score("auroc", *copied, schema_of(2), groups)
    alone = score("auroc", truth, predictions, schema_of(2))
    assert [again[end] for end in ("low", "high")] == pytest.approx([alone[end] for end in ("low", "high")])
    numbers = {"value": np.random.default_rng(0).standard_t(4, 100)}
    zeros = {"value": np.zeros(100)}
    alone = score("rmse", numbers, zeros, NUMBER)
    copied = ({"value": np.repeat(one["value"], 3)} for one in (numbers, zeros))
    again = score("rmse", *copied, NUMBER, groups)
    assert [again[end] for end in ("low", "high")] == pytest.approx([alone[end] for end in ("low", "high")])


@pytest.mark.parametrize(("n", "positive", "clear"), [(500, 10, 1.5), (200, 100, 3.0), (300, 60, 1.0)])
def test_intervals_of_areas_hold_the_truth(n, positive, clear):
    truth = NormalDist().cdf(clear / np.sqrt(2))
    found = [score("auroc", *ranked(n, positive, clear, seed), schema_of(2)) for seed in range(150)]
    held = np.mean([one["low"] <= truth <= one["high"] for one in found])
    assert 0.92 <= held < 0.99
    assert all(one["low"] <= one["value"] <= one["high"] for one in found)


def test_intervals_of_long_tailed_losses_hold_the_truth_more_often_than_percentiles(monkeypatch):
    monkeypatch.setattr(bootstrap, "REPLICATES", 100)
    held = {"studentized": 0, "percentile": 0}
    for kind in held:
        monkeypatch.setattr(METRICS["mse"], "INTERVAL", kind)
        for seed in range(80):
            errors = np.random.default_rng(seed).normal(size=60)
            one = score("mse", {"value": errors}, {"value": np.zeros(60)}, NUMBER)
            held[kind] += one["low"] <= 1.0 <= one["high"]
    assert held["studentized"] / 80 >= 0.92
    assert held["studentized"] > held["percentile"]


def test_more_of_a_unit_is_more_of_all_its_examples_and_of_no_other():
    parts = np.array([0.0, 2.0, -1.0, 1.5, -0.5, 0.0])
    alone = bootstrap.plan(6, None, 0)
    assert [one.tolist() for one in alone.with_more(parts)] == [[1, 1, 1.5, 1, 1, 1], [1, 1.5, 1, 1, 1, 1]]
    grouped = bootstrap.plan(6, list("aabbcc"), 0)
    assert [one.tolist() for one in grouped.with_more(parts)] == [[1, 1, 1, 1, 1.5, 1.5], [1.5, 1.5, 1, 1, 1, 1]]


def test_the_upper_end_of_a_loss_grows_with_the_worst_error_seen_and_the_lower_hardly_moves():
    errors = np.random.default_rng(0).normal(size=200)
    zeros = {"value": np.zeros(200)}
    plain = score("mse", {"value": errors}, zeros, NUMBER)
    worse = score("mse", {"value": np.where(np.arange(200) == 0, 6.0, errors)}, zeros, NUMBER)
    assert worse["high"] - plain["high"] > 2 * (worse["value"] - plain["value"]) > 0
    assert abs(worse["low"] - plain["low"]) < worse["value"] - plain["value"]


def test_intervals_of_r2_hold_the_truth_more_often_than_percentiles_and_end_at_one(monkeypatch):
    monkeypatch.setattr(bootstrap, "REPLICATES", 60)
    truth = 1.0 - 1.0 / ((np.exp(0.36) - 1.0) * np.exp(2.0 + 0.36))
    held = {"studentized": 0, "percentile": 0}
    for kind in held:
        monkeypatch.setattr(METRICS["r2"], "INTERVAL", kind)
        for seed in range(50):
            generator = np.random.default_rng(seed)
            value = generator.lognormal(1.0, 0.6, 200)
            one = score("r2", {"value": value}, {"value": value + generator.normal(size=200)}, NUMBER)
            held[kind] += one["low"] <= truth <= one["high"]
            assert one["low"] < one["value"] < one["high"] <= 1.0
    assert held["studentized"] >= 42
    assert held["studentized"] > held["percentile"]
    exact = score("r2", {"value": np.arange(9.0)}, {"value": np.arange(9.0)}, NUMBER)
    assert exact["value"] == exact["high"] == 1.0


def test_a_rare_class_answered_rightly_three_times_leaves_its_mean_uncertain():
    truth = {"label": ["a"] * 400 + ["b"] * 8}
    predictions = {"label": ["a"] * 405 + ["b"] * 3}
    one = score("macro_precision", truth, predictions, schema_of(2))
    assert one["value"] > 0.99
    assert one["low"] < 0.75
    never = score("mcc", truth, {"label": ["a"] * 408}, schema_of(2))
    assert never["value"] == 0.0
    assert never["high"] > 0.3, "8 rare examples that were missed do not show that no such is ever found"


def test_pseudo_answers_are_of_classes_that_occur_two_in_all_and_weigh_what_a_unit_does():
    labels = {"label": ["a", "c", "a", "c"]}
    state = confusion_matrix.prepare(labels, labels, schema_of(4))
    counts = confusion_matrix.tally(state, None)
    drawn = [confusion_matrix.smoothed(counts, state, 5.0, np.random.default_rng(seed)) for seed in range(2000)]
    added = np.array([[one.existing - counts.existing, one.answered - counts.answered] for one in drawn])
    right = np.array([one.right - counts.right for one in drawn])
    assert not added[:, :, [1, 3]].any()
    assert added.sum(axis=2).mean(axis=0) == pytest.approx([10.0, 10.0], rel=0.1)
    assert right.sum(axis=1).mean() == pytest.approx(5.0, rel=0.1)
    alone = confusion_matrix.prepare({"label": ["a"]}, {"label": ["a"]}, schema_of(2))
    one = confusion_matrix.tally(alone, None)
    assert confusion_matrix.smoothed(one, alone, 1.0, np.random.default_rng(0)) is one


@pytest.mark.parametrize("metric", ["auroc", "average_precision"])
def test_few_positives_can_tell_two_rankings_apart_and_equal_ones_are_not(metric):
    truth, good = ranked(500, 12, 2.5, 0)
    second = np.clip(good["probabilities"][:, 1] - 0.1 * (truth["label"] == "b"), 0.01, 0.99)
    worse = {**good, "probabilities": np.stack([1 - second, second], axis=1)}
    card = Task("t", "a", "b", (metric,), metric, (metric,), None, ("label",))
    found = compare(card, ROOMS, truth, {"good": good, "worse": worse, "again": good}, schema_of(2))
    apart, twin, _ = (one.differences[metric] for one in found.pairs)
    assert apart.test == "delong"
    assert apart.score.low > 0.0
    assert apart.chance < 0.05
    assert twin.chance == 1.0
    assert twin.score.low < 0.0 < twin.score.high, "twelve positives do not show that no other is ranked otherwise"
    judged = content(metric, truth, good, schema_of(2), None, {"worse": (worse, 1, "")})
    ours, theirs = (one["scores"][metric] for one in (judged, judged["baselines"]["worse"]))
    assert ours["low"] < theirs["high"], "the two intervals overlap, and yet the same examples show the difference"


def test_a_difference_of_losses_is_studentized_on_the_pairs():
    generator = np.random.default_rng(0)
    truth = {"value": generator.normal(size=200)}
    one = {"value": truth["value"] + generator.standard_t(4, 200)}
    other = {"value": one["value"] + 0.3 * np.sign(one["value"] - truth["value"])}
    judged = content("rmse", truth, one, NUMBER, None, {"other": (other, 1, "")})
    difference = judged["baselines"]["other"]["differences"]["rmse"]
    assert difference["low"] < difference["value"] < difference["high"] < 0.0
    assert width(difference) < width(judged["scores"]["rmse"]) / 2


def test_a_slice_with_three_positives_is_no_proof_of_a_gap():
    """Three positives in a slice, all ranked first by chance: what it rests on are these three, not its fifty."""
    truth, predictions = ranked(400, 40, 0.8, 1)
    second = predictions["probabilities"][:, 1].copy()
    second[:3] = 0.99
    predictions["probabilities"] = np.stack([1 - second, second], axis=1)
    where = np.full(400, "rest", dtype=object)
    where[[*range(3), *range(100, 147)]] = "few"
    card = Task("t", "a", "b", ("auroc",), "auroc", ("auroc",), None, ("label",))
    found = slices(card, ROOMS, truth, predictions, schema_of(2), {"where": where.tolist()})
    few = next(one for one in found.found if one.value == "few")
    assert few.score.low < 0.75
    assert few.gap.low < few.gap.value < few.gap.high
    judged = content("auroc", truth, predictions, schema_of(2))
    assert judged["positive"] == "b"
