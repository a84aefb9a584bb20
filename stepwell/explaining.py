"""What judged answers tell besides scores: slices, the price of a leak, behavior, what the answers rest on.

All of it goes into `scores.json`, beside the scores (`judge.scores.Scores`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from torch import nn

from stepwell import discovery, preparation, randomness, splitting
from stepwell.building import Data
from stepwell.job import Job
from stepwell.judge import behavior, reasons
from stepwell.judge.importance import dependence, importance
from stepwell.judge.leak import leak
from stepwell.judge.scores import Aside, Dependence, Importance, Leak, Slices
from stepwell.judge.slices import FACTS_APART, slices
from stepwell.preparation import take
from stepwell.schema import PARTS, Columns, Trace

Answers = Callable[[Columns, Sequence[Trace]], Columns]
"""Prepared columns and traces -> predictions, as the artifact gives them."""

BEHAVING, REASONED, SHOWN = 500, 32, 5
"""Test examples that tests of behavior change, that the check of reasons looks at, that a task tells of, at most."""

HURRIED = 5
"""How many times fewer of them where no time is left."""


def explain(
    job: Job,
    data: Data,
    predictions: Columns,
    truth: Columns,
    answers: Answers,
    until: float | None = None,
    model: nn.Module | None = None,
) -> dict[str, Any]:
    """The fields of `scores.json` that tell more than scores (slices to asides), for the test part, as plain values.

    `predictions` and `truth` are of the test part in its order; `answers` is asked again where columns are shuffled,
    among fewer examples where that would not end `until` the job's clock says so many seconds. Without the `model`
    itself nothing is told of its inside.
    """
    examples, indices = data.examples, data.parts["test"]
    raw = examples.fetch(indices, None) if examples.columns else {}
    inputs: Columns = {name: raw[name] for name in examples.columns}
    told: dict[str, Any] = {
        "slices": _slices(job, data, truth, predictions, inputs),
        "leak": _leak(job, data, truth, predictions),
        "asides": _asides(job, data, model),
        "importance": None,
        "dependence": (),
    }
    if inputs:  # last, as what takes fewer examples where there is less time
        seconds = None if until is None else until - job.clock.gone()
        told["importance"], told["dependence"] = _rests_on(job, data, truth, inputs, answers, seconds)
    late = until is not None and job.clock.gone() >= until
    told |= _tried(job, data, truth, predictions, answers, HURRIED if late else 1)
    content: dict[str, Any] = msgspec.to_builtins(told)
    return content


def _slices(job: Job, data: Data, truth: Columns, predictions: Columns, inputs: Columns) -> Slices | None:
    indices = data.parts["test"]
    facts: Columns = {
        name: [values[index] for index in indices]
        for name, values in data.examples.facts.items()
        if name not in (*FACTS_APART, *data.truth)
    }
    folder, schema = job.folder, data.preparation.schema
    card, rooms = folder.card.facing(schema), folder.rooms("metrics")
    seed = job.recipe.values["seed"]
    told = _of_traces(job, data)
    return slices(card, rooms, truth, predictions, schema, {**facts, **told, **inputs}, _units(data), seed)


def _of_traces(job: Job, data: Data) -> Columns:
    """What the task tells of each test example by what the transforms noted of it, for slices."""
    if not job.folder.has("telling"):
        return {}
    traces = [trace for piece in data.pieces("test") for trace in piece.traces]
    columns: Columns = job.folder.module("telling").columns(traces)
    return columns


def _asides(job: Job, data: Data, model: nn.Module | None) -> Sequence[Aside]:
    """What the task tells besides, in tables."""
    if model is None or not job.folder.has("telling"):
        return ()
    traces = {part: [trace for piece in data.pieces(part) for trace in piece.traces] for part in PARTS}
    asides: Sequence[Aside] = job.folder.module("telling").tell(
        model, data.preparation, traces, data.sample("test", SHOWN, job.recipe.values["seed"])
    )
    return asides


def raw_answers(data: Data, answers: Answers) -> Callable[[Columns], Columns]:
    """Predictions for raw columns: prepared first, as at prediction."""

    def answer(raw: Columns) -> Columns:
        return answers(*preparation.run(data.preparation, raw))

    return answer


def _tried(job: Job, data: Data, truth: Columns, predictions: Columns, answers: Answers, fewer: int) -> dict[str, Any]:
    """The tests of behavior, and the check of reasons, on test examples chosen by counter, so many times fewer."""
    folder, schema, seed = job.folder, data.preparation.schema, job.recipe.values["seed"]
    rooms = folder.rooms("behavior")
    if not rooms and not folder.has("reasons"):
        return {}
    indices, truths = data.parts["test"], set(data.truth)
    if fewer > 1:
        few = BEHAVING // fewer
        job.progress.note(f"behavior is tried on {few} test examples and not {BEHAVING}, to keep within the time")
    keys = randomness.keys([data.examples.ids[index] for index in indices])
    order = randomness.order(seed, "behavior", 0, keys)
    rows = np.sort(order[: BEHAVING // fewer])
    chosen = [indices[row] for row in rows]
    raw = {name: one for name, one in data.examples.fetch(chosen, None).items() if name not in truths}
    ids, units = ([column[index] for index in chosen] for column in (data.examples.ids, data.examples.units))
    answer = raw_answers(data, answers)
    told: dict[str, Any] = {}
    card, metrics = folder.card.facing(schema), folder.rooms("metrics")
    of_those = (take(truth, rows), take(predictions, rows))
    told["behavior"] = tuple(
        behavior.behavior(card, metrics, discovery.load(room, name), ids, raw, *of_those, answer, schema, units, seed)
        for room in rooms
        for name in discovery.names(room)
    )
    if folder.has("reasons"):
        few = order[: REASONED // fewer].tolist()
        fetched = [data.examples.fetch([indices[row]], None) for row in few]
        examples = [{name: one[0] for name, one in columns.items() if name not in truths} for columns in fetched]
        named = [data.examples.ids[indices[row]] for row in few]
        told["reasons"] = reasons.check(named, examples, folder.module("reasons"), answer, seed)
    return told


def _leak(job: Job, data: Data, truth: Columns, predictions: Columns) -> Leak | None:
    path = job.run.path("split.csv")
    if not path.exists():
        return None
    rows = splitting.read_split(path)
    indices = data.parts["test"]
    folder, schema = job.folder, data.preparation.schema
    found = leak(
        folder.card.facing(schema),
        folder.rooms("metrics"),
        truth,
        predictions,
        schema,
        [rows[index].id for index in indices],
        [rows[index].group for index in indices],
        {row.group for row in rows if row.part == "train"},
        _units(data),
        job.recipe.values["seed"],
    )
    if found is not None:
        job.progress.note(
            f"{found.leaked:,} of {found.n:,} test examples have a copy or one of their group in train; "
            "scores.json holds the headline with and without them (leak)"
        )
    return found


def _rests_on(
    job: Job, data: Data, truth: Columns, inputs: Columns, answers: Answers, seconds: float | None
) -> tuple[Importance | None, tuple[Dependence, ...]]:
    """Permutation importance of the raw columns, and curves of the foremost."""
    folder, schema = job.folder, data.preparation.schema
    seed = job.recipe.values["seed"]

    answer = raw_answers(data, answers)
    found = importance(
        folder.card.facing(schema),
        folder.rooms("metrics"),
        truth,
        inputs,
        data.examples.columns,
        answer,
        schema,
        _units(data),
        seed,
        seconds,
    )
    if found is None:
        return None, ()
    return found, dependence(inputs, list(found.columns), answer, schema, seed)


def _units(data: Data) -> list[str]:
    return [data.examples.units[index] for index in data.parts["test"]]
