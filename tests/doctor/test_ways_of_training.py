"""Ways in which people train: compiled, in mixed precision, several models, shared and odd modules."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from programs import Program, names, network
from torch import Tensor, nn

import stepwell
from stepwell.doctor import probe
from stepwell.doctor.first import Example
from stepwell.doctor.guard import Guard


def rows() -> tuple[Tensor, Tensor]:
    x, y, _, _ = Program().data()
    return x, y


def test_a_compiled_model_is_read_through_the_module_that_it_was_made_of() -> None:
    x, y = rows()
    model = network()
    compiled = torch.compile(model, backend="eager")
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with stepwell.watch(compiled, optimizer, steps=60) as doctor:  # type: ignore[arg-type]
        for start in range(0, 600, 10):
            optimizer.zero_grad()
            F.cross_entropy(compiled(x[start : start + 10]), y[start : start + 10]).backward()
            optimizer.step()
    assert doctor.record.length == 60 and doctor.record.probes
    assert names(doctor) == []


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_mixed_precision_reads_the_loss_before_it_is_scaled(dtype: torch.dtype) -> None:
    x, y = rows()
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    seen = []
    with stepwell.watch(model, optimizer, steps=60) as doctor:
        for start in range(0, 600, 10):
            optimizer.zero_grad()
            with torch.autocast("cpu", dtype):
                loss = F.cross_entropy(model(x[start : start + 10]), y[start : start + 10])
            seen.append(loss.item())
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    assert [row["loss"] for row in doctor.record.steps] == pytest.approx(seen)
    assert doctor.record.facts["constant"] == pytest.approx(1.08, abs=0.1)
    assert names(doctor) == []


def test_two_models_that_train_in_turn_are_watched_apart() -> None:
    maker, judge = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 2)), network(out=1)
    judge[0] = nn.Linear(2, 32)
    one, two = torch.optim.Adam(maker.parameters(), 1e-3), torch.optim.Adam(judge.parameters(), 1e-3)
    with stepwell.watch(maker, one) as first, stepwell.watch(judge, two) as second:
        for _ in range(60):
            real, noise = torch.randn(32, 2) + 3, torch.randn(32, 4)
            two.zero_grad()
            answers = judge(torch.cat([real, maker(noise).detach()]))
            truth = torch.cat([torch.ones(32, 1), torch.zeros(32, 1)])
            F.binary_cross_entropy_with_logits(answers, truth).backward()
            two.step()
            one.zero_grad()
            F.binary_cross_entropy_with_logits(judge(maker(noise)), torch.ones(32, 1)).backward()
            one.step()
    assert first.record.length == second.record.length == 60
    assert names(first) == [] and names(second) == []


class Shared(nn.Module):
    """One layer used three times."""

    def __init__(self) -> None:
        super().__init__()
        self.into, self.again, self.out = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.into(x)
        for _ in range(3):
            x = torch.tanh(self.again(x))
        return self.out(x)


class Recurrent(nn.Module):
    """A step of time a column."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn, self.out = nn.LSTM(1, 12, batch_first=True), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x[..., None])[0][:, -1])


class Attentive(nn.Module):
    """A column a token."""

    def __init__(self) -> None:
        super().__init__()
        self.into = nn.Linear(1, 16)
        self.place = nn.Parameter(torch.randn(8, 16) * 0.1)
        self.block = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True, norm_first=True)
        self.out = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.block(self.into(x[..., None]) + self.place).mean(1))


class Pictures(nn.Module):
    """A convolution over columns in two rows."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten()
        )
        self.out = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.body(x.reshape(-1, 1, 2, 4)))


@pytest.mark.parametrize("kind", [Shared, Recurrent, Attentive, Pictures])
def test_networks_of_all_kinds_are_read(kind: type[nn.Module]) -> None:
    doctor = Program(kind(), rate=1e-2, updates=100).watched()
    assert not doctor.record.unread
    assert doctor.record.probes[-1]["layers"] and doctor.record.facts["constant"] is not None
    assert names(doctor) == []


def test_a_lazy_module_and_a_model_without_parameters() -> None:
    lazy = nn.Sequential(nn.LazyLinear(16), nn.ReLU(), nn.LazyLinear(3))
    x, y = rows()
    lazy(x[:2])
    assert names(Program(lazy).watched()) == []
    bare, weight = nn.Identity(), torch.zeros(8, 3, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    with stepwell.watch(bare, optimizer) as doctor:
        for _ in range(20):
            optimizer.zero_grad()
            F.cross_entropy(bare(x[:50]) @ weight, y[:50]).backward()
            optimizer.step()
    assert doctor.record.length == 20 and names(doctor) == []


@pytest.mark.parametrize(("batch", "said"), [(32, "64 of 96 samples"), (200, "100 of 200 samples")])
def test_a_probe_that_memory_does_not_hold_is_made_smaller_and_that_is_said(
    batch: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, looked = probe.look, []

    def short(model: nn.Module, examples: Sequence[Example], guard: Guard) -> dict[str, Any]:
        looked.append(sum(one.rows for one in examples))
        if looked[-1] > 60 + batch // 4:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        return look(model, examples, guard)

    monkeypatch.setattr(probe, "look", short)
    x, y = rows()
    model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    with stepwell.watch(model, optimizer, steps=60) as doctor:
        for step in range(60):
            here = slice(step * batch % 600, step * batch % 600 + batch)
            optimizer.zero_grad()
            F.cross_entropy(model(x[here]), y[here]).backward()
            optimizer.step()
    assert doctor.record.probes[0]["step"] == 0 and len(doctor.record.probes) > 3
    assert looked[-1] <= 60 + batch // 4 and names(doctor) == []
    assert any(said in one and "memory does not hold them" in one for one in doctor.record.unread)


class DrawsWhenCopied(nn.Linear):
    """A module that draws a seed for its copy, as Keras's layers do."""

    def __deepcopy__(self, memo: dict[int, Any]) -> DrawsWhenCopied:
        random.randint(1, 9)
        copied = DrawsWhenCopied(self.in_features, self.out_features)
        copied.load_state_dict(self.state_dict())
        memo.update({id(mine): its for mine, its in zip(self.parameters(), copied.parameters(), strict=True)})
        return copied


def test_what_a_network_draws_for_its_copy_is_put_back() -> None:
    x, y = rows()
    states = []
    for watched in (False, True):
        random.seed(0)
        torch.manual_seed(0)
        model = nn.Sequential(DrawsWhenCopied(8, 16), nn.ReLU(), nn.Linear(16, 3))
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        with stepwell.watch(model, optimizer, steps=20) if watched else contextlib.nullcontext():
            for start in range(0, 600, 30):
                optimizer.zero_grad()
                F.cross_entropy(model(x[start : start + 30]), y[start : start + 30]).backward()
                optimizer.step()
        states.append((random.getstate(), torch.get_rng_state().tolist(), model[0].weight.tolist()))
    assert states[0] == states[1]
