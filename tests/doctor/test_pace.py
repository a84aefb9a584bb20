"""When the doctor looks: often enough to see, seldom enough to be paid for."""

from __future__ import annotations

import itertools

import pytest
import torch
from programs import Program

from stepwell.doctor.listening import listening
from stepwell.doctor.pace import EARLY, Pace
from stepwell.doctor.watch import Doctor


def looked(each: float, cost: float, updates: int, planned: int | None = None) -> tuple[list[int], float]:
    """After which updates there was a look, and the share of the time that looks took, with the losses beside them."""
    pace, looks, spent = Pace(planned), list[int](), 0.0
    for update in range(1, updates + 1):
        if pace.looks(update):
            spent += 2 * cost
            looks.append(update)
            pace.looked(update, cost, each, spent / (spent + update * each))
    return looks, spent / (spent + updates * each)


@pytest.mark.parametrize(("each", "cost"), [(0.01, 0.05), (0.05, 0.3), (2.0, 12.0)])
def test_where_updates_are_long_looks_stay_within_their_share(each: float, cost: float) -> None:
    looks, share = looked(each, cost, 20_000)
    assert share < 0.02 and len(looks) >= 10 and looks[:2] == [1, 8]


def test_where_updates_are_short_looks_lie_ever_further_apart() -> None:
    looks, _ = looked(1e-4, 0.01, 3_000)
    gaps = [later - one for one, later in itertools.pairwise(looks[4:])]
    assert looks[:4] == [1, 2, 4, 8] and gaps == sorted(gaps) and gaps[0] == 4 and gaps[-1] == 512
    assert all(gap <= max(4, update // 3) for gap, update in zip(gaps, looks[4:], strict=False))


@pytest.mark.parametrize(
    ("planned", "cost", "widest"), [(400, 0.03, 100), (400, 0.1, 301), (4_000, 0.1, 392), (None, 0.1, 392)]
)
def test_of_a_training_that_is_known_to_be_brief_each_quarter_is_looked_at_if_looks_are_cheap(
    planned: int | None, cost: float, widest: int
) -> None:
    looks, _ = looked(0.02, cost, 400, planned)
    assert max(later - one for one, later in itertools.pairwise([*looks[1:], 400])) == widest


def test_samples_are_kept_before_a_look_and_norms_are_read_more_often() -> None:
    pace = Pace()
    for update in (1, 2, 4, 8):
        pace.looked(update, 0.3, 0.05, 0.02)
    due = next(update for update in range(9, 5_000) if pace.looks(update))
    assert not pace.looks_soon(due - 9) and all(pace.looks_soon(update) for update in range(due - 8, due + 1))
    assert 8 <= sum(pace.reads_norms(update) for update in range(17, due + 1)) <= 12


def test_half_way_it_is_asked_though_no_look_is_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large network in a short training there are looks at its beginning and its end alone."""
    monkeypatch.setattr(Pace, "looks", lambda _, update: update in EARLY)
    program, told = Program(rate=1e-5, optimizer=torch.optim.SGD), list[tuple[str, int]]()
    x, y, held, classes = program.data()
    optimizer = program.optimizer(program.model.parameters(), lr=program.rate)
    doctor = Doctor(
        program.model,
        optimizer,
        program.loss,
        (held, classes),
        program.updates,
        told=lambda one: told.append((one.name, doctor.updates)),
    )
    with listening(program.model, optimizer, doctor):
        program.train_with(optimizer, x, y, held)
    assert told == [("lr_too_low", program.updates // 2)]


def test_what_one_look_sees_is_looked_at_again_in_half_the_time() -> None:
    pace = Pace()
    for update in (1, 2, 4, 8):
        pace.looked(update, 0.3, 0.05, 0.02)
    due = next(update for update in range(9, 5_000) if pace.looks(update))
    pace.look_again(8)
    assert next(update for update in range(9, 5_000) if pace.looks(update)) == 8 + (due - 8) // 2
