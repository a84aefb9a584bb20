"""Watching any PyTorch training: `with stepwell.watch(model, optimizer) as doctor:` around a loop that stays as it is.

What is read: the batch and the answer where the model is called, the loss where `backward` is called, norms where the
optimizer steps, and now and then a probe of its own. A run watched is bit for bit the run not watched: generators,
modes, buffers and gradients are put back, and nothing is hooked inside the model.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from stepwell import discovery, files
from stepwell.device import out_of_memory
from stepwell.doctor import breaking, diagnosing, held_out, norms, page, probe, within
from stepwell.doctor.by_hand import Unseen
from stepwell.doctor.first import Example, First, copied
from stepwell.doctor.guard import LOOKING, Guard, Kept
from stepwell.doctor.layers import Reader
from stepwell.doctor.listening import Given, listening
from stepwell.doctor.pace import CALLS_UNTIL, Pace
from stepwell.doctor.record import UNKNOWN, Record
from stepwell.doctor.seen import Seen
from stepwell.doctor.shown import Shown
from stepwell.doctor.standing import Standing
from stepwell.doctor.tape import Replay, floating, mapped
from stepwell.doctor.undisturbed import bare, undisturbed
from stepwell.schema import Finding

if TYPE_CHECKING:
    from stepwell.doctor.healing import Healed

ROOM = "doctor.preflight"
PROBE_ROWS, PROBE_BATCHES = 256, 16  # in the probe batch at most
EARLY_PART = 20  # of the updates planned, one part at most is gone when the first probe is made
SLOW_BATCHES, SLOW = 4, 1.0  # so many are enough where to train on them takes longer than this, in seconds
LOOK_SHARE, LEAST_LOOK = 0.03, 1.0  # of the time of training, and seconds in any case, for looking before it
PASSES, LEAST_ROWS = 20, 16  # through the network that looking at the beginning takes; rows, in any case
UNCOUNTED = 0.5  # seconds that these passes may take, whatever share of the training that is
ASKED = (0.5, 0.75)  # of the horizon, after which it is asked what is found though no look is due
HeldOut = Callable[[nn.Module, int], dict[str, Any]]
READ_EVERY = 64  # losses are read together, so that an accelerator does not wait


def probe_batches(rows: int, updates: int, each: float) -> int:
    """How many batches of `rows` a probe holds at most, in a training of `updates` that take `each` seconds."""
    few = SLOW_BATCHES if SLOW_BATCHES * each > SLOW else PROBE_BATCHES
    return min(few, math.ceil(PROBE_ROWS / max(rows, 1)), max(1, updates // EARLY_PART))


@contextlib.contextmanager
def watch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer | None,
    loss_fn: Callable[..., Tensor] | None = None,
    validation: tuple[Any, Any] | None = None,
    steps: int | None = None,
    *,
    told: Callable[[Finding], None] | None = None,
) -> Iterator[Doctor]:
    """Watch what trains `model` inside the block; gives a `Doctor`.

    `optimizer` is None where weights are updated by hand, or by what is no optimizer of torch. `loss_fn(outputs,
    targets)` and `validation=(inputs, targets)` let it follow the loss on data that is not learnt from; `steps` is the
    number of optimizer updates planned, from which it knows how early it is. `told`, as `print`, hears of harm once it
    has lasted for an eighth of the way. Nothing that the doctor does wrong reaches the block; what it could not read is
    in `doctor.record.unread`.
    """
    doctor = Doctor(model, optimizer, loss_fn, validation, steps, told=told)
    try:
        with listening(model, doctor.optimizer, doctor):
            yield doctor
    finally:
        doctor.end()


@dataclass(slots=True)
class _Update:
    """What is known of the update to come; a new one begins where the optimizer has stepped.

    `row` is what the record will hold of it, `loss` the newest of its losses, `example` the batch of that one, `own`
    its loss as it was just before the step. `before` are copies of the weights. `closure` says that the optimizer
    calls back for its loss, so that gradients are there afterwards. `fed` is a loss of what another network made for
    the model: its maker may step next, not this model's optimizer.
    """

    row: dict[str, Any] = field(default_factory=dict)
    loss: Tensor | None = None
    example: Example | None = None
    own: float | None = None
    before: dict[str, Tensor] = field(default_factory=dict)
    closure: bool = False
    fed: tuple[Tensor, Given, Replay | None] | None = None


class Doctor:
    """The findings so far, what looking cost, and the numbers read."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None,
        loss_fn: Callable[..., Tensor] | None,
        validation: tuple[Any, Any] | None,
        steps: int | None,
        *,
        told: Callable[[Finding], None] | None = None,
        judge: HeldOut | None = None,
        earlier: Record | None = None,
        least_look: float | None = None,
    ) -> None:
        """Beside what `watch` takes: who hears of harm as it is found; `judge(model, most)` in place of loss and
        data, giving of `most` batches `valid_loss` and what else is known; the record of the same training up to where
        it goes on, whose beginning is known; seconds that the look before training may take in any case.
        """
        self._told, self._named, self._doubted = told, set[str](), set[str]()
        self.record = Record(horizon=steps) if earlier is None else replace(earlier, horizon=steps)
        self._judge, self._goes_on = judge, earlier is not None
        self._least_look = LEAST_LOOK if least_look is None else least_look
        self.model = bare(model)
        self.optimizer = Unseen(self.model) if optimizer is None else optimizer
        self._loss_fn, self._validation = loss_fn, validation
        self._guard = Guard()
        self._seen, self._shown = Seen(), Shown(self.model)
        self._step = self._from = self.record.length
        self._now = time.perf_counter  # the processor's own clock costs a call of the system, several in each update
        self._work = time.perf_counter if _accelerated(self.model) else time.process_time
        self._worked, self._probed = self._work(), self._step  # when the last look was over, and after which update
        self._left, self._trained, self._spent, self._looked = self._now(), 0.0, 0.0, 0.0
        self._pace = Pace(steps)
        self._asked = {math.ceil(share * (steps or UNKNOWN)) for share in ASKED}
        self._rank = 0
        self._pending: list[tuple[dict[str, Any], Tensor]] = []
        self._examples: list[Example] = []
        self._start: First | None = None
        self._standing: Standing | None = None
        self._ready = self._slow = self.quiet = False
        self._broken = False  # whether a loss was seen to be no finite number as it was differentiated
        self._evaluated = True  # whether the calls to the loss take what the model answers in evaluation mode
        self._rows: int | None = None  # of a batch, that are looked at; None: all
        self._given: Given | None = None  # what the newest loss is of
        self._update = _Update()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All findings so far, causes before consequences; of several processes, in the first alone."""
        with self.guarded("losses"):
            self._read_losses()
        if self.copy_of_another:
            return ()
        return diagnosing.findings(self.record, self._guard)

    @property
    def updates(self) -> int:
        """How often the optimizer has stepped."""
        return self._step

    @property
    def copy_of_another(self) -> bool:
        """Whether this is a process of several that train the same network, and not the first of them."""
        self._rank = max(self._rank, _rank())
        return self._rank > 0

    def read(self) -> Record:
        """What was read up to now."""
        with self.guarded("losses"):
            self._read_losses()
        self.record.cost = self.cost
        return self.record

    def heal(
        self,
        build: Callable[[], tuple[nn.Module, torch.optim.Optimizer]],
        train: Callable[[nn.Module, torch.optim.Optimizer], Any],
        evaluate: Callable[[nn.Module], float],
        *,
        direction: Literal["max", "min"] = "max",
        seconds: float | None = None,
        say: Callable[[str], None] = print,
    ) -> Healed:
        """Answer what was found by changes to model and optimizer, each proven on the caller's own trainings.

        `build()` gives a new model and its optimizer, `train(model, optimizer)` trains them once, `evaluate(model)`
        answers a number on data that was not learnt from: from 0 to 1, or, with `direction` "min", an error. Each
        change is trained beside the unchanged program and a placebo, on three seeds or more; `seconds` bounds it.
        Call it after the block. See `stepwell.doctor.healing`.
        """
        from stepwell.doctor import healing

        def again(model: nn.Module, optimizer: torch.optim.Optimizer) -> contextlib.AbstractContextManager[Doctor]:
            return watch(model, optimizer, self._loss_fn, self._validation, self.record.length or None)

        program = (build, train, evaluate)
        return healing.heal(self.read(), self.findings, again, program, direction=direction, seconds=seconds, say=say)

    def report(self, path: str | Path) -> None:
        """Write what was found as one page of HTML, with what was read drawn beside it."""
        files.write_whole(Path(path), page.build(self.record, self.findings, self.cost))

    @property
    def cost(self) -> float:
        """The share of the time since the beginning that looking took, but for the look before training."""
        looked = self._spent - self._looked
        return looked / (self._trained + looked) if self._trained > 0 else 0.0

    # What the listener calls, in the order of a training.

    def wants_calls(self) -> bool:
        """Whether the way from this answer to its loss is to be recorded."""
        return self._step < CALLS_UNTIL or self._gathers() or self._pace.looks(self._step + 1)

    def answered(self, asleep: Sequence[str]) -> None:
        """The model answered, to be learnt from; `asleep` names its norms and dropouts in evaluation mode."""
        if asleep and self._step < CALLS_UNTIL:
            counts = self.record.facts.setdefault("evaluation_mode_in_training", {})
            for name in asleep[:10]:
                counts[name] = counts.get(name, 0) + 1

    def fed(self, inputs: Sequence[Tensor]) -> None:
        """The model is given this, to be learnt from."""
        with self.guarded("what another network makes"):
            self._shown.given(inputs, keeps=self._pace.looks_soon(self._step + 1))

    def asked(self, inputs: Sequence[Tensor], awake: Sequence[str]) -> None:
        """The model answered without gradients; `awake` names its norms and dropouts in training mode."""
        with self.guarded("validation mode"):
            if not awake or not inputs or self.record.facts.get("training_mode_in_evaluation"):
                return
            if self._step and not self._seen.holds(inputs[0]):
                self.record.facts["training_mode_in_evaluation"] = list(awake)[:10]

    def lost(self, loss: Tensor, given: Given | None, replay: Replay | None) -> None:
        """`backward` was called: the loss as the user computes it, what the model was given, and the calls between."""
        with self.guarded("loss"):
            if given is not None and _made_by_another(given):
                self._update.fed = loss.detach(), _copied(given), replay
                return
            if not self._broken and breaking.broken(loss):
                self._broken = True
                self.record.facts["last_inputs_finite"] = breaking.inputs_finite(given)
                with self._guard("what broke the loss"):
                    self.record.facts["last_answers_finite"] = given is not None and breaking.answers_finite(
                        self.model, given
                    )
            row = self._update.row
            if not self.quiet and "backwards" not in row and self._pace.reads_norms(self._step + 1):
                row["left_over"] = norms.left_over(self.optimizer)
            self._take(loss, given, replay)

    def _take(self, loss: Tensor, given: Given | None, replay: Replay | None) -> None:
        """Note a loss of the update to come, and its batch."""
        update = self._update
        row = update.row
        accumulated = row.get("backwards", 0) + 1
        left = {"left_over": row["left_over"]} if accumulated == 1 and "left_over" in row else {}
        rate = float(self.optimizer.param_groups[0]["lr"])
        update.row = {"step": self._step, "rate": rate, "backwards": accumulated, **left}
        update.loss = loss.detach()
        self._given = given
        if replay is None or given is None:
            return
        example = self._example(given, replay)
        self._seen.add(example)
        if not self._ready and len(self._examples) < PROBE_BATCHES:
            self._examples.append(example)
        update.example = example
        if self._start is None and not self._ready and not self._goes_on:
            self._start = self._remember()

    def _take_what_was_fed(self) -> None:
        """Where no loss was its own as the optimizer steps, that of what another network made for the model is.

        Where one was, the other network learns from this one's answers, by a step of its own: it is a game.
        """
        fed, self._update.fed = self._update.fed, None
        if fed is not None and self._update.loss is None:
            self.record.facts["inputs_made"] = True  # what is learnt from is no data
            self._take(*fed)
        elif fed is not None:
            self.record.facts["game"] = True

    def _example(self, given: Given, replay: Replay) -> Example:
        """One batch; where the model computes its loss itself, with the way there inside it if that can be had."""
        example = Example(*_copied(given), replay, self._evaluated)
        if not replay.within or not self._guard.allows("loss inside the model"):
            return example
        with self._guard("loss inside the model"), undisturbed(self.model):
            example.calm(self.model)
            inner = within.traced(self.model, example.args, example.kwargs, replay)
            if inner is not None:
                return replace(example, replay=inner, within=True)
        return example

    def steps(self) -> None:
        """The optimizer is about to step."""
        with self.guarded("norms"):
            self._take_what_was_fed()
            update = self._update
            update.closure = update.loss is None
            if self._pace.reads_norms(self._step + 1):
                if not update.closure:
                    update.row.update(norms.read(self.model))
                update.before = norms.copies(self.model)
            if self._pace.looks(self._step + 1) and update.example is not None:
                if self._rows is not None:
                    update.example = update.example.shrunk(self._rows)
                update.own = self._loss_of(update.example)

    def stepped(self) -> None:
        """The optimizer has stepped."""
        with self.guarded("updates"):
            self._take_what_was_fed()  # where it was quiet, nothing was told before the step
            update = self._update
            if update.before:
                if update.closure:
                    update.row.update(norms.read(self.model))
                update.row["updates"] = norms.moved(self.model, update.before)
            if update.own is not None and update.example is not None:
                update.row["own"] = [update.own, self._loss_of(update.example)]
            if update.loss is not None:
                self._pending.append((update.row, update.loss))
        self._update = _Update()
        self._step += 1
        if not self.quiet:
            with self.guarded("beginning"):
                if not self._ready and (self._start is not None or self._goes_on) and self._enough():
                    self._begin()
            with self.guarded("probe"):
                if self._pace.looks(self._step):
                    if self._ready and self._guard.allows("probe"):
                        self._probe(self.model, self._step)
                    else:
                        self._pace.passed(self._step)
        with self.guarded("losses"):
            if len(self._pending) >= READ_EVERY:
                self._read_losses()
            if self._step in self._asked and self._tell():
                self._pace.look_again(self._step)
        self.quiet = self._step >= CALLS_UNTIL and not self._gathers() and self._pace.rests(self._step + 1)

    def end(self) -> None:
        """The block is left: read what is left to read."""
        self._shown.over()
        with self.guarded("end"):
            if not self._ready and self._start is not None:
                self._begin()
            update, self._update = self._update, _Update()
            if update.loss is not None:  # the update was not made, as where the loop stops at such a loss
                self._pending.append((update.row, update.loss))
            self._read_losses()
            if self._ready and (not self.record.probes or self.record.probes[-1]["step"] != self._step):
                self._probe(self.model, self._step)
            if not self._broken and self.record.steps and not math.isfinite(self.record.steps[-1]["loss"]):
                self.record.facts["last_inputs_finite"] = breaking.inputs_finite(self._given)
            if not self._goes_on:
                self.record.facts.update(self._seen.facts(self._validation))
            self.record.ended = True
            self._tell()
        facts, unread = self.record.facts, self.record.unread
        unread += [f"{name} could not be read: {why}" for name, why in self._guard.failed.items()]
        if self._step and not self._ready:
            unread.append(f"{self._way_unseen()}: only what needs none is judged")
        elif facts.get("game"):
            unread.append("another network learns from this one's answers: the losses of such a game are not judged")
        elif facts.get("constant") is None and self._step:
            unread.append(
                "the loss of the best constant answer is not known, so that slow learning is not judged: it is "
                "computed inside the model, by a second network, of several outputs, or so that it cannot be followed"
            )

    def _way_unseen(self) -> str:
        if self._given is None and not isinstance(self.optimizer, Unseen):
            return "the model was never called itself, as model(inputs), nor was a way from its answer to a loss seen"
        return "no way from the model's answer to a loss was seen"

    # Reading.

    def guarded(self, name: str) -> contextlib.AbstractContextManager[None]:
        """Keep in what a piece of the doctor raises, hear nothing meanwhile, and count its time as the doctor's."""
        kept = self._guard(name)
        return kept if LOOKING.get() else _Counted(self, kept)

    def began(self) -> None:
        """A piece of the doctor begins, which no other surrounds."""
        now = self._now()
        self._trained += now - self._left
        self._left = now

    def ended(self) -> None:
        """It is over."""
        now = self._now()
        self._spent += now - self._left
        self._left = now

    def _remember(self) -> First:
        """The model and its optimizer as they are before the first update, copied together."""
        with undisturbed(self.model):  # Keras draws seeds for what it copies
            model, optimizer = copied(self.model, self.optimizer)
        with undisturbed(model):
            self._evaluated = self._examples[0].tried(model).evaluated
        self._examples = [replace(one, evaluated=self._evaluated) for one in self._examples]
        if self._update.example is not None:
            self._update.example = replace(self._update.example, evaluated=self._evaluated)
        return First(model, optimizer, self._examples, (), 0.0)

    def _loss_of(self, example: Example) -> float:
        """The loss of a batch as the weights are now."""
        with undisturbed(self.model), torch.no_grad():
            example.calm(self.model)
            return float(example.loss(self.model))

    def _gathers(self) -> bool:
        """Whether samples for the probe are still to come; where no way to a loss was seen so long, none will."""
        since = self._step - self._from
        return not self._ready and (self._start is not None or since < CALLS_UNTIL)

    def _enough(self) -> bool:
        rows = sum(one.rows for one in self._examples)
        late = self.record.horizon is not None and self._step >= max(1, self.record.horizon // EARLY_PART)
        slow = len(self._examples) >= SLOW_BATCHES and SLOW_BATCHES * self._each() > SLOW
        return rows >= PROBE_ROWS or len(self._examples) >= PROBE_BATCHES or late or slow

    def _begin(self) -> None:
        """Look at the beginning, on the copy that was made of it, now that there are samples enough."""
        self._ready, self._slow = True, SLOW_BATCHES * self._each() > SLOW
        if self._goes_on:
            return
        began, worked = self._now(), self._work() - self._worked
        start, self._start = self._start, None
        assert start is not None
        each = self._each()
        allowed = max(self._least_look, LOOK_SHARE * each * (self.record.horizon or 0))
        with undisturbed(start.model):
            start.example.calm(start.model)
            reader = Reader(start.model, positions=0)
            with torch.no_grad(), reader:
                pass_began = self._work()
                outputs = start.example.outputs(start.model)
                one_pass = self._work() - pass_began
                makers = tuple(map(reader.maker, outputs))
        self._afford(one_pass, max(UNCOUNTED, LOOK_SHARE * each * (self.record.horizon or UNKNOWN)))
        if isinstance(self.optimizer, Unseen):  # whose rate was not known when it was copied
            start.optimizer.param_groups[0]["lr"] = self.optimizer.param_groups[0]["lr"]
        first = replace(start, examples=tuple(self._examples), makers=makers, budget=allowed)
        for name in discovery.names(ROOM):
            with self._guard(f"preflight {name}"), undisturbed(first.model):
                first.example.calm(first.model)
                self.record.facts.update(discovery.load(ROOM, name).look(first))
        self._standing = Standing(first.model, self.record.facts.get("not_in_optimizer", ()))
        self._probe(first.model, 0)
        self._worked -= worked  # the updates before this look are among those until the next
        if self._step > 1:
            self._probe(self.model, self._step)
        self._looked += self._now() - began

    def _afford(self, one_pass: float, allowed: float) -> None:
        """Look at fewer rows where passes are so long that those of the beginning take more than so many seconds."""
        part = allowed / max(PASSES * one_pass, 1e-9)
        if part < 1:
            self._rows = max(LEAST_ROWS, int(part * self._examples[0].rows))
            self._examples = [one.shrunk(self._rows) for one in self._examples]

    def _probe(self, model: nn.Module, step: int) -> None:
        began = self._work()
        with undisturbed(model):
            row = {"step": step, **self._look(model)}
            row.update(self._validate(model))
        if generated := self._shown.compared():
            row["generated"] = generated
        with self._guard("weights that stand"):
            if self._standing is not None and step:
                self.record.facts["moved_by_another"] = self._standing.moved(model)
        self.record.probes.append(row)
        again = self._tell()
        over = self._work()
        if step > self._probed:
            self._pace.looked(step, over - began, (began - self._worked) / (step - self._probed), self.cost)
        if again:
            self._pace.look_again(step)
        self._worked, self._probed = over, step

    def _look(self, model: nn.Module) -> dict[str, Any]:
        """What a probe reads; where memory does not hold it, of half the samples from now on."""
        while True:
            try:
                return probe.look(model, self._examples, self._guard)
            except (MemoryError, RuntimeError) as error:
                several, before = len(self._examples) // 2, sum(one.rows for one in self._examples)
                half = self._examples[:several] or [self._examples[0].shrunk(before // 2)]
                left = sum(one.rows for one in half)
                if not out_of_memory(error) or not 0 < left < before:
                    raise
                self._examples = half
                self.record.unread.append(
                    f"{before - left} of {before} samples of the probe: memory does not hold them"
                )

    def _tell(self) -> bool:
        """Say what is new and harmful, once; gives whether there is something new that must last first."""
        if self._told is None or self.copy_of_another:
            return False
        self._read_losses()
        found, doubtful = diagnosing.judged(self.record, self._guard)
        for one in found:
            if one.severity > 1 and one.name not in self._named:
                self._named.add(one.name)
                with self.guarded("told"):
                    self._told(one)
        new = doubtful - self._doubted
        self._doubted |= new
        return bool(new)

    def _validate(self, model: nn.Module) -> dict[str, Any]:
        """What is known of the model on held-out data, in batches of the size that it trains with, so that they fit."""
        read: dict[str, Any] = {}
        if not self._guard.allows("validation"):
            return read
        most = SLOW_BATCHES if self._slow else held_out.ROWS
        if self._judge is not None:
            with self._guard("validation"), torch.no_grad():
                model.eval()
                read.update(self._judge(model, most))
            return read
        if self._validation is None or self._loss_fn is None:
            return read
        size = max(1, self._examples[0].rows) if self._examples else held_out.ROWS
        with self._guard("validation"), torch.no_grad():
            model.eval()
            read.update(held_out.judged(model, self._loss_fn, self._validation, size, most))
            read["valid_loss"] /= self._divided()
        return read

    def _divided(self) -> int:
        """What the loss is divided by before `backward`; 1 where that is not seen."""
        if self._loss_fn is not None and self._examples and self._examples[0].replay.targets is not None:
            with self._guard("what the loss is divided by"):  # where targets are converted on their way, it is not told
                return held_out.divided_by(self._loss_fn, self._examples[0].replay)
        return 1

    def _each(self) -> float:
        """Seconds of one update, without the doctor's own."""
        return self._trained / max(self._step - self._from, 1)

    def _read_losses(self) -> None:
        pending, self._pending = self._pending, []
        if pending:
            values = torch.stack([one.float().reshape(()) for _, one in pending]).tolist()
            self.record.steps += [{**row, "loss": value} for (row, _), value in zip(pending, values, strict=True)]
            self.record.thin()


class _Counted:
    """A piece of the doctor that no other surrounds: kept in, unheard, and its time counted."""

    __slots__ = ("_doctor", "_kept", "_outside")

    def __init__(self, doctor: Doctor, kept: Kept) -> None:
        self._doctor, self._kept = doctor, kept

    def __enter__(self) -> None:
        self._doctor.began()
        self._outside = LOOKING.set(True)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> bool:
        LOOKING.reset(self._outside)
        self._doctor.ended()
        return self._kept.__exit__(kind, error, trace)


def _made_by_another(given: Given) -> bool:
    """Whether what the model was given has gradients of its own to pass on, as what another network made has."""
    args, kwargs = given
    plain = not kwargs and all(isinstance(one, Tensor) for one in args)  # looking further costs, in every update
    return any(one.requires_grad and not one.is_leaf for one in (args if plain else floating(given)))


def _accelerated(model: nn.Module) -> bool:
    """Whether the model is on a device whose work the time of this process says nothing of."""
    return any(one.device.type != "cpu" for one in model.parameters())


def _rank() -> int:
    """Which of several processes this is; 0 where there is but one, or they are not joined."""
    joined = torch.distributed.is_available() and torch.distributed.is_initialized()
    return torch.distributed.get_rank() if joined else 0


def _copied(given: Given) -> Given:
    """A copy of what the model was given; where that says that it trains (as Keras does), it says that it does not."""
    args, kwargs = mapped(given, lambda one: one.detach().clone())
    return args, {**kwargs, "training": False} if kwargs.get("training") is True else kwargs
