"""Watching changes nothing, survives everything, and reads what it says it reads."""

from __future__ import annotations

import copy
import math
import random
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from programs import CLASSES, Program, names, network
from torch import Tensor, nn

import stepwell
from stepwell.doctor import diagnosing, probe, watch
from stepwell.doctor import record as records
from stepwell.doctor.first import First
from stepwell.doctor.guard import Guard
from stepwell.doctor.layers import Reader
from stepwell.doctor.listening import listening
from stepwell.doctor.record import Record
from stepwell.doctor.watch import Doctor
from stepwell.schema import Finding


class Odd(nn.Module):
    """Norms, dropout, draws of Python and NumPy, and a result kept as an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm, self.drop, self.two = (
            nn.Linear(8, 16),
            nn.BatchNorm1d(16),
            nn.Dropout(0.3),
            nn.Linear(16, 3),
        )

    def forward(self, x: Tensor) -> Tensor:
        self.kept = F.relu(self.norm(self.one(x)), inplace=True)
        noise = random.random() * 0.01 + np.random.rand() * 0.01  # noqa: NPY002 - as networks of others do
        return self.two(self.drop(self.kept)) + noise


def trained(program: Program, *, watching: bool) -> list[Tensor]:
    torch.manual_seed(3)
    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    x, y, v, w = program.data()
    optimizer = program.optimizer(program.model.parameters(), lr=program.rate)
    if watching:
        with stepwell.watch(program.model, optimizer, program.loss, (v, w), program.updates) as doctor:
            program.train_with(optimizer, x, y, v)
        assert not doctor.record.unread and len(doctor.record.probes) > 3
    else:
        program.train_with(optimizer, x, y, v)
    last = [torch.get_rng_state(), torch.tensor(random.random()), torch.tensor(np.random.rand())]  # noqa: NPY002
    return [*(one.detach().clone() for one in program.model.state_dict().values()), *last]


@pytest.mark.parametrize("optimizer", [torch.optim.Adam, torch.optim.SGD])
def test_watched_it_is_bit_for_bit_the_same(optimizer: type[torch.optim.Optimizer]) -> None:
    model = Odd()
    alone = trained(Program(copy.deepcopy(model), optimizer=optimizer, validating=True), watching=False)
    seen = trained(Program(copy.deepcopy(model), optimizer=optimizer, validating=True), watching=True)
    assert all(torch.equal(a, b) for a, b in zip(alone, seen, strict=True))


def test_afterwards_torch_and_the_model_are_as_before() -> None:
    program = Program()
    before = (Tensor.backward, torch.autograd.backward, torch.amp.GradScaler.scale)
    program.watched()
    assert (Tensor.backward, torch.autograd.backward, torch.amp.GradScaler.scale) == before
    x, y, _, _ = program.data()
    loss = F.cross_entropy(program.model(x), y)
    loss.backward()


def test_an_error_in_the_loop_passes_and_what_was_read_stays() -> None:
    program = Program()
    x, y, v, _ = program.data()
    optimizer = torch.optim.Adam(program.model.parameters())

    def stop(update: int) -> None:
        if update == 50:
            raise ZeroDivisionError("of the user")

    with pytest.raises(ZeroDivisionError), stepwell.watch(program.model, optimizer) as doctor:
        program.train_with(optimizer, x, y, v, stop)
    assert doctor.record.length == 51 and doctor.record.ended


def test_the_best_constant_is_the_entropy_of_the_labels() -> None:
    doctor = Program().watched()
    counts = torch.tensor(doctor.record.facts["class_counts"]).float()
    share = counts / counts.sum()
    assert doctor.record.facts["constant"] == pytest.approx(float(-(share * share.log()).sum()), rel=0.01)
    assert doctor.record.facts["zero_loss"] == pytest.approx(np.log(CLASSES), rel=1e-4)


def test_the_best_constant_of_numbers_is_their_variance() -> None:
    numbers = Program(
        network(out=1), loss=F.mse_loss, targets=lambda y: (100.0 + 30.0 * y.float())[:, None], updates=40
    )
    facts = numbers.watched().record.facts
    assert facts["targets"] == "numbers"
    assert facts["constant"] == pytest.approx(facts["target_deviation"] ** 2, rel=0.05)


def test_losses_are_those_of_the_loop() -> None:
    program, losses = Program(), []

    def noted(outputs: Tensor, targets: Tensor) -> Tensor:
        loss = F.cross_entropy(outputs, targets)
        if outputs.requires_grad and len(outputs) == 32:
            losses.append(loss.item())
        return loss

    program.loss = noted
    doctor = program.watched()
    assert [row["loss"] for row in doctor.record.steps][:5] == pytest.approx(losses[:5])
    assert len(doctor.record.steps) == program.updates


def test_accumulation_is_counted_and_is_no_fault() -> None:
    doctor = Program(accumulate=4).watched()
    assert {row["backwards"] for row in doctor.record.steps} == {4}
    first = doctor.record.probes[0]
    assert first["valid_loss"] == pytest.approx(first["loss"], rel=0.1)  # held out, divided by four as well
    assert names(doctor) == []


def test_a_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    doctor = Program(rate=1e6, updates=40).watched()
    path = tmp_path / "signals.jsonl"
    path.write_text("\n".join(doctor.record.rows()))
    back = records.read(path)
    assert back.steps == doctor.record.steps or any(row["loss"] != row["loss"] for row in back.steps)
    assert back.horizon == 40 and back.ended and back.facts.keys() == doctor.record.facts.keys()


@pytest.mark.parametrize("content", ["", "{", '{"record": {"format": 99}}', '{"step": 1}', "[]"])
def test_what_is_no_record_is_refused_or_empty(content: str, tmp_path: Path) -> None:
    path = tmp_path / "signals.jsonl"
    path.write_text(content)
    if not content:
        assert records.read(path).length == 0
        return
    with pytest.raises(stepwell.errors.RunError):
        records.read(path)


def test_what_fails_in_the_doctor_is_noted_once_and_never_reaches_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    from stepwell.doctor.signals import dead_units

    def broken(_: object) -> dict[str, float]:
        raise RuntimeError("of the doctor")

    monkeypatch.setattr(dead_units, "of_layer", broken)
    doctor = Program(updates=30).watched()
    assert [one for one in doctor.record.unread if "dead_units" in one] == [
        "dead_units could not be read: RuntimeError: of the doctor"
    ]


def test_a_guard_lets_the_keyboard_through() -> None:
    guard = Guard()
    with pytest.raises(KeyboardInterrupt), guard("x"):
        raise KeyboardInterrupt
    assert guard.allows("x")


class Pair(nn.Module):
    """Two inputs, and a dictionary of answers."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Linear(8, 3)

    def forward(self, x: Tensor, *, scale: Tensor) -> dict[str, Tensor]:
        return {"logits": self.one(x) * scale, "extra": x.sum(-1)}


def test_several_inputs_and_a_dictionary_of_answers() -> None:
    model, program = Pair(), Program(updates=30)
    x, y, _, _ = program.data()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with stepwell.watch(model, optimizer) as doctor:
        for start in range(0, 600, 20):
            optimizer.zero_grad()
            rows = slice(start, start + 20)
            F.cross_entropy(model(x[rows], scale=torch.ones(20, 1))["logits"], y[rows]).backward()
            optimizer.step()
    assert doctor.record.length == 30
    assert not doctor.record.unread and doctor.record.probes


def test_without_calls_nothing_is_said_but_how_much_was_read() -> None:
    model = nn.Linear(2, 2)
    with stepwell.watch(model, torch.optim.SGD(model.parameters(), lr=0.1)) as doctor:
        pass
    assert doctor.findings == () and doctor.record.length == 0


def test_many_backward_calls_in_one_step_of_lbfgs() -> None:
    model, program = network(), Program()
    x, y, _, _ = program.data()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x[:100]), y[:100])
        loss.backward()
        return loss

    with stepwell.watch(model, optimizer) as doctor:
        for _ in range(10):
            optimizer.step(closure)
    assert doctor.record.length == 10
    assert [one.name for one in doctor.findings if one.severity >= 2] == []


def test_the_page_of_an_ill_and_of_a_well_program(tmp_path: Path) -> None:
    ill, well = Program(network(last=nn.Softmax(-1))).watched(), Program().watched()
    ill.report(tmp_path / "ill.html")
    well.report(tmp_path / "well.html")
    page = (tmp_path / "ill.html").read_text()
    assert "Softmax before ce" in page and "What to change" in page and "<svg" in page
    assert "Nothing was found that harms" in (tmp_path / "well.html").read_text()


def test_a_batch_is_learnt_by_heart_on_copies(fits: None) -> None:
    facts = Program().watched().record.facts
    assert facts["own_fit"] < 0.1 and facts["adam_fit"] < 0.1
    slow = Program(rate=1e-7, optimizer=torch.optim.SGD).watched().record.facts
    assert slow["own_fit"] > 0.9 and slow["adam_fit"] < 0.1
    assert "left out" not in facts["one_batch"]


def test_fits_that_cost_too_much_are_left_out_and_that_is_said() -> None:
    assert "left out" in Program(updates=40).watched().record.facts["one_batch"]


def test_held_out_data_is_judged_in_batches_of_the_size_that_is_trained_with() -> None:
    program, rows = Program(), list[int]()
    program.model.register_forward_pre_hook(lambda module, given: rows.append(len(given[0])))
    doctor = program.watched()
    assert max(rows) == program.batch
    *_, held, classes = program.data()
    with torch.no_grad():
        whole = float(program.loss(program.model.eval()(held), classes))
    assert doctor.record.probes[-1]["valid_loss"] == pytest.approx(whole, rel=1e-5)


def test_held_out_data_is_judged_where_the_loop_converts_its_targets() -> None:
    program = Program()
    x, y, held, classes = program.data()
    optimizer = torch.optim.Adam(program.model.parameters())
    with stepwell.watch(program.model, optimizer, F.cross_entropy, (held, (classes > 0).long())) as doctor:
        for start in range(0, 600, 30):
            optimizer.zero_grad()
            F.cross_entropy(program.model(x[start : start + 30]), (y[start : start + 30] > 0).long()).backward()
            optimizer.step()
    assert math.isfinite(doctor.record.probes[-1]["valid_loss"])


def test_held_out_sequences_whose_rows_come_second_are_judged_at_once() -> None:
    given: list[torch.Size] = []

    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.out = nn.GRU(3, 4), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            given.append(x.shape)
            return self.out(self.cell(x)[0][-1])

    model, held = Recurrent(), (torch.randn(7, 40, 3), torch.randint(2, (40,)))
    optimizer = torch.optim.SGD(model.parameters())
    with stepwell.watch(model, optimizer, F.cross_entropy, held) as doctor:
        for _ in range(3):
            F.cross_entropy(model(torch.randn(7, 4, 3)), torch.randint(2, (4,))).backward()
            optimizer.step()
    assert torch.Size([7, 40, 3]) in given and "valid_loss" in doctor.record.probes[-1]


def test_what_is_read_of_a_pass_does_not_keep_what_it_made() -> None:
    """An encoder makes fifty times as much as it answers: all of a look's passes together took gigabytes."""
    model = network()
    with Reader(model) as reader, torch.no_grad():
        answer = model(torch.randn(4, 8))
        made = weakref.ref(answer)
        assert reader.maker(answer) == "linear"
        del answer
        assert made() is None and len(reader.layers) == 2


def test_what_the_doctor_makes_while_it_is_told_of_a_loss_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tape of the training would keep every layer of the doctor's own passes, until `backward` is over."""
    model, made = network(), list[weakref.ref[Tensor]]()
    remember = Doctor._remember

    def remembered(doctor: Doctor) -> First:
        own = model(torch.randn(4, 8))
        made.append(weakref.ref(own))
        del own
        assert made[0]() is None
        return remember(doctor)

    monkeypatch.setattr(Doctor, "_remember", remembered)
    optimizer = torch.optim.Adam(model.parameters())
    with stepwell.watch(model, optimizer) as doctor:
        F.cross_entropy(model(torch.randn(8, 8)), torch.randint(3, (8,))).backward()
        optimizer.step()
    assert len(made) == 1 and not doctor.record.unread


def test_of_many_layers_fewer_positions_are_looked_at_so_that_they_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    blocks = [nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()) for _ in range(12)]
    model = nn.Sequential(*blocks, nn.Flatten(), nn.Linear(4 * 64, 3))
    optimizer = torch.optim.Adam(model.parameters())
    with stepwell.watch(model, optimizer) as doctor:
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(8, 4, 8, 8)), torch.randint(3, (8,))).backward()
            optimizer.step()
    examples = doctor._examples
    with torch.no_grad():
        whole, answers = probe._read(model, examples)
        monkeypatch.setattr(probe, "MOST_HELD", whole.held() // 3)
        thinned, same = probe._read(model, examples)
    assert thinned.held() < whole.held() / 2 and len(thinned.layers) == len(whole.layers) == 12 * len(examples)
    assert all(torch.equal(one[0], other[0]) for one, other in zip(answers, same, strict=True))
    before, after = (probe._layers(one, len(examples), Guard()) for one in (whole, thinned))
    for name, row in before.items():
        assert after[name]["between"] == pytest.approx(row["between"], rel=0.3) and after[name]["dead"] == row["dead"]


def test_of_a_slow_network_in_a_short_training_fewer_rows_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "UNCOUNTED", 1e-5)
    monkeypatch.setattr(watch, "LOOK_SHARE", 1e-6)
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    with stepwell.watch(model, optimizer, steps=40) as doctor:
        for _ in range(40):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(64, 8)), torch.randint(3, (64,))).backward()
            optimizer.step()
    assert {one.rows for one in doctor._examples} == {watch.LEAST_ROWS} and not doctor.record.unread
    assert any("own" in row for row in doctor.record.steps)


def test_where_the_model_is_never_called_itself_that_is_said_and_costs_ever_less() -> None:
    model, updates = network(), 600
    optimizer = torch.optim.Adam(model.parameters())
    recorded = 0
    with stepwell.watch(model, optimizer, steps=updates) as doctor:
        for _ in range(updates):
            optimizer.zero_grad()
            F.cross_entropy(model.forward(torch.randn(16, 8)), torch.randint(3, (16,))).backward()
            optimizer.step()
            recorded += doctor.wants_calls()
    assert any("as model(inputs)" in one for one in doctor.record.unread)
    assert len(doctor.record.steps) == updates and recorded < updates / 6
    read = [row["step"] for row in doctor.record.steps if "updates" in row]
    assert read[:16] == list(range(16)) and 50 < len(read) < updates / 3


def test_a_watch_that_goes_on_late_in_a_training_reads_from_its_first_updates() -> None:
    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    doctor = Doctor(model, optimizer, None, None, 400, earlier=Record(steps=[{"step": 199, "loss": 1.0, "rate": 0.1}]))
    with listening(model, optimizer, doctor):
        for _ in range(20):
            optimizer.zero_grad()
            F.cross_entropy(model(torch.randn(32, 8)), torch.randint(3, (32,))).backward()
            optimizer.step()
    assert doctor.updates == 220 and doctor.record.probes and doctor.record.probes[0]["step"] <= 210


def test_harm_is_told_while_it_trains_once_it_has_lasted() -> None:
    program, told = Program(rate=1e-5, optimizer=torch.optim.SGD), list[tuple[str, int]]()
    x, y, v, w = program.data()
    optimizer = program.optimizer(program.model.parameters(), lr=program.rate)
    with stepwell.watch(
        program.model,
        optimizer,
        program.loss,
        (v, w),
        program.updates,
        told=lambda one: told.append((one.name, doctor.updates)),
    ) as doctor:
        program.train_with(optimizer, x, y, v)
    assert [name for name, _ in told] == ["lr_too_low"] and program.updates / 4 < told[0][1] < program.updates
    harm = doctor.record
    first = next(at for at in range(program.updates) if diagnosing.judged(harm.until(at), Guard())[1])
    said = next(at for at in range(first, program.updates) if diagnosing.findings(harm.until(at), Guard()))
    assert said * (1 - diagnosing.LASTING) >= first > 0


def test_who_is_told_and_fails_does_not_reach_the_training() -> None:
    program = Program(rate=1e-5, optimizer=torch.optim.SGD)
    x, y, v, w = program.data()
    optimizer = program.optimizer(program.model.parameters(), lr=program.rate)

    def fails(_: Finding) -> None:
        raise ValueError("no")

    with stepwell.watch(program.model, optimizer, program.loss, (v, w), program.updates, told=fails) as doctor:
        program.train_with(optimizer, x, y, v)
    assert names(doctor) == ["lr_too_low"] and str(doctor.findings[0]).startswith("lr too low: Steps are too short")
    assert any("told could not be read" in one for one in doctor.record.unread)
