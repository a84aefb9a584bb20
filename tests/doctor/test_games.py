"""Two networks against each other: the losses tell nothing, so what the discriminator is shown is looked at."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from programs import names
from torch import Tensor, nn

import stepwell
from stepwell.doctor import measures
from stepwell.doctor.diagnoses import gan_mode_collapse
from stepwell.doctor.record import Record
from stepwell.doctor.shown import Shown
from stepwell.doctor.watch import Doctor


def ring(count: int) -> Tensor:
    """Eight narrow heaps on a circle."""
    turns = torch.randint(8, (count, 1)) * (math.pi / 4)
    return 2 * torch.cat([turns.cos(), turns.sin()], 1) + 0.05 * torch.randn(count, 2)


def played(width: int, updates: int = 60) -> tuple[Doctor, Doctor]:
    """A game of few updates; the generator makes of `width` numbers two."""
    torch.manual_seed(0)
    maker = nn.Sequential(nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 2))
    judge = nn.Sequential(nn.Linear(2, 32), nn.LeakyReLU(0.2), nn.Linear(32, 1))
    one, two = torch.optim.Adam(maker.parameters(), 1e-3), torch.optim.Adam(judge.parameters(), 1e-3)
    with stepwell.watch(maker, one, steps=updates) as first, stepwell.watch(judge, two, steps=updates) as second:
        for _ in range(updates):
            made = maker(torch.randn(64, width))
            two.zero_grad()
            wrong = F.binary_cross_entropy_with_logits(judge(made.detach()), torch.zeros(64, 1))
            (F.binary_cross_entropy_with_logits(judge(ring(64)), torch.ones(64, 1)) + wrong).backward()
            two.step()
            one.zero_grad()
            F.binary_cross_entropy_with_logits(judge(made), torch.ones(64, 1)).backward()
            one.step()
    return first, second


def test_the_discriminator_tells_real_rows_from_made_ones() -> None:
    first, second = played(4)
    looks = [row["generated"] for row in second.record.probes if "generated" in row]
    assert looks and all(set(one) == {"covered", "spread"} for one in looks)
    assert not any("generated" in row for row in first.record.probes)
    assert {row["backwards"] for row in second.record.steps} == {1}  # the generator's loss is not its own
    assert not any(row.get("left_over") and row["step"] == 0 for row in second.record.steps)
    assert "missing_zero_grad" not in names(first) + names(second)
    assert "__call__" not in vars(nn.Sequential) and nn.Module.__call__.__name__ != "called"


def test_losses_stay_its_own_where_an_update_is_only_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    told, fed = list[Doctor](), Doctor.fed
    monkeypatch.setattr(Doctor, "fed", lambda doctor, inputs: (told.append(doctor), fed(doctor, inputs))[1])
    first, second = played(4, updates=300)
    assert [row["step"] for row in second.record.steps] == [row["step"] for row in first.record.steps]
    assert first.updates == second.updates == 300
    assert told.count(first) < 250 and told.count(second) < 3 * 250  # else nothing was only counted
    assert {row["backwards"] for row in second.record.steps} == {1}
    assert all(row["loss"] > 1 for row in second.record.steps)  # it is of two terms, and the generator's of one
    assert measures.constant(second.record) is None and any("game" in one for one in second.record.unread)
    assert "game" not in first.record.facts


def compared(made: Tensor, real: Tensor) -> dict[str, float]:
    shown = Shown(nn.Identity())
    shown._rows = {"real": [real], "made": [made]}
    return shown.compared()


@pytest.mark.parametrize("columns", [2, 40])
def test_rows_of_one_origin_cover_each_other(columns: int) -> None:
    torch.manual_seed(0)
    there = torch.randn(2, columns)
    healthy = compared(torch.randn(256, 2) @ there, torch.randn(256, 2) @ there)
    assert healthy["covered"] > 0.85 and abs(healthy["spread"]) < 0.4
    collapsed = compared(0.01 * torch.randn(256, 2) @ there, torch.randn(256, 2) @ there)
    assert collapsed["covered"] < 0.3 and collapsed["spread"] < -7
    assert compared(torch.randn(20, 2) @ there, torch.randn(256, 2) @ there) == {}


def record(looks: list[tuple[float, float]], updates: int = 400) -> Record:
    known = Record(horizon=updates)
    known.steps = [{"step": step, "loss": 1.0} for step in range(updates)]
    known.probes = [
        {"step": 10 * i, "loss": 1.0, "generated": {"covered": covered, "spread": spread}}
        for i, (covered, spread) in enumerate(looks)
    ]
    return known


def test_a_collapse_that_lasts_is_named_and_one_that_passes_is_not() -> None:
    found = gan_mode_collapse.diagnose(record([(0.1, -5.0), (0.1, -5.0), (0.05, -6.0)]))
    assert found is not None and found.severity == 2 and "5 %" in found.message
    assert gan_mode_collapse.diagnose(record([(0.1, -5.0), (0.1, -5.0), (0.9, -0.2)])) is None
    assert gan_mode_collapse.diagnose(record([(0.1, -6.0), (0.1, -5.0), (0.1, -4.0)])) is None  # it widens
    assert gan_mode_collapse.diagnose(record([(0.1, -5.0), (0.1, -5.0)])) is None
    assert gan_mode_collapse.diagnose(record([(0.1, -5.0), (0.1, -5.0), (0.05, -6.0)], 200)) is None  # still young
