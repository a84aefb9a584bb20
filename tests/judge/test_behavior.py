"""Tests of behavior and the check of reasons, on a judge of numbers whose answers are known."""

import types

import numpy as np
import pytest

from stepwell.judge import averages, behavior, reasons
from stepwell.schema import Field, Schema
from stepwell.task import Select, Task

ONLY = ("accuracy",)
CARD = Task("Signs", "numbers", "their sign", ONLY, "accuracy", ONLY, Select("accuracy", "max"), ("label",))
LABELS = ("minus", "plus")
FIELD = Field("label", "category", "int64", classes=LABELS)
SCHEMA = Schema((), (FIELD,), ())


def answer(raw):
    plus = 1 / (1 + np.exp(-np.array([sum(one) for one in raw["numbers"]], dtype=float)))
    probabilities = np.stack([1 - plus, plus], axis=1)
    return {"label": [LABELS[int(one > 0.5)] for one in plus], "probabilities": probabilities}


def of_numbers(count=60):
    draw = np.random.default_rng(0)
    numbers = [draw.normal(0, 1, 8).tolist() for _ in range(count)]
    raw = {"numbers": numbers}
    return raw, {"label": answer(raw)["label"]}


def test_of(expects, change):
    found = types.ModuleType("room.shifted")
    found.__doc__ = "Shifted: as told.\n\nMore."
    found.EXPECTS, found.EXAMPLE, found.REMEDY, found.change = expects, ("1", "2"), "--x y", change
    return found


test_of.__test__ = False


def tried(expects, change, count=60):
    raw, truth = of_numbers(count)
    ids = [f"row {i}" for i in range(count)]
    return behavior.behavior(
        CARD, ("metrics",), test_of(expects, change), ids, raw, truth, answer(raw), answer, SCHEMA, ids, 0
    )


def test_a_change_without_effect_costs_nothing():
    found = tried("same", lambda one, draw: {"numbers": one["numbers"][::-1]})
    assert (found.name, found.does, found.n, found.looked) == ("shifted", "Shifted: as told.", 60, 60)
    assert found.met.value == 1.0
    assert found.gap.value == 0.0
    assert found.examples == ()


def test_a_change_that_turns_half_costs_half():
    def half(one, draw):
        return {"numbers": [-x for x in one["numbers"]] if draw.random() < 0.5 else one["numbers"]}

    found = tried("same", half, 400)
    assert found.met.value == pytest.approx(0.5, abs=0.08)
    assert found.gap.value == pytest.approx(found.met.value - 1)
    assert found.gap.high < 0
    assert len(found.examples) == 5
    assert found == tried("same", half, 400)


def test_what_should_turn_the_answer_is_tried_on_right_answers_alone():
    raw, truth = of_numbers(60)
    wrong = {"label": [LABELS[1 - LABELS.index(one)] if i < 30 else one for i, one in enumerate(truth["label"])]}
    ids = [f"row {i}" for i in range(60)]
    turned = test_of("other", lambda one, draw: {"numbers": [-x for x in one["numbers"]]})
    found = behavior.behavior(CARD, ("metrics",), turned, ids, raw, wrong, answer(raw), answer, SCHEMA, ids, 0)
    assert (found.n, found.met.value, found.score, found.gap) == (30, 1.0, None, None)


def test_too_few_examples_are_said_and_not_judged():
    found = tried("same", lambda one, draw: one if one["numbers"][0] > 1.5 else None)
    assert 0 < found.n < behavior.LEAST
    assert found.met is None


def parts(example):
    return [f"{one:.2f}" for one in example["numbers"]]


def without(example, places):
    return {"numbers": [one for at, one in enumerate(example["numbers"]) if at not in set(places)]}


REASONS = types.SimpleNamespace(parts=parts, without=without)


def test_weights_are_what_the_probability_loses():
    example = {"numbers": [3.0, -1.0, 0.0]}
    found = reasons.weights(example, REASONS, answer)
    chance = [1 / (1 + np.exp(-x)) for x in (2.0, -1.0, 3.0, 2.0)]
    assert found.tolist() == pytest.approx([chance[0] - one for one in chance[1:]])
    assert len(reasons.weights({"numbers": [1.0]}, REASONS, answer)) == 0


def test_the_check_tells_reasons_from_chance():
    raw, _ = of_numbers(40)
    examples = [{"numbers": one} for one in raw["numbers"]]
    ids = [f"row {i}" for i in range(40)]
    found = reasons.check(ids, examples, REASONS, answer, 0)
    assert found.n == 40
    assert found.gap.low > 0
    assert found.gap.value == pytest.approx(found.foremost.value - found.chance.value)

    def undecided(raw):
        return {"probabilities": np.full((len(raw["numbers"]), 2), 0.5)}

    flat = reasons.check(ids, examples, REASONS, undecided, 0)
    assert flat.gap.value == 0.0
    assert reasons.check(["a"], [{"numbers": [1.0]}], REASONS, answer, 0) is None


def test_means_have_intervals_that_narrow_with_the_number():
    draw = np.random.default_rng(0)
    few, many = (averages.mean(draw.random(n), None, 0, (0.0, 1.0)) for n in (50, 5000))
    for one, n in ((few, 50), (many, 5000)):
        assert one.low < one.value < one.high
        assert one.high - one.low == pytest.approx(2 * 1.96 * np.sqrt(1 / 12 / n), rel=0.35)
    grouped = averages.mean(np.repeat([0.0, 1.0] * 5, 20), [str(i // 20) for i in range(200)], 0, (0.0, 1.0))
    assert grouped.high - grouped.low > 0.4
