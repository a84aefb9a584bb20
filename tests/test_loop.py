"""The loop: what a cycle is, what a mean is over, and that a state taken anywhere goes on to the same bits."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from stepwell import checkpoint
from stepwell.errors import RunError, TrainingError
from stepwell.feed import MemoryFeed
from stepwell.history import History
from stepwell.loop import Diverged, Evaluation, Plan, Step, Training, Turn
from stepwell.schedules import plateau
from stepwell.schema import Batch, Field, Loss, Objective, Schema, Term
from stepwell.task import Select

SCHEMA = Schema((Field("x", "number", "float32", (4,)),), (Field("y", "category", "int64"),), ())
COUNT = 50


def columns(count: int = COUNT) -> dict[str, Any]:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 4)).astype(np.float32)
    return {"x": x, "y": (x[:, 0] + x[:, 1] > 0).astype(np.int64)}


def feed(batch_size: int = 8, count: int = COUNT) -> MemoryFeed:
    return MemoryFeed(columns(count), [f"e{i}" for i in range(count)], SCHEMA, batch_size=batch_size, seed=3)


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))


def cross_entropy(model: nn.Module, batch: Batch) -> Loss:
    total = F.cross_entropy(model(batch.fields["x"]), batch.fields["y"], reduction="sum")
    return Loss({"cross_entropy": Term(total, len(batch))})


def constant(cycle: int, total: int, evaluations: Sequence[float]) -> float:
    return 1.0


def turn(
    model: nn.Module,
    loss: Callable[[nn.Module, Batch], Loss] = cross_entropy,
    factor: Callable[[int, int, Sequence[float]], float] = constant,
    optimizer: type[torch.optim.Optimizer] = torch.optim.Adam,
) -> Turn:
    objective = Objective("model", lambda m: m.parameters(), loss)
    return Turn(objective, optimizer(list(model.parameters()), lr=0.01), factor)  # type: ignore[call-arg]


def accuracy(model: nn.Module) -> Mapping[str, float]:
    modes = [module.training for module in model.modules()]
    model.eval()
    data = columns()
    with torch.inference_mode():
        right = (model(torch.from_numpy(data["x"])).argmax(1).numpy() == data["y"]).mean()
    for module, mode in zip(model.modules(), modes, strict=True):
        module.training = mode
    return {"accuracy": float(right)}


PLAN = Plan(cycles=40, evaluate_every=7, ema=0.9, clip_norm=1.0, warmup=0.2, select=Select("accuracy", "max"))


def halving(cycle: int, total: int, evaluations: Sequence[float]) -> float:
    return plateau.factor(plateau.Options(patience=1), cycle, total, evaluations) * (1 - 0.5 * cycle / total)


def training(plan: Plan = PLAN, state: Mapping[str, Any] | None = None, **changed: Any) -> Training:
    model = network()
    torch.manual_seed(7)
    return Training(model, [turn(model, factor=halving, **changed)], feed(), plan, accuracy, state=state)


def digest(trained: Training) -> dict[str, torch.Tensor]:
    return {**trained.network.state_dict(), **{f"model.{k}": v for k, v in trained.model.state_dict().items()}}


@pytest.mark.parametrize("stop", [1, 6, 7, 8, 20, 35, 39, 40])
def test_a_training_taken_up_anywhere_ends_with_the_same_bits_and_the_same_history(stop: int, tmp_path: Path) -> None:
    whole = training()
    with History(tmp_path / "whole.jsonl") as history:
        for event in whole:
            history.add(event)

    first = training()
    with History(tmp_path / "parts.jsonl") as history:
        for event in first:
            history.add(event)
            if event.cycle == stop:
                history.flush(durable=True)
                checkpoint.save(tmp_path / "checkpoints", {**first.state(), "history": history.offset}, first.cycle)
            if event.cycle == stop + 1:
                break  # what was done after the checkpoint is lost

    torch.manual_seed(99)
    state, notes = checkpoint.load_latest(tmp_path / "checkpoints")
    assert state is not None and not notes
    second = training(state=state)
    with History(tmp_path / "parts.jsonl", state["history"]) as again:
        for event in second:
            again.add(event)
    assert (tmp_path / "parts.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
    ended, expected = digest(second), digest(whole)
    assert all(torch.equal(ended[name], expected[name]) for name in expected)
    assert second.best is not None and whole.best is not None and second.best["cycle"] == whole.best["cycle"]
    kept = [checkpoint.save(tmp_path / name, one.state(), 40) for name, one in (("ended", second), ("expected", whole))]
    files = [{file.name: file.read_bytes() for file in place.iterdir()} for place in kept]
    assert files[0] == files[1]


def test_what_was_best_by_another_quantity_is_measured_anew() -> None:
    whole = training()
    list(whole)
    first = training()
    for event in first:
        if event.cycle == 20 and isinstance(event, Step):
            break
    state = first.state()
    state["best"] |= {"quantity": "log_loss", "oriented": -math.inf, "value": math.inf}
    second = training(state=state)
    list(second)
    assert second.best is not None and whole.best is not None
    assert {**second.best, "weights": 0} == {**whole.best, "weights": 0}
    assert all(torch.equal(one, digest(whole)[name]) for name, one in digest(second).items())


def test_the_same_seed_gives_the_same_losses_and_validations_come_when_due() -> None:
    runs = [
        [
            (event.cycle, event.losses["model"].item() if isinstance(event, Step) else event.values)
            for event in training()
        ]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]
    cycles = [event.cycle for event in training() if isinstance(event, Evaluation)]
    assert cycles == [7, 14, 21, 28, 35, 40]


def test_accumulated_batches_give_the_gradient_of_one_large_batch() -> None:
    ragged = [
        Batch({"x": torch.randn(n, 4), "y": torch.randint(0, 2, (n,))}, {}, np.arange(n, dtype=np.uint64))
        for n in (3, 8)
    ]
    whole = Batch({k: torch.cat([b.fields[k] for b in ragged]) for k in ("x", "y")}, {}, np.arange(11, dtype=np.uint64))

    class Given:
        per_epoch = 2

        def __init__(self, batches: list[Batch]) -> None:
            self._batches = batches

        def batches(self, start: int) -> Iterator[Batch]:
            yield from self._batches

    weights = []
    for batches, accumulate in ((ragged, 2), ([whole], 1)):
        torch.manual_seed(0)
        model = nn.Linear(4, 2)
        plan = Plan(cycles=1, evaluate_every=10, accumulate=accumulate)
        list(Training(model, [turn(model, optimizer=torch.optim.SGD)], Given(batches), plan, lambda _: {}))
        weights.append(model.weight.detach().clone())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-6, atol=1e-7)


def test_coupled_losses_are_not_accumulated() -> None:
    def coupled(model: nn.Module, batch: Batch) -> Loss:
        return Loss(cross_entropy(model, batch).terms, accumulates=False)

    model = network()
    loop = Training(model, [turn(model, coupled)], feed(), Plan(4, 4, accumulate=2), lambda _: {})
    with pytest.raises(TrainingError, match="couples the examples"):
        list(loop)


def test_two_objectives_take_turns_and_leave_each_other_alone() -> None:
    model = nn.ModuleDict({"generator": nn.Linear(2, 4), "critic": nn.Linear(4, 1)})
    seen: list[str] = []

    def critic(m: nn.Module, batch: Batch) -> Loss:
        seen.append("critic")
        fake = m["generator"](torch.randn(len(batch), 2)).detach()  # type: ignore[index]
        value = m["critic"](fake).sum() - m["critic"](batch.fields["x"]).sum()  # type: ignore[index]
        return Loss({"wasserstein": Term(value, len(batch))})

    def generator(m: nn.Module, batch: Batch) -> Loss:
        seen.append("generator")
        return Loss({"wasserstein": Term(-m["critic"](m["generator"](torch.randn(len(batch), 2))).sum(), len(batch))})  # type: ignore[index]

    turns = [
        Turn(
            Objective("critic", lambda m: m["critic"].parameters(), critic, updates=5),
            torch.optim.SGD(model["critic"].parameters(), 0.1),
            constant,
        ),  # type: ignore[index]
        Turn(
            Objective("generator", lambda m: m["generator"].parameters(), generator, every=2),
            torch.optim.SGD(model["generator"].parameters(), 0.1),
            constant,
        ),  # type: ignore[index]
    ]
    before = [p.detach().clone() for p in model["generator"].parameters()]
    loop = Training(model, turns, feed(), Plan(cycles=2, evaluate_every=5), lambda _: {})
    events = [event for event in loop if isinstance(event, Step)]
    assert seen == ["critic"] * 5 + ["generator"] + ["critic"] * 5
    assert set(events[0].losses) == {"critic", "generator"} and set(events[1].losses) == {"critic"}
    assert any(not torch.equal(a, b) for a, b in zip(before, model["generator"].parameters(), strict=True))


def test_a_loss_that_is_no_number_stops_at_once_and_says_what_to_do() -> None:
    def broken(model: nn.Module, batch: Batch) -> Loss:
        return Loss({"broken": Term(model(batch.fields["x"]).sum() * float("nan"), 1)})

    model = network()
    loop = Training(model, [turn(model, broken)], feed(), PLAN, accuracy)
    with pytest.raises(Diverged, match="not finite at cycle 1") as caught:
        list(loop)
    assert "learning_rate" in caught.value.do


def test_patience_stops_and_the_best_weights_are_kept() -> None:
    values = iter([0.5, 0.7, 0.6, 0.6, 0.9])
    kept: list[torch.Tensor] = []

    def evaluate(model: nn.Module) -> Mapping[str, float]:
        kept.append(model[0].weight.detach().clone())  # type: ignore[index]
        return {"accuracy": next(values)}

    model = network()
    plan = Plan(cycles=40, evaluate_every=5, patience=2, select=Select("accuracy", "max"))
    loop = Training(model, [turn(model)], feed(), plan, evaluate)
    evaluations = [event for event in loop if isinstance(event, Evaluation)]
    assert [event.best for event in evaluations] == [True, True, False, False] and evaluations[-1].stop
    assert loop.stopped_early and loop.cycle == 20
    assert torch.equal(loop.best_weights()["0.weight"], kept[1])


def test_l1_shrinks_weights_and_clipping_bounds_the_step() -> None:
    sizes = []
    for l1 in (0.0, 0.1):
        model = network()
        list(Training(model, [turn(model)], feed(), Plan(30, 100, l1=l1), lambda _: {}))
        sizes.append(sum(p.abs().sum().item() for p in model.parameters() if p.ndim > 1))
    assert sizes[1] < sizes[0]
    model = network()
    before = torch.cat([p.detach().flatten() for p in model.parameters()])
    list(Training(model, [turn(model, optimizer=torch.optim.SGD)], feed(), Plan(1, 9, clip_norm=1e-3), lambda _: {}))
    after = torch.cat([p.detach().flatten() for p in model.parameters()])
    assert (after - before).norm() <= 0.01 * 1e-3 * 1.001


@pytest.mark.parametrize("most", [0.3, 1e6])
def test_clipping_is_torchs_own_also_where_nothing_is_to_be_clipped(most: float) -> None:
    model, own = network(), network()
    (event, *_) = Training(
        model, [turn(model, optimizer=torch.optim.SGD)], feed(), Plan(1, 9, clip_norm=most), accuracy
    )
    optimizer = torch.optim.SGD(own.parameters(), lr=0.01)
    batch = next(feed().batches(0))
    torch.manual_seed(1)
    network()  # the generator goes on from where it stood before the first forward pass
    F.cross_entropy(own(batch.fields["x"]), batch.fields["y"]).backward()
    norm = nn.utils.clip_grad_norm_(own.parameters(), most)
    optimizer.step()
    assert isinstance(event, Step)
    assert event.gradient_norms["model"].item() == pytest.approx(norm.item(), rel=1e-5)
    for mine, other in zip(model.parameters(), own.parameters(), strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-5, atol=1e-7)


def test_a_further_phase_has_a_schedule_and_a_patience_of_its_own() -> None:
    calls: list[tuple[int, int]] = []

    def factor(cycle: int, total: int, evaluations: Sequence[float]) -> float:
        calls.append((cycle, total))
        return 1.0

    model = network()
    first = Training(
        model, [turn(model, factor=factor)], feed(), Plan(10, 5, select=Select("accuracy", "max")), accuracy
    )
    list(first)
    longer = Plan(16, 5, select=Select("accuracy", "max"), phase_start=10)
    calls.clear()
    again = network()
    list(Training(again, [turn(again, factor=factor)], feed(), longer, accuracy, state=first.state()))
    assert calls == [(n, 6) for n in range(6)]


def test_a_state_of_another_model_is_refused() -> None:
    state = training().state()
    other = nn.Linear(4, 2)
    with pytest.raises(RunError, match="does not fit"):
        Training(other, [turn(other)], feed(), PLAN, accuracy, state=state)
