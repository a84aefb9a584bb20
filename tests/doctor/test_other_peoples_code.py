"""What other people's programs do that a plain loop does not: losses inside models, updates by hand, saved models."""

from __future__ import annotations

import copy
import io
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from programs import Program, names, network
from torch import Tensor, nn

import stepwell
from stepwell.doctor import script
from stepwell.doctor.tape import Tape


def rows() -> tuple[Tensor, Tensor]:
    x, y, _, _ = Program().data()
    return x, y


class Losing(nn.Module):
    """Gives its answer and its loss, as language models do."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.body(x)
        return {"loss": F.cross_entropy(logits, labels), "logits": logits}


@pytest.mark.parametrize("parts", [1, 4])
def test_a_loss_inside_the_model_is_judged_by_the_best_constant_too(parts: int) -> None:
    x, y = rows()
    model, losses = Losing(network()), []
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with stepwell.watch(model, optimizer, steps=60) as doctor:
        for start in range(0, 600, 10):
            optimizer.zero_grad()
            loss = model(x[start : start + 10], labels=y[start : start + 10])["loss"] / parts
            losses.append(loss.item())
            loss.backward()
            optimizer.step()
    assert doctor.record.facts["constant"] == pytest.approx(1.08 / parts, abs=0.1 / parts)
    assert doctor.record.facts["loss_wants"] == "logits"
    assert [row["loss"] for row in doctor.record.steps] == pytest.approx(losses)
    assert not doctor.record.unread and names(doctor) == []


def test_a_fault_before_a_loss_inside_the_model_is_named() -> None:
    x, y = rows()
    model = Losing(network(last=nn.Softmax(-1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with stepwell.watch(model, optimizer, steps=40) as doctor:
        for start in range(0, 400, 10):
            optimizer.zero_grad()
            model(x[start : start + 10], labels=y[start : start + 10])["loss"].backward()
            optimizer.step()
    assert names(doctor)[0] == "softmax_before_ce"


class Variational(nn.Module):
    """Three outputs, of all of which the loss is made."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.out = nn.Linear(8, 8), nn.Linear(4, 8)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, logs = self.into(x).chunk(2, -1)
        return self.out(mean + torch.randn_like(mean) * (0.5 * logs).exp()), mean, logs


def test_of_several_outputs_each_has_its_constant() -> None:
    x, _ = rows()
    model = Variational()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    with stepwell.watch(model, optimizer) as doctor:
        for start in range(0, 600, 20):
            batch = x[start : start + 20]
            optimizer.zero_grad()
            again, mean, logs = model(batch)
            divergence = -0.5 * (1 + logs - mean.square() - logs.exp()).mean()
            (F.mse_loss(again, batch) + divergence).backward()
            optimizer.step()
    # The mean of each column, with a posterior that is the prior: the variance of the data alone.
    assert doctor.record.facts["constant"] == pytest.approx(float(x[:260].var(0, correction=0).mean()), rel=0.02)


def by_hand(model: nn.Module, updates: int, rate: float) -> None:
    x, y = rows()
    draw = torch.Generator().manual_seed(1)
    for _ in range(updates):
        batch = torch.randint(len(x), (32,), generator=draw)
        model.zero_grad()
        F.cross_entropy(model(x[batch]), y[batch]).backward()
        with torch.no_grad():
            for one in model.parameters():
                one.data.add_(one.grad, alpha=-rate)  # type: ignore[arg-type]


def test_updates_by_hand_are_watched_and_their_rate_is_measured() -> None:
    model = network()
    with stepwell.watch(model, None, steps=80) as doctor:
        by_hand(model, 80, 0.3)
    assert doctor.updates == doctor.record.length == 80
    assert doctor.record.facts["learning_rate"] == pytest.approx(0.3, rel=1e-3)
    assert {row["backwards"] for row in doctor.record.steps} == {1}
    assert not doctor.record.unread and names(doctor) == []


def test_gradients_without_updates_are_no_training() -> None:
    x, y = rows()
    model = network()
    with stepwell.watch(model, None) as doctor:
        for _ in range(5):
            F.cross_entropy(model(x), y).backward()
    assert doctor.updates == 0 and doctor.findings == ()


BY_HAND = """
import torch
from torch import nn
torch.manual_seed(0)
x = torch.randn(400, 10); y = (x[:, 0] + x[:, 1] > 0).long()
net = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2), nn.Softmax(1))
for update in range(60):
    rows = torch.randint(400, (32,))
    net.zero_grad()
    nn.CrossEntropyLoss()(net(x[rows]), y[rows]).backward()
    for one in net.parameters():
        one.data.add_(one.grad, alpha=-0.1)
torch.save(net, "net.pt")
"""


def test_a_script_without_an_optimizer_is_watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(BY_HAND)
    ended = script.examine(tmp_path / "train.py")
    assert ended.code == 0 and (tmp_path / "net.pt").is_file()
    assert [(name, updates) for name, updates, _ in ended.watched] == [("Sequential", 59)]
    assert [one.name for one in ended.findings if one.severity > 1] == ["softmax_before_ce"]


def test_a_watched_model_can_be_saved_whole_and_its_copies_are_not_heard() -> None:
    x, y = rows()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with stepwell.watch(model, optimizer) as doctor:
        average = copy.deepcopy(model)
        torch.save(model, io.BytesIO())
        for start in range(0, 100, 10):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[start : start + 10]), y[start : start + 10])
            average(x)  # between the answer and the loss
            loss.backward()
            optimizer.step()
    assert doctor.record.facts["constant"] is not None and doctor.record.length == 10
    assert "__call__" not in vars(nn.Sequential)


def test_an_optimizer_that_calls_back_for_its_loss() -> None:
    x, y = rows()
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = copy.deepcopy(model)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    with stepwell.watch(model, optimizer) as doctor:
        for _ in range(20):
            optimizer.step(closure)  # type: ignore[arg-type]
    assert doctor.record.facts["initial_loss"] == pytest.approx(F.cross_entropy(before(x), y).item(), rel=1e-5)
    assert all(row["gradients"] for row in doctor.record.steps[:16])


class Doubling(torch.overrides.TorchFunctionMode):
    """Somebody else's mode."""

    def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("theirs", [Doubling, lambda: torch.device("cpu")])
def test_whoever_leaves_a_mode_of_his_own_leaves_that_one(theirs: type) -> None:
    outputs = torch.randn(4, 2, requires_grad=True)
    tape = Tape((outputs,), frozenset())
    with theirs():
        tape.start()
    loss = outputs.square().sum()
    with theirs():
        tape.stop()
        assert torch._C._len_torch_function_stack() == 1
    assert torch._C._len_torch_function_stack() == 0
    assert tape.ended(loss) is not None


def test_two_calls_before_one_loss_are_not_taken_for_an_answer_and_its_target() -> None:
    x, _ = rows()
    model = network(out=4)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with stepwell.watch(model, optimizer, steps=20) as doctor:
        for start in range(0, 400, 20):
            optimizer.zero_grad()
            one, two = model(x[start : start + 20]), model(x[start : start + 20].flip(0))
            F.relu(1 - (one - two).norm(dim=-1)).mean().backward()
            optimizer.step()
    assert doctor.record.facts["constant"] is None
    assert names(doctor) == []


def test_an_output_that_the_tape_cannot_copy_does_not_reach_the_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("of the doctor")

    monkeypatch.setattr(Tape, "_note", broken)
    doctor = Program(updates=20).watched()
    assert doctor.record.length == 20
    assert any("calls to the loss could not be read" in one for one in doctor.record.unread)


def test_log_probabilities_may_be_taken_between_the_model_and_nll_loss() -> None:
    def logarithm(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.nll_loss(torch.log(outputs + 1e-12), targets)

    assert names(Program(network(last=nn.Softmax(-1)), logarithm).watched()) == []
