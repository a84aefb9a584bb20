"""A time budget is kept on a machine that becomes slower, and whatever the calendar's clock does."""

from __future__ import annotations

import time

import pytest

from stepwell.calibration import baseline_seconds, finishing_seconds
from stepwell.job import Clock
from stepwell.loop import Evaluation, Step
from stepwell.training import Limit

CYCLE, VALIDATION = 0.1, 1.5
STEP = Step(1, 0, {}, {}, {}, 32)
JUDGED = Evaluation(1, 0, {}, best=True, stop=False)


def trained(budget: float, *, slower_from: float, by: float) -> tuple[float, float]:
    """When a simulated training ends and when its command does; from a share of the budget on all takes `by` times."""
    limit = Limit(budget, finishing_seconds(budget), baseline_seconds(budget))
    now, cycle = 5.0, 0

    def taking(seconds: float) -> float:
        return seconds * (by if now > slower_from * budget else 1.0)

    while True:
        cycle += 1
        for event, seconds in ((STEP, CYCLE), (JUDGED, VALIDATION))[: 2 if cycle % 200 == 0 else 1]:
            took = taking(seconds)
            now += took
            limit.note(event, took)
        if limit.reached(now):
            ended = now
            now += taking(VALIDATION)  # of the cycle at which it was cut short
            return ended, now + baseline_seconds(budget) + taking(finishing_seconds(budget))


@pytest.mark.parametrize("budget", [180.0, 600.0, 3600.0])
@pytest.mark.parametrize("by", [2.0, 5.0])
def test_a_machine_that_becomes_slower_in_the_middle_keeps_the_budget(budget: float, by: float) -> None:
    _, ended = trained(budget, slower_from=0.5, by=by)
    assert 0.95 * budget < ended < 1.04 * budget


@pytest.mark.parametrize("budget", [180.0, 600.0])
def test_a_steady_machine_trains_to_the_end_of_its_share(budget: float) -> None:
    ended, _ = trained(budget, slower_from=2.0, by=1.0)
    left = finishing_seconds(budget) + baseline_seconds(budget) + VALIDATION
    assert budget - left - CYCLE <= ended <= budget - left + 2 * CYCLE + VALIDATION


@pytest.mark.parametrize("slow", [[2.0], [0.14] * 100])
def test_one_slow_moment_or_a_little_noise_does_not_end_a_training(slow: list[float]) -> None:
    limit = Limit(100.0, 10.0, 5.0)
    for seconds in [0.1] * 50 + slow:
        limit.note(STEP, seconds)
    assert limit.slower() == 1.0 and not limit.reached(80.0) and limit.reached(86.0)


def test_long_batches_are_no_slower_machine() -> None:
    """Texts of one to twenty times the length, in any order: the first cycles may be short and the latest long ones."""
    limit = Limit(3600.0, 900.0, 40.0, 1800.0)
    for length in (20, 31, 25, 18, 40, 90, 256, 240, 256, 256, 200):
        limit.note(Step(1, 0, {}, {}, {}, 16 * length), 0.1 + 0.01 * length)
    assert limit.slower() == 1.0


def test_what_gives_way_never_takes_more_than_a_share_from_training() -> None:
    limit = Limit(100.0, 30.0, 5.0, 50.0)
    for seconds in [0.1] * 50 + [1.0] * 15:
        limit.note(STEP, seconds)
    assert limit.slower() == pytest.approx(10.0)
    assert not limit.reached(44.0) and limit.reached(46.0)


def test_a_validation_before_any_cycle_is_taken_as_it_was() -> None:
    """So begins a training that was killed between a checkpoint and the validation that was due there."""
    limit = Limit(100.0, 10.0, 5.0)
    limit.note(JUDGED, 2.0)
    limit.note(STEP, 0.1)
    assert not limit.reached(82.0) and limit.reached(84.0)
    limit.note(STEP, 0.1)
    limit.note(JUDGED, 4.0)
    assert not limit.reached(80.0) and limit.reached(82.0)


def test_a_calendar_that_jumps_changes_no_duration(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    day_later = time.time() + 86_400
    monkeypatch.setattr(time, "time", lambda: day_later)
    assert 0 <= clock.gone() < 60
