"""Scores beside baselines, and whether their intervals keep what they promise."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest

from stepwell.errors import DataError, RunError, UsageError
from stepwell.judge import bootstrap
from stepwell.judge import scores as judging
from stepwell.judge.scoring import evaluate_metrics, judge, worst
from stepwell.schema import Field, Schema
from stepwell.task import Task

ALL = ("accuracy", "top_5", "balanced_accuracy", "macro_f1", "log_loss", "precision", "recall", "f1")
ROOMS = ("metrics",)


def make_card(*metrics):
    return Task("t", "a", "b", metrics, metrics[0], metrics[:1], None, ("label",))


def make_schema(classes):
    return Schema((), (Field("label", "category", "int64", (), tuple(classes)),), ())


def make_answers(n, classes, seed=0, clear=3.0):
    generator = np.random.default_rng(seed)
    names = [f"c{number}" for number in range(classes)]
    true = np.random.default_rng(0).integers(0, classes, n)
    logits = generator.normal(size=(n, classes))
    logits[np.arange(n), true] += clear
    values = np.exp(logits)
    values /= values.sum(axis=1, keepdims=True)
    predictions = {"label": [names[one] for one in values.argmax(axis=1)], "probabilities": values}
    return names, {"label": [names[one] for one in true]}, predictions


def binary(right):
    """One example an entry of `right`, all of class a, predicted right or wrong."""
    return {"label": ["a"] * len(right)}, {"label": ["a" if one else "b" for one in right]}


def accuracy(right, groups=None):
    truth, predictions = binary(right)
    content = judge(make_card("accuracy"), ROOMS, truth, predictions, make_schema("ab"), groups)
    return content["scores"]["accuracy"]


def test_every_number_has_an_interval_n_and_baselines():
    names, truth, predictions = make_answers(300, 7)
    rival = make_answers(300, 7, seed=1, clear=1.0)[2]
    card, schema = make_card(*ALL, "confusion_matrix"), make_schema(names)
    content = judge(card, ROOMS, truth, predictions, schema, None, 3, {"linear": (rival, 900, "all")})
    content = json.loads(json.dumps(content, allow_nan=False))
    assert content["n"] == 300
    assert content["headline"] == "accuracy"
    assert content["part"] == "test"
    assert content["interval"] == {
        "method": "bootstrap",
        "replicates": 1000,
        "level": 0.95,
        "by": "example",
        "units": 300,
    }
    assert list(content["scores"]) == ["accuracy", "top_5", "balanced_accuracy", "macro_f1", "log_loss"]
    baseline = content["baselines"]["linear"]
    assert (baseline["n"], baseline["note"]) == (900, "all")
    for scores in (content["scores"], baseline["scores"], *content["per_class"].values()):
        for score in scores.values():
            assert score["low"] <= score["value"] <= score["high"]
            assert score["low"] < score["high"]
            assert score["level"] == 0.95
    assert set(baseline["scores"]) == set(baseline["differences"]) == set(content["scores"])
    assert content["scores"]["log_loss"]["direction"] == "min"
    assert set(content["per_class"]) == {"precision", "recall", "f1"}
    assert sum(score["n"] for score in content["per_class"]["recall"].values()) == 300
    assert np.sum(content["tables"]["confusion_matrix"]["rows"]) == 300
    assert content["tables"]["confusion_matrix"]["classes"] == names


def test_what_is_written_reads_back_and_a_newer_format_is_refused():
    names, truth, predictions = make_answers(40, 3)
    content = judge(make_card("accuracy", "recall", "confusion_matrix"), ROOMS, truth, predictions, make_schema(names))
    scores = judging.from_json(json.loads(json.dumps(content)))
    assert scores.scores["accuracy"].value == content["scores"]["accuracy"]["value"]
    assert scores.metrics["recall"].kind == "per_class"
    with pytest.raises(RunError, match="format 99") as refusal:
        judging.from_json({**content, "format": 99})
    assert "upgrade" in refusal.value.do
    with pytest.raises(RunError, match="damaged"):
        judging.from_json({**content, "scores": 3})


def test_the_same_seed_gives_the_same_intervals_and_another_gives_others():
    names, truth, predictions = make_answers(200, 3)

    def low(seed):
        card = make_card("log_loss")
        return judge(card, ROOMS, truth, predictions, make_schema(names), None, seed)["scores"]["log_loss"]["low"]

    assert low(1) == low(1) != low(2)


def test_where_there_is_no_time_fewer_resamples_are_drawn_and_their_number_is_said():
    names, truth, predictions = make_answers(300, 3)
    made = make_card("accuracy", "log_loss"), ROOMS, truth, predictions, make_schema(names)
    whole, hurried = judge(*made), judge(*made, seconds=0.0)
    assert judge(*made, seconds=1e6) == whole
    assert (whole["interval"]["replicates"], hurried["interval"]["replicates"]) == (1000, 100)
    for name, score in hurried["scores"].items():
        assert score["value"] == whole["scores"][name]["value"]
        assert score["low"] < score["value"] < score["high"]


def test_twenty_right_of_twenty_is_the_exact_bound_and_not_certainty():
    score = accuracy([True] * 20)
    assert score["value"] == score["high"] == 1.0
    assert score["low"] == pytest.approx(0.025 ** (1 / 20))
    wrong = accuracy([False] * 20)
    assert (wrong["low"], wrong["high"]) == (0.0, pytest.approx(1 - 0.025 ** (1 / 20)))


def test_one_more_error_never_raises_the_lower_end():
    lows = [accuracy([False] * errors + [True] * (60 - errors))["low"] for errors in range(6)]
    assert lows == sorted(lows, reverse=True)


def test_a_rare_class_that_is_all_right_stays_uncertain():
    truth = {"label": ["a"] * 200 + ["b"] * 3}
    content = judge(make_card("accuracy", "balanced_accuracy", "recall"), ROOMS, truth, truth, make_schema("ab"))
    rare, common = content["per_class"]["recall"]["b"], content["per_class"]["recall"]["a"]
    assert (rare["n"], common["n"]) == (3, 200)
    assert rare["low"] == pytest.approx(0.025 ** (1 / 3))
    assert common["low"] > 0.98
    assert content["scores"]["balanced_accuracy"]["low"] < content["scores"]["accuracy"]["low"] - 0.2


@pytest.mark.parametrize(("n", "share", "least"), [(100, 0.97, 0.93), (360, 0.985, 0.93), (200, 0.7, 0.92)])
def test_intervals_cover_the_truth(n, share, least):
    generator = np.random.default_rng(5)
    resamples = np.stack(list(bootstrap.plan(n, None, 0).weights())) / n
    covered = 0
    for _ in range(400):
        right = (generator.random(n) < share).astype(float)
        low, high = bootstrap.interval(
            (resamples @ right)[:, None], np.array([right.mean()]), np.array([float(n)]), (0.0, 1.0)
        )
        covered += bool(low[0] <= share <= high[0])
    assert least <= covered / 400 < 1.0


def test_what_chance_makes_greater_is_taken_off():
    """A perfectly honest network: its calibration error on a few hundred examples is chance, and the truth is 0."""
    generator = np.random.default_rng(0)
    for _ in range(10):
        second = generator.random(200)
        true = (generator.random(200) < second).astype(int)
        truth = {"label": ["ab"[one] for one in true]}
        predictions = {
            "label": ["ab"[int(one > 0.5)] for one in second],
            "probabilities": np.stack([1 - second, second], axis=1),
        }
        content = judge(make_card("ece"), ROOMS, truth, predictions, make_schema("ab"))
        score = content["scores"]["ece"]
        assert 0.0 <= score["low"] < 0.02 < score["value"] < score["high"]


def test_examples_of_one_group_count_as_one():
    right = np.random.default_rng(0).random(20) < 0.7
    repeated = np.repeat(right, 10)
    groups = [f"g{number // 10}" for number in range(200)]
    alone, by_group, as_if_alone = accuracy(right), accuracy(repeated, groups), accuracy(repeated)
    assert by_group["value"] == pytest.approx(alone["value"])

    def width(score):
        return score["high"] - score["low"]

    assert width(by_group) == pytest.approx(width(alone), abs=0.06)
    assert width(as_if_alone) < width(by_group) / 2


def test_groups_that_do_not_repeat_change_nothing_and_one_group_knows_nothing():
    right = [True] * 15 + [False] * 5
    assert accuracy(right, [str(number) for number in range(20)]) == accuracy(right)
    alone = accuracy(right, ["patient"] * 20)
    assert alone["low"] < 0.05
    assert alone["high"] > 0.95


def test_differences_are_paired():
    names, truth, predictions = make_answers(400, 3)
    nearly = {**predictions, "label": list(predictions["label"])}
    for number in (1, 5, 9, 13, 17, 21, 25, 29):  # the rival errs on eight examples more
        nearly["label"][number] = next(name for name in names if name != truth["label"][number])
    content = judge(
        make_card("accuracy"), ROOMS, truth, predictions, make_schema(names), None, 0, {"r": (nearly, 1, "")}
    )
    difference = content["baselines"]["r"]["differences"]["accuracy"]
    ours, theirs = content["scores"]["accuracy"], content["baselines"]["r"]["scores"]["accuracy"]
    assert difference["value"] == pytest.approx(ours["value"] - theirs["value"])
    assert ours["low"] < theirs["high"], "the two intervals overlap"
    assert difference["low"] > 0, "and yet the same examples show that one is better"


def test_a_difference_to_a_twin_is_not_certain_to_be_zero():
    truth, predictions = binary([True] * 20)
    content = judge(
        make_card("accuracy"), ROOMS, truth, predictions, make_schema("ab"), None, 0, {"r": (predictions, 1, "")}
    )
    difference = content["baselines"]["r"]["differences"]["accuracy"]
    assert difference["value"] == 0
    assert -0.2 < difference["low"] < -0.1
    assert 0.1 < difference["high"] < 0.2


def test_what_is_undefined_is_left_out():
    names, truth, predictions = make_answers(30, 3)
    schema = make_schema([*names, "never"])
    padded = {**predictions, "probabilities": np.pad(predictions["probabilities"], ((0, 0), (0, 1)))}
    content = judge(make_card("accuracy", "top_5", "recall", "precision"), ROOMS, truth, padded, schema)
    assert "top_5" not in content["scores"]
    assert "never" not in content["per_class"]["recall"]
    assert "never" not in content["per_class"]["precision"]
    assert evaluate_metrics(("top_5", "accuracy", "recall"), ROOMS, truth, padded, schema) == {
        "accuracy": content["scores"]["accuracy"]["value"]
    }


def test_nothing_to_judge_is_said():
    with pytest.raises(DataError, match="the test part holds no examples"):
        judge(make_card("accuracy"), ROOMS, {"label": []}, {"label": []}, make_schema("ab"))
    with pytest.raises(DataError, match="the valid part holds no examples"):
        evaluate_metrics(("accuracy",), ROOMS, {"label": []}, {"label": []}, make_schema("ab"))


def test_ten_thousand_rows_are_judged_by_twenty_metrics_in_seconds():
    names, truth, predictions = make_answers(10_000, 2)
    rivals = {name: (make_answers(10_000, 2, 1, 1.0)[2], 1, "") for name in ("constant", "linear")}
    more = ("auroc", "average_precision", "mcc", "brier", "ece", "weighted_f1", "macro_precision", "weighted_precision")
    card = make_card(*ALL, *more, "confusion_matrix", "roc", "precision_recall", "reliability")
    assert len(card.metrics) == 20
    start = time.process_time()
    content = judge(card, ROOMS, truth, predictions, make_schema(names), None, 0, rivals)
    assert time.process_time() - start < 10.0
    assert set(content["curves"]) == {"roc", "precision_recall", "reliability"}
    assert judging.from_json(json.loads(json.dumps(content))).curves["roc"]["true_positive_rate"][-1] == 1.0


@pytest.mark.parametrize("classes", [2, 4])
def test_what_is_counted_once_for_several_metrics_is_what_each_counts_alone(classes, monkeypatch):
    monkeypatch.setattr(bootstrap, "REPLICATES", 50)
    names, truth, predictions = make_answers(150, classes, clear=1.0)
    many = ("balanced_accuracy", "macro_f1", "mcc", "recall", "f1", "weighted_f1", "auroc", "average_precision")
    together = judge(make_card(*many), ROOMS, truth, predictions, make_schema(names))
    for name in many:
        alone = judge(make_card(name), ROOMS, truth, predictions, make_schema(names))
        kind = "per_class" if name in ("recall", "f1") else "scores"
        assert together[kind][name] == alone[kind][name]


def test_numbers_are_judged_in_the_measure_of_their_target():
    generator = np.random.default_rng(0)
    truth = {"value": generator.normal(size=300)}
    predictions = {"value": truth["value"] + generator.normal(size=300)}
    schema = Schema((), (Field("value", "number", "float32", measure="dollars"),), ())
    card = make_card("rmse", "mse", "r2", "mape", "residuals", "coverage")
    content = judge(card, ROOMS, truth, predictions, schema)
    measures = {name: about["measure"] for name, about in content["metrics"].items()}
    assert (measures["rmse"], measures["mse"], measures["r2"], measures["mape"]) == ("dollars", "dollars²", "", "share")
    assert list(content["scores"]) == ["rmse", "mse", "r2", "mape"], "nothing was promised, so no coverage"
    assert content["scores"]["rmse"]["low"] < 1.0 < content["scores"]["rmse"]["high"]
    assert set(content["curves"]["residuals"]) == {"prediction", "residual"}


def test_the_worst_answers_come_worst_first_whichever_way_is_better():
    names, truth, predictions = make_answers(50, 3)
    schema = make_schema(names)
    true = [names.index(label) for label in truth["label"]]
    given = predictions["probabilities"][np.arange(50), true]
    assert worst("log_loss", ROOMS, truth, predictions, schema, 4) == np.argsort(given)[:4].tolist()
    wrong = [row for row in range(50) if truth["label"][row] != predictions["label"][row]]
    assert worst("accuracy", ROOMS, truth, predictions, schema, len(wrong)) == wrong
    with pytest.raises(UsageError, match="recall has no value an example"):
        worst("recall", ROOMS, truth, predictions, schema, 4)
