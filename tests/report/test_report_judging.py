"""The sections that show curves, slices, importance, leaks and several trainings, drawn from scores made up."""

import dataclasses
import re

import pytest

from stepwell import discovery
from stepwell.judge.confidence import Confidence
from stepwell.judge.scores import (
    About,
    Aside,
    Behavior,
    Dependence,
    Importance,
    Interval,
    Leak,
    Reasons,
    Scores,
    Slice,
    Slices,
)
from stepwell.judge.trial import Spread, Trained, Trial
from stepwell.report import markdown
from stepwell.report.facts import Facts, Timings
from stepwell.schema import Score

SHARE = About("accuracy", "number", "max", "share", "higher is better")
DOLLARS = About("RMSE", "number", "min", "dollars", "lower is better")


def curve(title):
    return About(title, "curve", "max", "share", "")


def scores(**more):
    base = Scores(
        part="test",
        n=400,
        headline="accuracy",
        scores={"accuracy": Score(0.9, 0.87, 0.93, 400), "ece": Score(0.02, 0.01, 0.04, 400, "min")},
        per_class={},
        tables={},
        baselines={},
        interval=Interval("bootstrap", 1000, 0.95, "example", 400),
        metrics={
            "accuracy": SHARE,
            "ece": About("expected calibration error", "number", "min", "share", "lower is better"),
            "auroc": About("AUROC", "number", "max", "", "higher is better"),
            **{name: curve(name) for name in ("roc", "precision_recall", "reliability", "residuals")},
        },
    )
    return dataclasses.replace(base, **more)


def facts(found, *, examples=True):
    return Facts("r", "t", "T", "a", "b", None, {}, None, found, (), (), Timings(), {}, None, examples=examples)


def shown(name, found, *, examples=True):
    body = discovery.load("report.sections", name).section(facts(found, examples=examples))
    return None if body is None else re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", str(body)))


EVERY = ("confidence", "discrimination", "importance", "leak", "reliability", "residuals", "slices", "trial")


@pytest.mark.parametrize("name", EVERY)
def test_what_was_not_measured_is_not_shown(name):
    assert shown(name, None) is None
    assert shown(name, scores()) is None


def test_a_leak_is_priced_with_the_score_to_expect():
    leak = Leak(
        400,
        40,
        ("<b>row 7</b>",),
        Score(0.9, 0.87, 0.93, 400),
        Score(0.85, 0.8, 0.89, 360),
        Score(0.05, 0.02, 0.08, 400),
    )
    text = shown("leak", scores(leak=leak))
    assert "40 of 400 test examples" in text
    assert "5.0 points (2.0 to 8.0)" in text
    assert "without them" in text
    assert "360 examples that are new" in text
    assert "&lt;b&gt;row 7" in text
    assert "row 7" not in shown("leak", scores(leak=leak), examples=False)
    alone = dataclasses.replace(leak, leaked=400, without=None, price=None)
    assert "examples that are new" not in shown("leak", scores(leak=alone))


@pytest.mark.parametrize(
    ("kind", "word"),
    [("folds", "had not seen it"), ("ensemble", "together"), ("comparison", "difference to 01")],
)
def test_several_trainings_stand_in_a_table(kind, word):
    members = (
        Trained("01", 200, {"accuracy": 0.88}, {"accuracy": 0.88} if kind == "ensemble" else {}),
        Trained(
            "02",
            200,
            {"accuracy": 0.92},
            {"accuracy": 0.93} if kind == "ensemble" else {},
            {"accuracy": Score(0.04, -0.01, 0.09, 200)} if kind == "comparison" else {},
        ),
    )
    trial = Trial(kind, members, {"accuracy": Spread(2, 0.9, 0.028, 0.88, 0.92)}, chosen="02")
    text = shown("trial", scores(trial=trial))
    assert word in text
    assert "88.0 %" in text
    assert "exported" in text
    assert ("Over 2 trainings: mean 90.0 %" in text) == (kind != "comparison"), "methods are no sample of anything"
    assert ("minus that of “01”" in text) == (kind == "comparison")


def test_trainings_are_shown_by_the_metric_that_decided_among_them():
    values = {"accuracy": 0.9, "auroc": 0.61}
    trial = Trial("comparison", (Trained("none", 200, values),), {}, metric="auroc")
    text = shown("trial", scores(trial=trial))
    assert "0.610" in text and "90.0 %" not in text


@pytest.mark.parametrize(
    ("n", "rarest", "said"), [(400, 19, "Only 19 of them are of the class “dog”"), (400, 20, ""), (60, 30, "")]
)
def test_intervals_that_rest_on_few_of_a_class_say_so(n, rarest, said):
    recalls = {"cat": Score(0.9, 0.8, 0.95, n - rarest), "dog": Score(0.8, 0.5, 0.95, rarest)}
    text = shown("scores", scores(n=n, per_class={"recall": recalls}))
    assert ("less often than they say" in text) == bool(said)
    assert said in text


@pytest.mark.parametrize(("n", "told"), [(99, True), (100, False)])
def test_intervals_of_squared_errors_of_few_say_what_was_not_seen(n, told):
    found = scores(n=n, headline="rmse", scores={"rmse": Score(3.0, 2.0, 5.0, n, "min")}, metrics={"rmse": DOLLARS})
    assert ("large errors have mostly not been seen" in shown("scores", found)) == told


def test_curves_say_their_area_and_how_they_are_read():
    curves = {
        "roc": {
            "false_positive_rate": (0.0, 0.1, 1.0),
            "true_positive_rate": (0.0, 0.8, 1.0),
            "true_positive_rate of cat": (0.0, 0.7, 1.0),
        },
        "precision_recall": {"recall": (0.5, 1.0), "precision": (0.9, 0.5)},
        "reliability": {"confidence": (0.55, 0.95), "right": (0.5, 0.9), "count": (30.0, 370.0)},
    }
    found = scores(curves=curves)
    found = dataclasses.replace(found, scores={**found.scores, "auroc": Score(0.87, 0.84, 0.9, 400)})
    told = shown("discrimination", found)
    assert "AUROC 0.870 (0.840 to 0.900)" in told
    assert "thin is each class" in told
    sure = shown("reliability", found)
    assert "Expected calibration error 2.0" in sure
    assert "surer than it may be" in sure
    assert "370" in sure


def test_what_travels_with_the_network_is_said():
    found = Confidence(
        500,
        temperature=1.4,
        threshold=0.2,
        costs=((0.0, 1.0), (5.0, 0.0)),
        coverage=0.9,
        floor=0.1,
        measured={"log_loss_before": 0.5, "log_loss": 0.4, "cost_before": 0.9, "cost": 0.6, "coverage": 0.9},
    )
    judged = scores(confidence=found)
    held = {**judged.scores, "coverage": Score(0.91, 0.88, 0.94, 400)}
    about = {**judged.metrics, "coverage": About("coverage", "number", "max", "share", "")}
    text = shown("confidence", dataclasses.replace(judged, scores=held, metrics=about))
    assert "surer than it may be: its logits are divided by 1.4 (log loss 0.5 before, 0.4 after)" in text
    assert "answered from a probability of 0.2 on" in text
    assert "costs 0.6 on average; the likeliest class would cost 0.9" in text
    assert "hold the truth in 90 % of cases. On 400 test examples they held it in 91.0 % (88.0 to 94.0 %)" in text
    assert shown("confidence", scores(confidence=Confidence(500))) is None
    numbers = Confidence(500, coverage=0.9, widths=(12.5,))
    assert "reaches 12.5 to either side" in shown("confidence", scores(confidence=numbers))


def test_residuals_leave_out_what_would_flatten_the_rest_and_say_so():
    values = tuple(float(one) for one in range(300))
    residuals = (*((-1.0) ** one for one in range(299)), 1e6)
    found = scores(curves={"residuals": {"prediction": values, "residual": residuals}})
    text = shown("residuals", found)
    assert "298 of 400 test examples" in text or "299 of 400 test examples" in text
    assert "further out are not drawn" in text


def test_slices_are_told_apart_from_chance():
    far = Slice("age", "below 30", Score(0.7, 0.6, 0.8, 60), Score(-0.22, -0.3, -0.12, 400), 0.0004)
    near = Slice("city", "Rome", Score(0.92, 0.87, 0.96, 90), Score(0.03, -0.05, 0.09, 400), 0.8)
    text = shown("slices", scores(slices=Slices(400, 7, 31, 2, (far, near))))
    assert "31 slices of 7 columns" in text
    assert "1 stand further apart than chance explains" in text
    assert "age: below 30" in text
    assert "p below 0.001" in text
    assert "chance may be all there is" in text
    assert "2 further columns" in text
    assert shown("slices", scores(slices=Slices(400, 7, 31, 2, (far,))), examples=False) is None


def test_importance_and_dependence_are_drawn_for_numbers_and_texts():
    found = scores(
        importance=Importance(400, 5, {"age": Score(0.1, 0.07, 0.13, 400), "id": Score(0.0, -0.01, 0.01, 400)}, 3),
        dependence=(
            Dependence(
                "age",
                300,
                (20.0, 40.0, 60.0),
                {"yes": (0.2, 0.5, 0.6)},
                {"yes": (0.1, 0.4, 0.5)},
                {"yes": (0.3, 0.6, 0.7)},
            ),
            Dependence("city", 300, ("Rome", "Oslo"), {"yes": (0.2, 0.5)}, {"yes": (0.1, 0.4)}, {"yes": (0.3, 0.6)}),
        ),
    )
    text = shown("importance", found)
    assert "shuffled among 400 examples (5 times each)" in text
    assert "10.0 points (7.0 to 13.0)" in text
    assert "Rome" in text
    assert "3 further columns" in text
    assert "not the world" in text


def test_a_second_look_at_the_test_part_is_told():
    assert "looked at 3 times by now" in shown("scores", scores(looks=3))
    assert "looked at 3 times by now" in markdown.text(facts(scores(looks=3)))
    assert "looked at" not in shown("scores", scores(looks=1))


def test_the_card_warns_of_leaks_slices_and_trainings_that_differ():
    leak = Leak(400, 40, (), Score(0.9, 0.87, 0.93, 400), Score(0.85, 0.8, 0.89, 360), Score(0.05, 0.02, 0.08, 400))
    far = Slice("age", "below 30", Score(0.7, 0.6, 0.8, 60), Score(-0.22, -0.3, -0.12, 400), 0.0004)
    near = Slice("city", "Rome", Score(0.92, 0.87, 0.96, 90), Score(0.03, -0.05, 0.09, 400), 0.8)
    trial = Trial("folds", (), {"accuracy": Spread(5, 0.9, 0.028, 0.88, 0.92)})
    card = markdown.text(facts(scores(leak=leak, slices=Slices(400, 7, 31, 0, (far, near)), trial=trial)))
    careful = card.partition("## Where to be careful")[2].partition("##")[0].replace("\N{NO-BREAK SPACE}", " ")
    assert "without them accuracy 85.0 % (80.0 to 89.0 %)" in careful
    assert "age: below 30" in careful
    assert "Rome" not in careful
    assert "from 88.0 % to 92.0 %" in careful
    assert "Where to be careful" not in markdown.text(facts(scores()))


def test_behavior_names_what_to_try_where_a_change_costs_score():
    tests = (
        Behavior(
            "typos",
            "Misspelled: some letters.",
            ("a", "b"),
            "same",
            90,
            100,
            "--x typos",
            Score(0.9, 0.8, 0.95, 90),
            Score(0.7, 0.6, 0.8, 90),
            Score(-0.1, -0.15, -0.05, 90),
            ("row 3",),
        ),
        Behavior("names", "Other names.", (), "same", 3, 100, "--x names"),
        Behavior(
            "case",
            "In capitals.",
            (),
            "same",
            90,
            100,
            "--x case",
            Score(1.0, 0.95, 1.0, 90),
            Score(0.8, 0.7, 0.9, 90),
            Score(0.0, -0.02, 0.02, 90),
        ),
        Behavior("negation", "Negated.", (), "other", 50, 100, "--x gru", Score(0.1, 0.05, 0.2, 50)),
    )
    losses = Score(0.4, 0.3, 0.5, 32), Score(0.05, 0.0, 0.1, 32), Score(0.35, 0.2, 0.5, 32)
    text = shown("behavior", scores(behavior=tests, reasons=Reasons(32, 0.2, *losses)))
    assert "Misspelled" in text
    assert "--x typos" in text
    assert "--x gru" in text
    assert "too few to say" in text
    assert "--x names" not in text
    assert "--x case" not in text
    assert "these parts matter more than others" in text
    chance = Reasons(32, 0.2, losses[0], losses[1], Score(0.1, -0.1, 0.3, 32))
    assert "may be chance" in shown("behavior", scores(reasons=chance))
    assert shown("behavior", scores()) is None


def test_what_a_task_tells_besides_is_a_table_each():
    told = (
        Aside("Lengths", "How long.", ("part", "most"), (("train", "41"),)),
        Aside("Words", "Which.", (), (("<b>", "x"),), apart=True),
    )
    text = shown("asides", scores(asides=told))
    assert "Lengths" in text
    assert "&lt;b&gt;" in text
    assert shown("asides", scores()) is None


def test_what_shows_something_of_the_data_is_left_out_where_no_example_may_be_shown():
    told = (Aside("Lengths", "How long."), Aside("Words", "Which.", apart=True))
    text = shown("asides", scores(asides=told), examples=False)
    assert "Lengths" in text
    assert "Words" not in text
