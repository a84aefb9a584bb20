"""What judged answers tell besides scores: slices, the price of a leak, what the answers rest on.

All of it goes into `scores.json`, beside the scores (`judge.scores.Scores`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from stepwell import preparation, splitting
from stepwell.building import Data
from stepwell.job import Job
from stepwell.judge.importance import dependence, importance
from stepwell.judge.leak import leak
from stepwell.judge.scores import Dependence, Importance, Leak, Slices
from stepwell.judge.slices import FACTS_APART, slices
from stepwell.schema import Columns, Trace

Answers = Callable[[Columns, Sequence[Trace]], Columns]
"""Prepared columns and traces -> predictions, as the artifact gives them."""


def explain(
    job: Job, data: Data, predictions: Columns, truth: Columns, answers: Answers, until: float | None = None
) -> dict[str, Any]:
    """The fields slices, leak, importance and dependence of `scores.json`, for the test part, as plain values.

    `predictions` and `truth` are of the test part in its order; `answers` is asked again where columns are shuffled,
    among fewer examples where that would not end `until` the job's clock says so many seconds.
    """
    examples, indices = data.examples, data.parts["test"]
    raw = examples.fetch(indices, None) if examples.columns else {}
    inputs: Columns = {name: raw[name] for name in examples.columns}
    told: dict[str, Any] = {
        "slices": _slices(job, data, truth, predictions, inputs),
        "leak": _leak(job, data, truth, predictions),
        "importance": None,
        "dependence": (),
    }
    if inputs:  # last, as what takes fewer examples where there is less time
        seconds = None if until is None else until - job.clock.gone()
        told["importance"], told["dependence"] = _rests_on(job, data, truth, inputs, answers, seconds)
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
    return slices(card, rooms, truth, predictions, schema, {**facts, **inputs}, _units(data), seed)


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

    def answer(raw: Columns) -> Columns:
        return answers(*preparation.run(data.preparation, raw))

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
