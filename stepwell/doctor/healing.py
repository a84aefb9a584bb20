"""Proving a remedy on anyone's code, of which three functions are given: build, train, evaluate.

    with stepwell.watch(model, optimizer) as doctor:
        ...                                             # the training that fails
    healed = doctor.heal(build, train, evaluate)
    print(healed.said)

`build()` gives a new model and its optimizer, `train(model, optimizer)` trains them once, `evaluate(model)` answers
a number on data that was not learnt from. Seeds are set before each `build`; nothing else is asked of the code.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from stepwell.doctor import course, diagnosing, remedying
from stepwell.doctor.changes import Change
from stepwell.doctor.course import Answers, Arm, Course, Tried
from stepwell.doctor.guard import Guard
from stepwell.doctor.record import Record
from stepwell.doctor.rework import Program, as_code, rework, settings
from stepwell.errors import UsageError
from stepwell.schema import Finding

Build = Callable[[], tuple[nn.Module, torch.optim.Optimizer]]
Train = Callable[[nn.Module, torch.optim.Optimizer], Any]
Evaluate = Callable[[nn.Module], float]
Watch = Callable[[nn.Module, torch.optim.Optimizer], contextlib.AbstractContextManager[Any]]


@dataclass(frozen=True)
class Healed:
    """What healing a program came to.

    `edits` says in words of code what holds; `findings` have name, message, remedy and `verified`; `tried` is every
    change with its proof; `trainings` counts the calls of `train`. `apply(model, optimizer)` makes the changes that
    hold to a new model, and gives it with the optimizer to use.
    """

    said: str
    edits: tuple[str, ...]
    findings: tuple[dict[str, Any], ...]
    tried: tuple[Tried, ...]
    trainings: int
    _changes: tuple[Change, ...]
    _updates: int | None

    def apply(self, model: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, torch.optim.Optimizer]:
        """The model and the optimizer, so changed."""
        program = _changed(Program(model, optimizer, self._updates), self._changes)
        return program.model, program.optimizer


def heal(
    record: Record,
    findings: Sequence[Finding],
    watch: Watch,
    program: tuple[Build, Train, Evaluate],
    *,
    direction: Literal["max", "min"],
    seconds: float | None,
    say: Callable[[str], None],
) -> Healed:
    """Answer `findings` by changes to what `build` gives, each proven by trainings of the caller's own.

    `direction` says which values of `evaluate` are better: those from 0 to 1 where more is, or errors. UsageError where
    seeds make no difference, so that nothing can be proven.
    """
    harmful = [one for one in findings if one.severity > 1]
    trainings = Programs(*program, watch, record.length or None, direction, seconds, say)
    answers = trainings.remedies(record, harmful, ())
    if not any(several for _, several in answers):
        said = "Nothing was found that a change of model or optimizer could answer."
        advice = tuple(course.answer(one, ()) for one in harmful)
        return Healed(said, (), advice, (), trainings.count, (), trainings.updates)
    made = Course(trainings, 0)
    made.run(answers)
    edits = tuple(dict.fromkeys(as_code(change) for change in made.accepted))
    told = tuple(_told(one, made.tried) for one in harmful)
    said = course.verdict(made.tried, edits)
    return Healed(said, edits, told, tuple(made.tried), trainings.count, tuple(made.accepted), trainings.updates)


def _told(finding: Finding, tried: Sequence[Tried]) -> dict[str, Any]:
    answer = course.answer(finding, tried)
    held = next((one for one in tried if one.accepted and finding.name in one.finding.split(" and ")), None)
    return {**answer, "remedy": finding.remedy if held is None else as_code(Change(held.values, ""))}


@dataclass
class Programs:
    """Trains the programs of a caller, changed and not, each watched; none twice."""

    build: Build
    teach: Train
    evaluate: Evaluate
    watch: Watch
    updates: int | None
    direction: Literal["max", "min"]
    seconds: float | None
    told: Callable[[str], None]
    count: int = 0
    rungs: Sequence[float] = ()
    snapshot: int | None = None
    _began: float = field(default_factory=time.perf_counter)
    _longest: float = 0.0
    _known: dict[tuple[int, str], tuple[Arm, Record]] = field(default_factory=dict)

    def train(
        self,
        role: str,
        changes: Sequence[Change],
        seed: int,
        *,
        share: float = 1.0,  # noqa: ARG002 - the caller's training has one length
        forked: bool = False,  # noqa: ARG002 - and begins at its beginning
    ) -> Arm:
        """One training of the program with those changes, from that seed."""
        key = (seed, "; ".join(map(remedying.flags, changes)))
        if key not in self._known:
            self.told(f"{role}, seed {seed}")
            self._known[key] = self._trained(role, changes, seed)
            self._refuse_fixed()
        return self._known[key][0]

    def answers(self, arm: Arm, changes: Sequence[Change]) -> Answers:
        """What was found in an arm, with what could answer it."""
        record = next(record for known, record in self._known.values() if known is arm)
        found = [one for one in diagnosing.findings(record, Guard()) if one.severity > 1]
        return self.remedies(record, found, changes)

    def remedies(self, record: Record, found: Sequence[Finding], changes: Sequence[Change]) -> Answers:
        """The findings with the changes that can be made to a program so changed."""
        _seed(0)
        program = _changed(Program(*self.build(), self.updates), changes)
        known = settings(program)
        return [(one, remedying.remedies(one, record, known)) for one in found]

    def over(self) -> bool:
        """Whether another three trainings might go beyond the time."""
        gone = time.perf_counter() - self._began
        return self.seconds is not None and gone + 3 * self._longest > self.seconds

    def say(self, words: str) -> None:
        """To whoever asked."""
        self.told(words)

    def _trained(self, role: str, changes: Sequence[Change], seed: int) -> tuple[Arm, Record]:
        began, worked = time.perf_counter(), time.process_time()
        _seed(seed)
        program = _changed(Program(*self.build(), self.updates), changes)
        value, why = None, ""
        self.count += 1
        with self.watch(program.model, program.optimizer) as doctor:
            try:
                self.teach(program.model, program.optimizer)
            except (ArithmeticError, RuntimeError, ValueError) as error:
                if not changes:
                    raise  # the caller's own code fails as it is: that is no finding of ours
                why = f"{type(error).__name__}: {error}"
        if not why:
            answered = float(self.evaluate(program.model))
            value = answered if math.isfinite(answered) else None
        self._longest = max(self._longest, time.perf_counter() - began)
        found = tuple(one.name for one in doctor.findings if one.severity > 1)
        seconds = round(time.process_time() - worked, 2)
        record = doctor.read()
        return Arm(role, seed, value, why, found, record.length, seconds, ""), record

    def _refuse_fixed(self) -> None:
        """UsageError where two trainings of other seeds came to the same losses, update by update."""
        plain = [record for (_, flags), (_, record) in self._known.items() if not flags and record.steps]
        if len(plain) > 1 and [row["loss"] for row in plain[0].steps] == [row["loss"] for row in plain[-1].steps]:
            raise UsageError(
                "Two trainings from different seeds were the same, so that chance cannot be told from a gain.",
                where="build, train",
                do="do not seed inside build and train: the seeds are set before each build",
            )


def _changed(program: Program, changes: Sequence[Change]) -> Program:
    for change in changes:
        program = rework(program, change)
    return program


def _seed(number: int) -> None:
    torch.manual_seed(number)
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002 - the code of others draws from it
