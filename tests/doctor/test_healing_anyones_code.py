"""`doctor.heal(build, train, evaluate)`: remedies made to anyone's model and optimizer, and proven."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import stepwell
from stepwell.doctor import rework
from stepwell.doctor.changes import Change
from stepwell.doctor.healing import Healed
from stepwell.errors import UsageError

pytestmark = pytest.mark.usefixtures("looks_by_count")

UPDATES = 120


def rows(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Ten columns of which two tell the class."""
    x = torch.randn(count, 10, generator=torch.Generator().manual_seed(seed))
    return x, (x[:, 0] * x[:, 1] > 0).long()


X, Y = rows(512, 0)
HELD_OUT = rows(512, 1)


def network() -> nn.Sequential:
    return nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))


def build(rate: float) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = network()
    return model, torch.optim.Adam(model.parameters(), rate)


def train(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    for _ in range(UPDATES):
        chosen = torch.randint(0, len(X), (64,))
        optimizer.zero_grad()
        F.cross_entropy(model(X[chosen]), Y[chosen]).backward()
        optimizer.step()


@torch.no_grad()
def accuracy(model: nn.Module) -> float:
    return float((model(HELD_OUT[0]).argmax(1) == HELD_OUT[1]).float().mean())


def healed(rate: float, **words: object) -> Healed:
    torch.manual_seed(0)
    model, optimizer = build(rate)
    with stepwell.watch(model, optimizer, steps=UPDATES) as doctor:
        train(model, optimizer)
    return doctor.heal(lambda: build(rate), train, accuracy, say=lambda _: None, **words)  # type: ignore[arg-type]


def test_a_rate_too_low_is_answered_and_proven() -> None:
    found = healed(1e-6)
    (named,) = [one for one in found.findings if one["name"] == "lr_too_low"]
    assert named["verified"] is True and named["remedy"] == found.edits[0] and found.edits[0].startswith("lr=")
    (kept,) = [one for one in found.tried if one.accepted]
    assert kept.proof.state == "verified" and kept.proof.low is not None and kept.proof.low > 0.1
    assert "holds against the unchanged training and a placebo" in found.said
    model, optimizer = found.apply(*build(1e-6))
    assert optimizer.param_groups[0]["lr"] > 1e-4
    train(model, optimizer)
    assert accuracy(model) > 0.8


def test_what_is_healthy_is_left_alone() -> None:
    found = healed(3e-3)
    assert found.trainings == 0 and found.edits == () and found.tried == ()


def test_seeds_inside_the_callers_functions_are_refused() -> None:
    def seeded() -> tuple[nn.Module, torch.optim.Optimizer]:
        torch.manual_seed(7)
        return build(1e-6)

    torch.manual_seed(0)
    model, optimizer = build(1e-6)
    with stepwell.watch(model, optimizer, steps=UPDATES) as doctor:
        train(model, optimizer)
    with pytest.raises(UsageError, match="different seeds were the same"):
        doctor.heal(seeded, train, accuracy, say=lambda _: None)


def test_an_error_of_the_callers_own_is_not_swallowed() -> None:
    def broken(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
        raise ValueError("the file is gone")

    torch.manual_seed(0)
    model, optimizer = build(1e-6)
    with stepwell.watch(model, optimizer, steps=UPDATES) as doctor:
        train(model, optimizer)
    with pytest.raises(ValueError, match="the file is gone"):
        doctor.heal(lambda: build(1e-6), broken, accuracy, say=lambda _: None)


def program(optimizer: type[torch.optim.Optimizer] = torch.optim.SGD) -> rework.Program:
    model = nn.Sequential(
        nn.Linear(4, 8), nn.Sigmoid(), nn.Dropout(0.5), nn.Linear(8, 8), nn.Sigmoid(), nn.Linear(8, 2)
    )
    return rework.Program(model, optimizer(model.parameters(), lr=0.1), 100)


def test_every_setting_that_is_read_can_be_changed() -> None:
    values = {
        "optimizer.name": "adam",
        "optimizer.learning_rate": 0.01,
        "optimizer.weight_decay": 0.1,
        "optimizer.beta1": 0.8,
        "optimizer.beta2": 0.9,
        "optimizer.epsilon": 1e-3,
        "training.clip_norm": 1.0,
        "training.warmup": 0.1,
        "model.dropout": 0.1,
        "model.activation": "elu",
        "model.initialization": "he",
        "model.initial_bias": 0.0,
        "model.normalization": "batch",
    }
    assert values.keys() == rework.EDITS.keys() == rework.CODE.keys()
    known = rework.settings(program()) | rework.settings(program(torch.optim.Adam))
    assert known.keys() == values.keys()
    for path, value in values.items():
        one = program(torch.optim.Adam)
        assert rework.as_code(Change({path: value}, ""))
        one = rework.rework(one, Change({path: value}, ""))
        F.cross_entropy(one.model(torch.randn(6, 4)), torch.zeros(6, dtype=torch.long)).backward()
        one.optimizer.step()
        if path in ("optimizer.learning_rate", "optimizer.weight_decay", "model.dropout", "model.activation"):
            assert rework.settings(one)[path] == pytest.approx(value)
    with pytest.raises(ValueError, match=r"loss\.name"):
        rework.rework(program(), Change({"loss.name": "mse"}, ""))


def test_an_output_activation_is_no_hidden_one() -> None:
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1), nn.Sigmoid())
    one = rework.Program(model, torch.optim.SGD(model.parameters(), lr=0.1))
    rework.rework(one, Change({"model.activation": "relu", "model.normalization": "layer"}, ""))
    assert isinstance(model[3], nn.Sigmoid) and isinstance(model[1], nn.Sequential)
    assert [type(part) for part in model[1]] == [nn.LayerNorm, nn.ReLU]
    assert len(one.optimizer.param_groups[-1]["params"]) == 2  # the new norm is trained


def test_warming_up_and_clipping_do_what_they_say() -> None:
    one = program()
    rework.rework(one, Change({"training.warmup": 0.1, "training.clip_norm": 1e-3}, ""))
    moved = []
    for _ in range(12):
        before = [weight.detach().clone() for weight in one.model.parameters()]
        one.optimizer.zero_grad()
        (1e3 * one.model(torch.ones(6, 4)).sum()).backward()
        one.optimizer.step()
        pairs = zip(before, [weight.detach() for weight in one.model.parameters()], strict=True)
        moved.append(float(sum(((old - new) ** 2).sum() for old, new in pairs) ** 0.5))
    assert moved == pytest.approx([1e-4 * min(1.0, count / 10) for count in range(1, 13)], rel=0.02)
    assert one.optimizer.param_groups[0]["lr"] == 0.1
