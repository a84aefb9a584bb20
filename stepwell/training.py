"""One training, from a recipe and data to a finished run: the twelve steps of ARCHITECTURE.md, in order.

`intake` reads, checks, splits and prepares; `planning` turns what is automatic into numbers and freezes
the recipe; `fit`, below, trains; `outcome` exports, judges and reports. Each may be repeated after a
kill: what the run folder says is done is taken from there.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import random
import signal
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any, cast

import msgspec
import numpy as np
import torch
from torch import nn

from stepwell import (
    balancing,
    building,
    calibration,
    checkpoint,
    device,
    files,
    intake,
    measuring,
    outcome,
    planning,
    preparation,
    randomness,
)
from stepwell.building import Data
from stepwell.doctor import attending
from stepwell.errors import Interrupted, RunError, StepwellError, TrainingError
from stepwell.history import History
from stepwell.job import Job
from stepwell.loop import Diverged, Evaluation, Plan, Step, Training, Turn, chosen_weights
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Schema
from stepwell.task import Task

HELD_OUT = 512  # validation examples on which the doctor follows the loss
CHECKPOINT_SHARE = 50  # a checkpoint is taken at most as often as keeps it under a fiftieth of the time
PACE_SECONDS, PACES = 1.0, 3  # of cycles that make one pace; paces by whose median the machine's speed is told
CLEARLY_SLOWER, MOST_SLOWER = 1.5, 10.0  # times: what is less is a neighbor's noise; what is more no budget can bear


def train(job: Job) -> None:
    """Do everything that this run still lacks; returns when `run.json` says finished."""
    outcome.finish(*learn(job))


def learn(job: Job) -> tuple[Job, Data, nn.Module]:
    """Do all but export, judge and report: returns the job with its frozen recipe, the data, and the trained model."""
    device.set_threads(job.recipe.options("training").threads)
    _note_machine(job)
    data = intake.look(job) if job.shared.data is None else job.shared.data
    data = balancing.with_made(job.recipe, data)
    job = planning.settle(job, data)
    return job, data, fit(job, data)


def _note_machine(job: Job) -> None:
    """Write down what this run is trained on; one that began on something else may differ in its last bits: say so."""
    now = {**device.describe(), "seed": job.recipe.values["seed"]}
    if not all(job.run.path(name).exists() for name in ("recipe.yaml", "environment.json")):
        job.run.write_json("environment.json", now)  # once more when the recipe is frozen, with its threads
        return
    before, used = job.run.environment(), str(job.recipe.options("training").device)
    then, here = _deciding(before, used), _deciding(now, used)
    other = [f"{name} {then[name]} (now {here[name]})" for name in here if then[name] not in (None, here[name])]
    if other:
        why = f"this run began with {', '.join(other)}: it may differ in the last bits from one that was never stopped"
        job.progress.note(why)
        job.run.write_json("environment.json", {**now, "changed": [*before.get("changed", []), why]})
    if here["threads"] > now["cores"]:
        job.progress.note(
            f"it goes on with its {here['threads']} threads on {now['cores']} cores: slower, but the same numbers"
        )


def _deciding(environment: Mapping[str, Any], used: str) -> dict[str, Any]:
    """What of an environment decides the last bits of a result that was computed on the device `used`."""
    facts = {name: environment.get(name) for name in ("threads", "stepwell", "python", "processor")}
    packages = environment.get("packages", {})
    facts |= {name: packages.get(name) for name in ("torch", "numpy", "pillow")}
    devices = [one["what"] for one in environment.get("devices", ()) if str(one["name"]).startswith(used)]
    return {**facts, "device": devices[0] if devices and used != "cpu" else used}


def fit(job: Job, data: Data) -> nn.Module:
    """Train, or go on from the newest whole checkpoint; returns the model with the weights that selection chose."""
    frozen = job.recipe
    options = frozen.options("training")
    device.set_threads(options.threads)
    place = planning.placement(frozen)
    model = planning.model_of(job, data).to(place.device)
    if place.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    state, notes = checkpoint.load_latest(job.run.path("checkpoints"))
    for note in notes:
        job.progress.note(note)
    _refuse_foreign(state, data, job.run)
    if state is None and job.start is not None:
        job.progress.note(take_weights(model, job.start, data.preparation.schema))
    if state is None and job.start is None and job.model is None:
        for note in building.begin(frozen, job.folder, data, model):
            job.progress.note(note)
    objectives = building.build_objectives(frozen, job.folder, data.preparation.schema)
    card = job.folder.card.facing(data.preparation.schema)
    plan = _plan(frozen, job, card, None if state is None else state["progress"]["cycle"])
    _seed(randomness.number(frozen.values["seed"], "network"))
    called = cast("nn.Module", torch.compile(model)) if options.compile else model
    turns = building.build_turns(frozen, objectives, model)
    with _attended(job, data, called, turns, plan, state) as attended:
        training = Training(
            model,
            attended.turns,
            building.build_feed(frozen, job.folder, data, place, options.batch_size),
            plan,
            building.evaluator(job.folder, data),
            forward=balancing.forward(frozen, data, called),
            state=state,
        )
        offset = 0 if state is None else int(state["history"])
        if state is not None:
            job.progress.note(f"going on from cycle {training.cycle:,} of {plan.cycles:,}")
        with (
            job.clock.stage("training", job.progress),
            History(job.run.path("history.jsonl"), offset) as history,
            measuring.enough_memory(options.batch_size),
        ):
            _train(job, training, history, plan, card.headline, trained_on(data), attended)
    model.load_state_dict(dict(training.best_weights()))
    if training.best is not None and training.best["cycle"] != training.cycle:
        job.progress.note(f"the best weights are those of cycle {training.best['cycle']:,}")
    return model


def _attended(
    job: Job, data: Data, model: nn.Module, turns: Sequence[Turn], plan: Plan, state: Mapping[str, Any] | None
) -> contextlib.AbstractContextManager[attending.Attended]:
    """The doctor at this training, where the recipe wants it there."""
    done = 0 if state is None else int(state["progress"]["cycle"])
    if not job.recipe.options("training").doctor or done >= plan.cycles:
        return contextlib.nullcontext(attending.Attended(turns))
    schema, sample = data.preparation.schema, data.sample("valid", HELD_OUT, job.recipe.values["seed"])
    size = job.recipe.options("training").batch_size
    judge = attending.held_out(
        turns[0].objective,
        building.batches(sample, size, schema, planning.placement(job.recipe)),
        schema.targets[0].name if schema.targets else "",
        partial(balancing.forward, job.recipe, data),
    )
    return attending.attended(job.run, job.progress, model, turns, judge, (done, plan.cycles))


def _seed(number: int) -> None:
    """Seed every generator that a network may draw from; the loop saves and restores them."""
    torch.manual_seed(number % 2**63)
    random.seed(number)
    np.random.seed(number % 2**32)  # noqa: NPY002 - networks of others draw from it


def _plan(frozen: Recipe, job: Job, card: Task, at: int | None) -> Plan:
    """The plan in numbers, for a training that goes on from cycle `at`."""
    options, known = frozen.options("training"), job.run.state()
    phase, cut = int(known.get("phase_start", 0)), known.get("cut_short")
    if at is not None and at < phase:
        job.progress.note(f"the added cycles begin at cycle {at:,}, not {phase:,}: the checkpoint there is lost")
        phase = at
        files.write_json(job.run.path("run.json"), {**known, "phase_start": phase})
    return Plan(
        cycles=frozen.options("budget").steps,
        evaluate_every=options.evaluate_every,
        accumulate=options.accumulate,
        warmup=options.warmup,
        clip_norm=options.clip_norm,
        clip_value=options.clip_value,
        l1=options.l1,
        ema=options.ema,
        precision=options.precision,
        patience=options.patience,
        select=card.select,
        phase_start=phase,
        end=cut["cycle"] if isinstance(cut, Mapping) and cut["cycle"] > phase else None,
    )


def trained_on(data: Data) -> str:
    """What tells the data of one training from those of another: a digest of its training part and its preparation."""
    digest = hashlib.sha256(np.asarray(data.parts["train"], dtype=np.int64).tobytes())
    digest.update(files.json_text(preparation.to_json(data.preparation)).encode())
    return digest.hexdigest()


def _refuse_foreign(state: Mapping[str, Any] | None, data: Data, run: Run) -> None:
    """`RunError` where a checkpoint was made on other data; those of older versions do not say on which."""
    if state is not None and state.get("trained_on") not in (None, trained_on(data)):
        raise RunError(
            "The checkpoint belongs to another run: it was trained on another training part, or on other preparation.",
            where=str(run.path("checkpoints")),
            do="put back this run's own checkpoints, or remove these and resume, which trains from the beginning",
        )


def _train(
    job: Job, training: Training, history: History, plan: Plan, headline: str, on: str, attended: attending.Attended
) -> None:
    """The plain `for` around the loop: progress, history, checkpoints, the hard time limit, and being interrupted."""
    every, stops = (getattr(job.recipe.options("training"), name) for name in ("checkpoint_every", "stop_failing"))
    limit = _limit(job)
    checkpoint.require_room(job.run.path("checkpoints"), training.state())
    saved_at, cost, unsaved = time.perf_counter(), 0.0, False
    paces = deque[float](maxlen=200)

    def save() -> float:
        start = time.perf_counter()
        training.check_finite()
        try:
            history.flush(durable=True)
            attended.keep()
            state = {**training.state(), "history": history.offset, "trained_on": on}
            checkpoint.save(job.run.path("checkpoints"), state, training.cycle)
        except RunError as error:
            on_again = f"{error.do}; then go on with: stepwell resume {job.run.folder}"
            raise RunError(error.what, where=error.where, do=on_again) from error
        return time.perf_counter() - start

    with interruptible() as interrupted, _failing(job, paces):
        for event, seconds in _timed(training):
            history.add(event)
            unsaved = True
            if isinstance(event, Step):
                job.progress.step(event.cycle, plan.cycles, history.latest_loss)
                paces.append(seconds)
            else:
                job.progress.evaluation(_shown(event, headline), event.cycle)
            now = time.perf_counter()
            if limit is not None:
                limit.note(event, seconds)
            if interrupted():
                save()
                raise Interrupted(
                    f"Stopped at cycle {training.cycle:,} of {plan.cycles:,}; everything up to here is saved.",
                    where=str(job.run.folder),
                    do=f"stepwell resume {job.run.folder}",
                )
            if stops and (failing := attended.ruined()) is not None:
                raise Failing(f"Stopped at cycle {training.cycle:,} of {plan.cycles:,}: {failing.message}")
            # Where a training stops at what ruins it, each validation that was still well is where healing may begin.
            soon = 0.0 if stops and isinstance(event, Evaluation) else every
            if now - saved_at > max(soon, CHECKPOINT_SHARE * cost):
                cost, unsaved = save(), False
                saved_at = time.perf_counter()
            if limit is not None and not training.ended and limit.reached(now):
                _cut_short(job, training, plan)
    if training.stopped_early:
        job.progress.note(f"stopped early at cycle {training.cycle:,}: no gain in {plan.patience} validations")
    if unsaved:
        save()


def _timed(training: Training) -> Iterator[tuple[Step | Evaluation, float]]:
    """The events of a training, each with the seconds that it took."""
    before = time.perf_counter()
    for event in training:
        yield event, time.perf_counter() - before
        before = time.perf_counter()


class Failing(TrainingError):
    """The doctor saw what ruins the training, and the recipe says to end it there."""


@contextlib.contextmanager
def _failing(job: Job, paces: Sequence[float]) -> Iterator[None]:
    """Of a training that fails inside, keep the seconds of a cycle, and say where its last good snapshot is."""
    try:
        yield
    except (Diverged, Failing):
        if paces:
            pace = {"seconds_a_cycle": statistics.median(paces)}
            files.write_json(job.run.path("run.json"), {**job.run.state(), **pace})
        at = checkpoint.latest(job.run.path("checkpoints"))
        where = "there is none: it failed before the first" if at is None else f"cycle {at:,}"
        job.progress.note(f"the last good snapshot: {where}; what would heal it: stepwell heal {job.run.folder}")
        raise


@dataclass
class Limit:
    """When training must end, whatever the plan says, so that the whole command keeps its time budget.

    `end` is when the command must have ended, `after` the seconds planned for export, judging and report, and
    `rivals` those that fitting the rivals takes at most, however slow the machine. What comes after training was
    planned at the speed before it: on a machine that became clearly slower it takes as much longer as the cycles do
    now, but `most` seconds at most, as it gives way where time runs short.

    Speed is told by the seconds that a number in a batch takes: cycles of texts or volumes of unequal size take several
    times as long as others on the same machine.
    """

    end: float
    after: float
    rivals: float
    most: float = math.inf
    _first: list[float] = field(default_factory=list)  # seconds a number, each over `PACE_SECONDS`
    _latest: deque[float] = field(default_factory=lambda: deque(maxlen=PACES))
    _seconds: float = 0.0
    _numbers: int = 0
    _validation: float = 0.0  # seconds that the latest took,
    _beside: float = 0.0  # and those of a number then; 0 where none was heard of yet

    def note(self, event: Step | Evaluation, seconds: float) -> None:
        """Hear that a cycle or a validation took so long."""
        if isinstance(event, Evaluation):
            self._validation, self._beside = seconds, self._pace()
            return
        self._seconds, self._numbers = self._seconds + seconds, self._numbers + event.size
        if self._seconds >= PACE_SECONDS and self._numbers:
            if len(self._first) < PACES:
                self._first.append(self._seconds / self._numbers)
            self._latest.append(self._seconds / self._numbers)
            self._seconds, self._numbers = 0.0, 0

    def _pace(self) -> float:
        """Seconds of a number now."""
        if self._latest:
            return statistics.median(self._latest)
        return self._seconds / self._numbers if self._numbers else 0.0

    def slower(self) -> float:
        """How many times as long the same takes now as it did at first; 1 where that is no more than usual."""
        times = self._pace() / statistics.median(self._first) if self._first else 1.0
        return min(times, MOST_SLOWER) if times >= CLEARLY_SLOWER else 1.0

    def reached(self, now: float) -> bool:
        """Whether there is only time left for a last validation and what comes after training."""
        # A training that is taken up may begin with a validation, before any cycle that it could be compared with.
        validation = self._validation * (self._pace() / self._beside if self._beside else 1.0)
        left = self.end - self.rivals - validation - now
        return left < min(self.slower() * self.after, self.most)


def _limit(job: Job) -> Limit | None:
    budget: float | None = job.recipe.options("budget").time
    if budget is None or job.extension:
        return None
    kept = job.run.state().get("kept") or {
        "baselines": calibration.baseline_seconds(budget),
        "finishing": calibration.finishing_seconds(budget),
    }
    most = calibration.FINISHING_LATER * budget
    return Limit(job.clock.began + budget, float(kept["finishing"]), float(kept["baselines"]), most)


def _cut_short(job: Job, training: Training, plan: Plan) -> None:
    """End the training at this cycle, and note it first, so that one killed now ends there too when it is taken up."""
    why = (
        f"cut short by its time limit at cycle {training.cycle:,} of {plan.cycles:,}: the machine became slower than "
        "it was when the plan was made, so this run cannot be repeated exactly"
    )
    job.progress.note(why)
    files.write_json(job.run.path("run.json"), {**job.run.state(), "cut_short": {"cycle": training.cycle, "why": why}})
    training.end_here()


def _shown(event: Evaluation, first: str) -> Mapping[str, float]:
    return {name: event.values[name] for name in sorted(event.values, key=lambda name: name != first)}


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Catch the first SIGINT or SIGTERM as a flag to be asked for; a second one ends the process at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def first(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a signal handler
        asked.set()
        for one in before:
            signal.signal(one, signal.SIG_DFL)

    for number in before:
        signal.signal(number, first)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_weights(model: nn.Module, start: Run, schema: Schema) -> str:
    """Copy into `model` the weights that another run chose, where name and shape agree; says which were not.

    `RunError` where that run has none, none fits, or its classes are those of `schema` in another order.
    """
    state, _ = checkpoint.load_latest(start.path("checkpoints"))
    if state is None:
        raise RunError("That run holds no weights.", where=str(start.folder), do="start from a run that has trained")
    _refuse_other_order(start, schema)
    weights = chosen_weights(state)
    own = model.state_dict()
    fitting = {name: weights[name] for name in own if name in weights and weights[name].shape == own[name].shape}
    if not fitting:
        raise RunError(
            "None of that run's weights fit this model.",
            where=str(start.folder),
            do="use the same --model and options as that run, or train without --from",
        )
    model.load_state_dict({**own, **fitting})
    left = sorted(set(own) - set(fitting))
    kept = f"{len(fitting)} of {len(own)} weight tensors are taken from {start.folder}"
    return kept + (f"; these start anew: {', '.join(left[:5])}{' …' if len(left) > 5 else ''}" if left else "")


def _refuse_other_order(start: Run, schema: Schema) -> None:
    """The same classes in another order would make each answer mean another class."""
    if not start.path("preparation.json").exists():
        return  # a member of this very run, prepared as it is
    earlier = msgspec.convert(start.read_json("preparation.json")["schema"], Schema)
    for ours, theirs in zip(schema.targets, earlier.targets, strict=False):
        if ours.classes != theirs.classes and sorted(ours.classes) == sorted(theirs.classes):
            raise RunError(
                f"That run was trained with the positive class {theirs.classes[-1]!r}, and this one has another.",
                where=str(start.folder),
                do=f"give --positive {theirs.classes[-1]!r}",
            )


def interrupted_or_failed(run: Run, error: BaseException) -> None:
    """Note in `run.json` how a training ended that did not finish; what is saved stays.

    A finished run that was asked for more and did not come to begin stays finished. Where the note cannot be written
    (a full disk) the error itself is what the caller must hear of.
    """
    with contextlib.suppress(StepwellError):
        if run.state()["state"] == "finished":
            return
        if isinstance(error, Interrupted | KeyboardInterrupt):
            run.set_state("stopped", str(error) or "interrupted")
        else:
            run.set_state("failed", str(error).partition("\n")[0] or type(error).__name__)
