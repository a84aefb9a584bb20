"""Calibration: what a time budget becomes, and what is decided without looking at a clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from stepwell import calibration, measuring
from stepwell.errors import BudgetError, TrainingError
from stepwell.settings import Budget

UNTIMED = (float("nan"), float("nan"))


def never(*asked: object) -> float:
    raise AssertionError("asked without need")


def test_steps_and_epochs_need_no_clock_and_the_smaller_rules() -> None:
    assert calibration.cycles(Budget(epochs=3), 10, 5, UNTIMED, never)[0] == 30
    assert calibration.cycles(Budget(epochs=3, steps=7), 10, 5, UNTIMED, never)[0] == 7


def test_a_time_becomes_the_cycles_that_fit_with_their_validations() -> None:
    found, why = calibration.cycles(Budget(time=100.0), 10, 5, (0.1, 0.5), lambda: 60.0)
    assert 0.85 * 60 <= found * (0.1 + 0.5 / 5) <= 60
    assert "60 s" in why and "100.0 ms" in why


def test_a_time_and_epochs_end_at_whichever_comes_first() -> None:
    assert calibration.cycles(Budget(time=100.0, epochs=1), 10, 5, (0.1, 0.1), lambda: 60.0)[0] == 10


def test_no_budget_is_an_error() -> None:
    with pytest.raises(TrainingError, match="no budget"):
        calibration.cycles(Budget(), 10, 5, UNTIMED, never)


@pytest.mark.parametrize("budget", [60.0, 180.0, 600.0, 3600.0])
def test_training_has_the_larger_part_of_the_time_and_all_parts_fit_into_it(budget: float) -> None:
    planned = calibration.shares(budget, gone=5.0)
    assert planned.gone + planned.training + planned.baselines + planned.finishing == pytest.approx(budget)
    assert planned.training >= (0.7 if budget >= 120 else 0.6) * budget


def test_what_comes_after_training_is_kept_by_what_was_measured() -> None:
    small = calibration.finishing_seconds(600.0)
    kept = {
        "slow": calibration.After(slowness=3.0),
        "many": calibration.After(each=1e-3, test=50_000),
        "columns": calibration.After(each=1e-4, test=1_000, explained=True),
    }
    found = {name: calibration.finishing_seconds(600.0, after) for name, after in kept.items()}
    assert found["slow"] == pytest.approx(3 * small)
    assert found["many"] >= 50 + small
    assert found["columns"] >= 6 + small
    assert calibration.finishing_seconds(60.0, calibration.After(slowness=50.0)) <= 0.4 * 60


@pytest.mark.parametrize("after", [calibration.IDLE, calibration.After(each=0.01, test=10_000, slowness=3.0)])
@pytest.mark.parametrize(("budget", "gone"), [(5.0, 6.0), (180.0, 160.0), (600.0, 590.0)])
def test_a_budget_that_is_used_up_says_how_much_is_enough(budget: float, gone: float, after: calibration.After) -> None:
    with pytest.raises(BudgetError, match="used up") as caught:
        calibration.shares(budget, gone, after)
    least = caught.value.least
    assert least > budget and f"--time {math.ceil(least)}s" in caught.value.do
    assert calibration.shares(least, gone, after).training > 0


def test_the_faster_number_of_threads_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0]
    monkeypatch.setattr(calibration.device, "cores", lambda: 4)
    monkeypatch.setattr(calibration.device, "set_threads", lambda count: now.__setitem__(0, count))
    for times, best in (({4: 0.1, 1: 0.3}, 4), ({4: 0.3, 1: 0.1}, 1)):
        decided, timed = calibration.threads(lambda _, times=times: (times[now[0]], 0.0))  # type: ignore[misc]
        assert decided["training.threads"][0] == best == now[0] and timed == (times[best], 0.0)


def test_of_a_long_cycle_one_thread_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []
    monkeypatch.setattr(calibration.device, "cores", lambda: 4)
    monkeypatch.setattr(calibration.device, "set_threads", tried.append)
    decided, timed = calibration.threads(lambda _: (2 * calibration.LONG, 0.5))
    assert decided["training.threads"][0] == 4 and set(tried) == {4} and timed == (2 * calibration.LONG, 0.5)


@dataclass(frozen=True)
class Lengths:
    """A feed whose batches are told by their lengths; None where lengths are not known."""

    known: list[int] | None
    per_epoch: int = 8

    def longest(self) -> npt.NDArray[np.int64] | None:
        return None if self.known is None else np.array(self.known)

    def batches(self, start: int) -> Iterator[Any]:
        return iter((self.known or list(range(8)))[start:])


def test_short_and_long_batches_are_measured_in_turn() -> None:
    lengths = [500, 400, 10, 20, 70, 300, 30, 40]
    measured = list(measuring._in_turn(Lengths(lengths), measuring.SPREAD).batches(0))
    assert measured[7:] == lengths
    assert measured[1] < measured[0] < measured[2] and measured[3] < measured[0] < measured[4]
    assert list(measuring._in_turn(Lengths(lengths), (1.0,)).batches(2)) == [500, *lengths[2:]]
    assert list(measuring._in_turn(Lengths(None), measuring.SPREAD).batches(0)) == list(range(8))


def test_each_number_of_threads_is_told_what_it_is_compared_with(monkeypatch: pytest.MonkeyPatch) -> None:
    rivals = []
    monkeypatch.setattr(calibration.device, "cores", lambda: 4)
    monkeypatch.setattr(calibration.device, "set_threads", lambda count: None)
    calibration.threads(lambda rival: (rivals.append(rival), (0.2, 0.0))[1])
    assert rivals == [math.inf, 0.2]


@dataclass(frozen=True)
class Draft:
    """As much of a recipe as deciding on workers reads."""

    workers: int | str

    def options(self, section: str) -> SimpleNamespace:
        return SimpleNamespace(**{section: None}, workers=self.workers)


def test_examples_are_decoded_where_a_cycle_takes_less_time_and_the_reason_says_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calibration.device, "cores", lambda: 4)
    for times, best in (({0: 0.1, 4: 0.3}, 0), ({0: 0.3, 4: 0.1}, 4)):
        ((count, why),) = calibration.workers(Draft("auto"), True, times.__getitem__).values()
        assert count == best and "100 ms" in why and "300 ms" in why


def test_nothing_is_measured_where_nothing_is_decoded_or_the_workers_are_named() -> None:
    ((count, why),) = calibration.workers(Draft("auto"), False, never).values()
    assert count == 0 and "in memory" in why
    assert calibration.workers(Draft(3), True, never) == {}
