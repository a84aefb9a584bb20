"""Runs → a paired comparison of their answers on the same test examples, or a clear refusal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from stepwell import discovery, files, splitting
from stepwell.errors import RunError, UsageError
from stepwell.judge import paired, shortened
from stepwell.judge.paired import Comparison
from stepwell.run import Run, open_run
from stepwell.schema import Columns, Schema

PREDICTIONS = Path("predictions") / "test.jsonl"
_PREPARED = ("preparation.json", "members/01/preparation.json")  # a run of folds has its members' only
_SPLIT = ("split.csv", "members/01/split.csv")
_SAME = "train them on the same data with the same --seed and the same --split settings, then compare again"
_FOLDS = "judge both alike: a run of folds answers all examples, so train the other one with --folds too"


@dataclass(frozen=True)
class Answered:
    """What a run answered on its test part: schema, ids in order, truth and predictions as columns in that order."""

    run: Run
    name: str
    schema: Schema
    ids: tuple[str, ...]
    truth: tuple[Mapping[str, Any], ...]
    output: tuple[Mapping[str, Any], ...]


def compare(runs: Sequence[str | Path]) -> Comparison:
    """The runs' scores on their common test part, and every pair's difference with its interval and test.

    `UsageError` for fewer than two runs, or one named twice. `RunError` where a run is none or did not finish, and
    where the runs differ in task, classes, test examples or truths: then no difference between them means anything.
    """
    folders = [Path(run).resolve() for run in runs]
    if len(runs) < 2:
        raise UsageError("One run alone cannot be compared.", do="name at least two: stepwell compare RUN RUN")
    if twice := [str(run) for run, folder in zip(runs, folders, strict=True) if folders.count(folder) > 1]:
        raise UsageError(f"The run {twice[0]} is named twice.", do="name different runs")
    opened = [open_run(Path(run)) for run in runs]
    tasks = [run.state()["task"] for run in opened]
    if len(set(tasks)) > 1:
        listed = ", ".join(f"{run} {task}" for run, task in zip(runs, tasks, strict=True))
        raise RunError(f"The runs are of different tasks: {listed}.", do="compare runs of one task")
    folder = discovery.task(tasks[0])
    answered = [_answered(run, str(name)) for run, name in zip(opened, runs, strict=True)]
    first = answered[0]
    for other in answered[1:]:
        _refuse_other_classes(first, other)
        _refuse_other_examples(first, other)
        _refuse_other_truths(first, other)
    schema = first.schema
    return paired.compare(
        folder.card.facing(schema),
        folder.rooms("metrics"),
        _columns(first.truth, schema),
        {one.name: _columns(_ordered(one, first.ids), schema) for one in answered},
        schema,
        _units(first),
        task=tasks[0],
        notes=_notes(opened, first),
    )


def _answered(run: Run, name: str) -> Answered:
    path = run.path(str(PREDICTIONS))
    prepared = next((one for one in (run.path(where) for where in _PREPARED) if one.exists()), None)
    if not path.exists() or prepared is None:
        raise RunError(
            "This run holds no answers on its test part: it did not finish.",
            where=name,
            do=f"finish it first: stepwell resume {name}",
        )
    try:
        schema = msgspec.convert(files.read_json(prepared)["schema"], Schema)
        lines = files.read_lines(path)
        ids = tuple(str(line["id"]) for line in lines)
        truth, output = (tuple(dict(line[key]) for line in lines) for key in ("target", "output"))
    except (KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        raise RunError(
            f"The answers of this run are damaged: {error}.", where=name, do="restore the run from a copy"
        ) from error
    return Answered(run, name, schema, ids, truth, output)


def _refuse_other_classes(first: Answered, other: Answered) -> None:
    ours, theirs = (tuple((one.name, one.kind, one.classes) for one in run.schema.targets) for run in (first, other))
    if ours != theirs:
        raise RunError(
            "The runs answer different questions: their targets or classes differ, or which class is the positive one.",
            where=f"{first.name} and {other.name}",
            do=_SAME,
        )


def _refuse_other_examples(first: Answered, other: Answered) -> None:
    ours, theirs = set(first.ids), set(other.ids)
    if ours == theirs:
        return
    alone = min(ours ^ theirs)
    where = first.name if alone in ours else other.name
    kinds = {run.run.state()["kind"] == "folds" for run in (first, other)}
    raise RunError(
        f"The runs were judged on different examples: {len(first.ids):,} and {len(other.ids):,}, "
        f"of which {len(ours & theirs):,} are common; {alone!r} is only in the test part of {where}.",
        where=f"{first.name} and {other.name}",
        do=_SAME if len(kinds) == 1 else _FOLDS,
    )


def _refuse_other_truths(first: Answered, other: Answered) -> None:
    theirs = dict(zip(other.ids, other.truth, strict=True))
    changed = [name for name, truth in zip(first.ids, first.truth, strict=True) if theirs[name] != truth]
    if changed:
        raise RunError(
            f"The runs were judged by different truths: {len(changed):,} of {len(first.ids):,} examples, "
            f"for instance {changed[0]!r}, had another answer when {other.name} was trained.",
            where=f"{first.name} and {other.name}",
            do="train the earlier run again on the data as they are now",
        )


def _ordered(answered: Answered, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    lines = dict(zip(answered.ids, answered.output, strict=True))
    return [lines[name] for name in ids]


def _columns(lines: Sequence[Mapping[str, Any]], schema: Schema) -> Columns:
    """Lines of JSON as columns: numbers of one shape as float64 arrays, all else (and classes) as lists."""
    classes = {one.name for one in schema.targets if one.kind == "category"}
    columns: Columns = {}
    for name in lines[0] if lines else ():
        values = [line[name] for line in lines]
        if any(shortened.is_short(one) for one in values):
            columns[name] = shortened.lengthen(values)
        else:
            columns[name] = values if name in classes or not _numeric(values[0]) else _array(values)
    return columns


def _numeric(value: Any) -> bool:
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, int | float) and not isinstance(value, bool)


def _array(values: list[Any]) -> Any:
    try:
        return np.array(values, dtype=np.float64)
    except (TypeError, ValueError):  # of unequal lengths, or with a null in between
        return values


def _units(answered: Answered) -> list[str] | None:
    """What was resampled together when the run was judged: the unit of each of its test examples."""
    paths = [answered.run.path(where) for where in _SPLIT]
    path = next((one for one in paths if one.exists()), None)
    if path is None:
        return None
    units = {row.id: row.unit for row in splitting.read_split(path)}
    return [units.get(name, name) for name in answered.ids]


def _notes(runs: Sequence[Run], first: Answered) -> list[str]:
    notes = ["A difference is that of these trained networks; other seeds would give others."]
    if len({run.state().get("fingerprint") for run in runs}) > 1:
        notes.append("The runs were trained on different data; their test examples and truths are the same.")
    if any(shortened.is_short(value) for value in (first.output[0] if first.output else {}).values()):
        notes.append(
            f"Of so many classes a run keeps the {shortened.KEPT} most probable of each answer and the true one; areas "
            "under curves rest on these, and so differ from those of the reports."
        )
    return notes
