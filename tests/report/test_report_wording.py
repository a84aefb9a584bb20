"""Numbers as a person reads them, and sentences that claim no more than the intervals allow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stepwell.judge.scores import About, Baseline, Interval, Scores
from stepwell.report import charts, wording
from stepwell.report.markup import anchor
from stepwell.schema import Score

ACCURACY = About("accuracy", "number", "max", "share", "higher is better", "is right on {value} of {n}")
ERROR = About("error", "number", "min", "meters", "lower is better")


def make_scores(about, network, rival=None, difference=None, n=100):
    def score(values):
        return Score(*values, n, about.direction)

    baselines = {}
    if rival is not None:
        differences = {"m": score(difference)} if difference else {}
        baselines = {
            "weak": Baseline(9, "", {"m": score((0.0, 0.0, 0.1) if about.direction == "max" else (99.0, 98.0, 100.0))}),
            "linear": Baseline(9, "", {"m": score(rival)}, differences),
        }
    found = {"m": score(network)} if network else {}
    interval = Interval("bootstrap", 1000, 0.95, "example", n)
    return Scores("test", n, "m", found, {}, {}, baselines, interval, {"m": about})


def told(*arguments, **named):
    return str(wording.verdict(make_scores(*arguments, **named))).replace("\N{NO-BREAK SPACE}", " ")


def test_a_gain_beyond_chance_is_claimed():
    words = told(ACCURACY, (0.98, 0.96, 0.992), (0.95, 0.92, 0.97), (0.03, 0.01, 0.05))
    assert words == (
        "The network is right on 98.0 % of 100 test examples (95 % interval 96.0 to 99.2 %). "
        "The best baseline, linear, reaches 95.0 % (92.0 to 97.0 %). "
        "On the same examples the network is better by 3.0 points (1.0 to 5.0)."
    )


def test_a_gain_within_chance_is_not_claimed():
    words = told(ACCURACY, (0.96, 0.93, 0.98), (0.95, 0.92, 0.97), (0.01, -0.02, 0.04))
    assert "the network is ahead by 1.0 points (−2.0 to 4.0)" in words
    assert "do not show that the network is better than the linear baseline" in words
    assert "is better by" not in words


def test_a_loss_is_said_plainly():
    words = told(ACCURACY, (0.90, 0.85, 0.94), (0.95, 0.92, 0.97), (-0.05, -0.08, -0.02))
    assert "the linear baseline is better by 5.0 points (2.0 to 8.0)" in words
    assert "do not speak for the network" in words


def test_a_loss_within_chance_and_a_draw():
    words = told(ACCURACY, (0.94, 0.9, 0.97), (0.95, 0.92, 0.97), (-0.01, -0.03, 0.01))
    assert "the linear baseline is ahead by 1.0 points (−1.0 to 3.0)" in words
    assert "do not show" in words
    level = told(ACCURACY, (0.95, 0.9, 0.97), (0.95, 0.92, 0.97), (0.0, -0.03, 0.03))
    assert "the two are level (−3.0 to 3.0)" in level


def test_lower_is_better_where_it_is():
    words = told(ERROR, (2.0, 1.5, 2.5), (3.0, 2.5, 3.5), (-1.0, -1.5, -0.5))
    assert "The network's error is 2.00 meters on 100 test examples (95 % interval 1.50 to 2.50 meters)" in words
    assert "The best baseline, linear, reaches 3.00 meters" in words
    assert "the network is better by 1.00 meters (0.500 to 1.50)" in words


def test_without_rivals_or_without_a_value_it_says_so():
    assert "There is no baseline" in told(ACCURACY, (0.98, 0.96, 0.992))
    assert told(ACCURACY, None) == "The accuracy is undefined on these 100 examples."


@pytest.mark.parametrize(
    ("share", "n", "words"),
    [
        (1.0, 20, "100 %"),
        (0.0, 20, "0 %"),
        (0.9825, 400, "98.2 %"),
        (0.98256, 10_000, "98.26 %"),
        (0.9999, 10_000, "99.99 %"),
        (0.99996, 30_000, "99.996 %"),
        (0.0004, 2500, "0.04 %"),
    ],
)
def test_shares_never_round_to_certainty(share, n, words):
    assert wording.value(share, ACCURACY, n) == words.replace(" ", "\N{NO-BREAK SPACE}")


@pytest.mark.parametrize(
    ("number", "words"),
    [(0.0, "0"), (0.061349, "0.0613"), (-12.44, "−12.4"), (999.4, "999"), (50149, "50,100"), (3.21e-7, "3.21e−07")],
)
def test_plain_numbers(number, words):
    assert wording.plain(number) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.44, "0.4 s"), (59.6, "1 min 0 s"), (12.2, "12 s"), (192, "3 min 12 s"), (7500, "2 h 5 min")],
)
def test_durations(seconds, words):
    assert wording.duration(seconds) == words


def test_anchors_are_plain_words():
    assert anchor('What is "taken" <for> Über?') == "what-is-taken-for-uber"


@given(st.floats(-1e9, 1e9, allow_nan=False), st.floats(-1e9, 1e9, allow_nan=False), st.integers(2, 8))
@example(2.2250738585072014e-308, 2.2250738585072014e-308, 2)
@example(0.0, 5e-324, 2)
@example(2.24, 2.24, 2)
def test_linear_axes_have_ticks_inside_and_hold_their_ends(first, second, count):
    axis = charts.linear_axis(min(first, second), max(first, second), count=count)
    assert 1 <= len(axis.ticks) <= 2 * count + 2
    assert all(-1e-6 <= place <= 1 + 1e-6 for place, _ in axis.ticks)
    assert axis.place(axis.low) == 0
    assert axis.place(axis.high) == 1


@given(st.lists(st.floats(1e-9, 1e9), min_size=1, max_size=20))
def test_every_value_has_its_place_on_the_axis_made_for_it(values):
    for steep in (False, True):
        axis = charts.axis_of(np.array(values), steep=steep)
        assert axis.low <= min(values)
        assert axis.high >= max(values)
        assert axis.ticks
        places = [axis.place(value) for value in sorted(values)]
        assert places == sorted(places)


def test_a_steep_fall_is_drawn_by_factors():
    assert charts.axis_of(np.array([2.0, 0.01]), steep=True).logarithmic
    assert not charts.axis_of(np.array([2.0, 0.5]), steep=True).logarithmic
    assert not charts.axis_of(np.array([2.0, 0.0]), steep=True).logarithmic


def test_thinning_and_smoothing_keep_the_mean():
    x = np.arange(10_001, dtype=float)
    thin_x, thin_y = charts.thin(x, 2 * x)
    assert len(thin_x) <= 240
    np.testing.assert_allclose(thin_y, 2 * thin_x)
    np.testing.assert_allclose(charts.smooth(np.full(50, 3.0), 7), 3.0)
    np.testing.assert_allclose(charts.smooth(np.array([0.0, 3.0, 0.0]), 3), [1.5, 1.0, 1.5])
