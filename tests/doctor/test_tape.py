"""The calls from outputs to a loss can be made again, for any loss; and what met the outputs is found."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from stepwell.doctor.tape import Replay, Tape

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "function": F.cross_entropy,
    "module": nn.CrossEntropyLoss(label_smoothing=0.1),
    "by hand": lambda o, y: -(F.one_hot(y, 4).float() * torch.log_softmax(o, -1)).sum(-1).mean(),
    "gathered": lambda o, y: -torch.log_softmax(o, 1).gather(1, y[:, None]).mean(),
    "method": lambda o, y: (o.softmax(-1) - F.one_hot(y, 4)).pow(2).mean() * 3 + 1,
    "in place": lambda o, y: (o.sigmoid().sub_(F.one_hot(y, 4))).abs_().sum() / len(y),
    "scaled": lambda o, y: F.multi_margin_loss(o, y) / 4,
}


def recorded(loss: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, targets: Tensor) -> tuple[Tensor, Replay]:
    tape = Tape((outputs,), frozenset())
    with tape:
        value = loss(outputs, targets)
    replay = tape.ended(value)
    assert replay is not None
    return value, replay


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_made_again_is_the_loss(name: str) -> None:
    outputs, targets = torch.randn(8, 4, requires_grad=True), torch.randint(0, 4, (8,))
    value, replay = recorded(LOSSES[name], outputs, targets)
    assert torch.equal(replay([outputs.detach()]), value.detach())
    other = torch.randn(8, 4)
    torch.testing.assert_close(replay([other]), LOSSES[name](other, targets))
    torch.testing.assert_close(replay([other]), LOSSES[name](other, targets))  # a second time too


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "in place"])  # which no gradient survives
def test_the_gradient_flows_through_it(name: str) -> None:
    outputs, targets = torch.randn(8, 4, requires_grad=True), torch.randint(0, 4, (8,))
    value, replay = recorded(LOSSES[name], outputs, targets)
    (expected,) = torch.autograd.grad(value, outputs, retain_graph=True)
    again = outputs.detach().clone().requires_grad_()
    (got,) = torch.autograd.grad(replay([again]), again)
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("name", LOSSES)
def test_the_targets_are_those_given(name: str) -> None:
    targets = torch.randint(0, 4, (8,))
    _, replay = recorded(LOSSES[name], torch.randn(8, 4, requires_grad=True), targets)
    assert replay.targets is not None
    assert torch.equal(replay.targets.flatten(), targets)


def test_targets_chosen_from_a_larger_tensor_while_the_tape_runs() -> None:
    every, rows = torch.randint(0, 4, (100,)), torch.randint(0, 100, (8,))
    _, replay = recorded(lambda o, y: F.cross_entropy(o, y[rows]), torch.randn(8, 4, requires_grad=True), every)
    assert replay.targets is not None and torch.equal(replay.targets, every[rows])


def test_a_loss_that_does_not_come_from_the_outputs_has_no_way() -> None:
    tape = Tape((torch.randn(3, 2),), frozenset())
    with tape:
        other = torch.ones(3).sum()
    assert tape.ended(other) is None


def test_a_penalty_on_parameters_is_noticed_and_is_no_target() -> None:
    model = nn.Linear(3, 8)
    outputs = model(torch.randn(8, 3))
    tape = Tape((outputs,), frozenset(id(one) for one in model.parameters()))
    with tape:
        loss = outputs.square().mean() + 0.1 * (model.weight**2).sum()
    replay = tape.ended(loss)
    assert replay is not None and replay.touches_parameters and replay.targets is None


@given(rows=st.integers(1, 9), width=st.integers(1, 5))
def test_of_any_shape(rows: int, width: int) -> None:
    outputs, targets = torch.randn(rows, width, requires_grad=True), torch.randn(rows, width)
    value, replay = recorded(F.mse_loss, outputs, targets)
    assert torch.equal(replay([outputs.detach()]), value.detach())
    assert replay.names() == ("mse_loss",)
