"""A loss that stops being a finite number in mid-training: whether the data did it, or the weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from programs import names
from torch import Tensor, nn

import stepwell
from stepwell.doctor.watch import Doctor

UPDATES, BROKEN_AT, BATCH = 240, 150, 16  # long after the first batches, which are looked at one by one
Harm = Callable[[nn.Module, Tensor, Tensor], None]


def trained(harm: Harm, loss_fn: Callable[[Tensor, Tensor], Tensor]) -> Doctor:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    with stepwell.watch(net, optimizer, steps=UPDATES) as doctor:
        for step in range(UPDATES):
            x = torch.randn(BATCH, 8)
            y = 2 * x[:, :1] - x[:, 1:2]
            if step == BROKEN_AT:
                harm(net, x, y)
            loss = loss_fn(net(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return doctor


def infinite_target(_: nn.Module, x: Tensor, y: Tensor) -> None:
    y[3] = float("inf")


def missing_input(_: nn.Module, x: Tensor, y: Tensor) -> None:
    x[3, 2] = float("nan")


@torch.no_grad()
def grown_weights(net: nn.Module, x: Tensor, y: Tensor) -> None:
    for one in net.parameters():
        one.mul_(1e12)


@pytest.mark.parametrize("loss_fn", [F.mse_loss, lambda answers, y: ((answers - y) ** 2).mean()])
@pytest.mark.parametrize(
    ("harm", "named", "said"),
    [
        (infinite_target, "nan_in_data", "The targets"),
        (missing_input, "nan_in_data", "The inputs"),
        (grown_weights, "exploding_gradient", f"from update {BROKEN_AT} on"),
    ],
)
def test_one_batch_in_mid_training_breaks_the_loss_and_it_is_said_which_part_did(
    harm: Harm, named: str, said: str, loss_fn: Callable[[Tensor, Tensor], Tensor]
) -> None:
    doctor = trained(harm, loss_fn)
    (finding,) = doctor.findings
    assert (finding.name, finding.severity) == (named, 3) and said in finding.message
    assert not doctor.record.unread


@pytest.mark.parametrize("broken_at", [0, 1, 40])
def test_a_network_with_norms_goes_on_as_if_nobody_had_looked(broken_at: int) -> None:
    def weights(*, watching: bool) -> list[Tensor]:
        torch.manual_seed(0)
        net = nn.Sequential(nn.Linear(8, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Linear(24, 1))
        optimizer = torch.optim.SGD(net.parameters(), lr=1e-2)
        watched = stepwell.watch(net, optimizer) if watching else contextlib.nullcontext()
        with watched:
            for step in range(60):
                x = torch.randn(BATCH, 8)
                if step == broken_at:
                    missing_input(net, x, x)
                optimizer.zero_grad()
                F.mse_loss(net(x), x[:, :1]).backward()
                optimizer.step()
        return list(net.state_dict().values())

    pairs = zip(weights(watching=True), weights(watching=False), strict=True)
    assert all(torch.equal(one.nan_to_num(), other.nan_to_num()) for one, other in pairs)


class WithLoss(nn.Module):
    """Answers with its loss, as models of the package transformers do; or, asked again, not at all."""

    def __init__(self, *, once: bool) -> None:
        super().__init__()
        self.inner, self.once = nn.Linear(8, 1), once

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        if self.once and not torch.is_grad_enabled() and not bool(x.isfinite().all()):
            raise RuntimeError("not twice")
        return F.mse_loss(self.inner(x), y)


@pytest.mark.parametrize("once", [False, True])
def test_a_model_that_answers_one_number_or_fails_when_asked_again_is_watched_on(once: bool) -> None:
    net = WithLoss(once=once)
    optimizer = torch.optim.SGD(net.parameters(), lr=1e-2)
    with stepwell.watch(net, optimizer) as doctor:
        for step in range(80):
            x = torch.randn(BATCH, 8)
            y = x[:, :1].clone()
            if step == 70:
                missing_input(net, x, y)
            optimizer.zero_grad()
            net(x, y).backward()
            optimizer.step()
    assert [row["step"] for row in doctor.record.steps] == list(range(80))
    assert any("what broke the loss" in one for one in doctor.record.unread) == once
    assert names(doctor)[0] == "nan_in_data"


def test_a_loss_by_hand_that_may_break_by_itself_is_not_blamed_on_targets() -> None:
    def logarithms(answers: Tensor, y: Tensor) -> Tensor:
        return (0 * answers.abs().log()).mean() + F.mse_loss(answers, y)

    def silent(net: nn.Module, x: Tensor, y: Tensor) -> None:
        with torch.no_grad():
            for one in net.parameters():
                one.zero_()  # log(0) * 0

    assert "nan_in_data" not in names(trained(silent, logarithms))
