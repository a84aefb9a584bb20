"""The proof of a change: what it accepts, and that it rarely accepts what changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from stepwell.doctor import proof
from stepwell.doctor.proof import judge
from stepwell.schema import Array


def test_a_clear_gain_is_provisional_on_two_seeds_and_verified_on_three() -> None:
    unchanged, placebo, changed = [0.50, 0.50, 0.51], [0.51, 0.50, 0.50], [0.91, 0.92, 0.92]
    assert judge(unchanged[:1], placebo[:1], changed[:1], 0.01).state == "open"
    assert judge(unchanged[:2], placebo[:2], changed[:2], 0.01).state == "provisional"
    found = judge(unchanged, placebo, changed, 0.01)
    assert found.state == "verified"
    assert found.gain == pytest.approx(0.413, abs=1e-3)
    # By hand: differences .41, .42, .41; t of 2 degrees at 0.97 is 3.896.
    assert found.low == pytest.approx(0.41333 - 3.896 * 0.0057735 / 3**0.5, abs=1e-4)


def test_a_gain_that_chance_alone_shows_is_refused() -> None:
    unchanged, placebo, changed = [0.2, 0.6, 0.3, 0.5], [0.7, 0.3, 0.6, 0.2], [0.7, 0.7, 0.6, 0.8]
    assert judge(unchanged, placebo, changed, 0.01).state == "refused"


def test_one_training_that_diverged_does_not_hide_a_gain_that_all_show() -> None:
    unchanged, placebo, changed = [-1.0, -2.0, -0.98, -1.0], [-0.99, -0.99, -0.85, -0.93], [-0.78, -0.76, -0.74, -0.73]
    assert judge(unchanged[:3], placebo[:3], changed[:3], 0.02).state == "open"
    assert judge(unchanged, placebo, changed, 0.02).state == "verified"
    assert judge(unchanged, placebo, [*changed[:3], -0.86], 0.02).state == "refused"


def test_what_gains_nothing_is_refused_at_once() -> None:
    assert judge([0.8], [], [0.805], 0.01).state == "refused"
    assert judge([0.8, 0.8], [0.8, 0.8], [0.79, 0.80], 0.01).state == "refused"


def test_a_gain_too_small_to_be_worth_having_is_refused() -> None:
    same = [0.8, 0.8, 0.8, 0.8]
    assert judge(same, same, [0.805] * 4, 0.01).state == "refused"


def verified(arms: Callable[[], tuple[Array, Array, Array]], courses: int = 400) -> float:
    """The share of courses that end verified; `arms` gives unchanged, placebo and changed values of all seeds."""
    found = 0
    for _ in range(courses):
        base, placebo, changed = arms()
        for n in range(1, proof.MOST + 1):
            one = judge(base[:n].tolist(), placebo[:n].tolist(), changed[:n].tolist(), 0.02)
            if one.state in ("refused", "verified"):
                found += one.state == "verified"
                break
    return found / courses


@pytest.mark.parametrize("spread", [0.005, 0.05, 0.3])
def test_a_change_that_changes_nothing_is_rarely_verified(spread: float) -> None:
    draw = np.random.default_rng(5)
    assert verified(lambda: tuple(0.8 + spread * draw.normal(size=(3, proof.MOST)))) <= 0.02


@pytest.mark.parametrize("failing", [0.1, 0.3, 0.5, 0.7])
def test_so_it_is_where_trainings_fail_at_random_and_a_change_that_mends_them_is_seen(failing: float) -> None:
    draw = np.random.default_rng(5)

    def trained() -> Array:
        return np.where(draw.random(proof.MOST) < failing, -2.0, -1.0 + 0.02 * draw.normal(size=proof.MOST))

    assert verified(lambda: (trained(), trained(), trained())) <= 0.02
    halved = -0.5 + 0.02 * draw.normal(size=proof.MOST)
    assert verified(lambda: (trained(), trained(), halved)) >= 0.8
