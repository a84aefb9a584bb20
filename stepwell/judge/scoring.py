"""All metrics of a task on one part: the network beside its baselines, each number with its interval."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

import msgspec
import numpy as np

from stepwell import discovery
from stepwell.errors import DataError, UsageError
from stepwell.judge import bootstrap, measured
from stepwell.judge.scores import Baseline, Interval, Scores, Table
from stepwell.schema import Columns, Schema
from stepwell.task import Task

WHOLE = 500
"""Of more classes than this the cells of a table that are not 0 are kept: the whole of it grows as their square."""


def judge(
    card: Task,
    rooms: Sequence[str],
    truth: Columns,
    predictions: Columns,
    schema: Schema,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    baselines: Mapping[str, tuple[Columns, int, str]] | None = None,
    *,
    part: str = "test",
    seconds: float | None = None,
) -> dict[str, Any]:
    """The content of `scores.json` (see `judge.scores.Scores`): plain values, ready to be written.

    `truth` and `predictions` are columns of the same examples in the same order, in the terms that the
    metrics of `rooms` read; `groups` one name an example, or None; `baselines` name -> (predictions,
    number of training examples seen, which). All are resampled by the same draws, so that differences
    are paired. Where resampling would take more than `seconds` there are fewer resamples, a round number that
    `interval` states. A metric that is undefined on these examples is left out. `DataError` where there are no
    examples, or labels or probabilities do not fit.
    """
    n = _count(truth, part)
    resampling = bootstrap.plan(n, groups, seed)
    metrics = find_metrics(card.metrics, rooms)
    rivals = baselines or {}
    everyone = [
        measured.measure(metrics, truth, predictions, schema, ("number", "per_class")),
        *(measured.measure(metrics, truth, one, schema, ("number",)) for one, _, _ in rivals.values()),
    ]
    resampled, resampling = measured.resample(everyone, resampling, seconds)
    network = everyone[0]
    found: dict[str, Baseline] = {}
    for (name, (_, seen, note)), rival, values in zip(rivals.items(), everyone[1:], resampled[1:], strict=True):
        numbers = measured.scores(rival, values, resampling, "number")
        found[name] = Baseline(
            n=seen,
            note=note,
            scores={metric: scores[0] for metric, scores in numbers.items()},
            differences=measured.differences(network, resampled[0], rival, values, resampling),
        )
    classes = schema.targets[0].classes if schema.targets else ()
    numbers = measured.scores(network, resampled[0], resampling, "number")
    per_class = measured.scores(network, resampled[0], resampling, "per_class")
    scores = Scores(
        part=part,
        n=n,
        headline=card.headline,
        scores={metric: one[0] for metric, one in numbers.items()},
        per_class={
            metric: {name: score for name, score in zip(classes, one, strict=True) if not math.isnan(score.value)}
            for metric, one in per_class.items()
        },
        tables=_tables(metrics, truth, predictions, schema),
        baselines=found,
        interval=Interval("bootstrap", resampling.replicates, bootstrap.LEVEL, resampling.by, resampling.units),
        metrics={name: measured.about(name, metric, schema) for name, metric in metrics.items()},
        curves=_curves(metrics, truth, predictions, schema),
        positive=classes[1] if len(classes) == 2 else "",
    )
    content: dict[str, Any] = msgspec.to_builtins(scores)
    return content


def evaluate_metrics(
    names: Sequence[str], rooms: Sequence[str], truth: Columns, predictions: Columns, schema: Schema
) -> dict[str, float]:
    """The values of metrics that are numbers, without intervals, in the order of `names`.

    An undefined one is left out. `DataError` as for `judge`.
    """
    return evaluate_with(find_metrics(names, rooms), truth, predictions, schema)


def find_metrics(names: Sequence[str], rooms: Sequence[str]) -> dict[str, ModuleType]:
    """The modules of metrics by name, in the order of `names`; `UsageError` where one is in none of `rooms`."""
    return {name: discovery.find(rooms, name) for name in names}


def evaluate_with(
    metrics: Mapping[str, ModuleType], truth: Columns, predictions: Columns, schema: Schema
) -> dict[str, float]:
    """What `evaluate_metrics` gives, with metrics that were found before: a training validates hundreds of times."""
    _count(truth, "valid")
    found = measured.measure(metrics, truth, predictions, schema, ("number",))
    return {name: float(one.values[0]) for name, one in found.items()}


def worst(
    name: str, rooms: Sequence[str], truth: Columns, predictions: Columns, schema: Schema, count: int
) -> list[int]:
    """The rows of the `count` worst answers by a metric that has a value an example, worst first, of equals the first.

    `UsageError` where the metric has none.
    """
    metric = discovery.find(rooms, name)
    if not hasattr(metric, "per_example"):
        raise UsageError(
            f"The metric {name} has no value an example, so it names no worst answers.",
            do="choose one with per_example as `worst` of the task",
        )
    values = np.asarray(metric.per_example(metric.prepare(truth, predictions, schema)), dtype=np.float64)
    order = np.argsort(values if metric.DIRECTION == "max" else -values, kind="stable")
    rows: list[int] = order[:count].tolist()
    return rows


def _count(truth: Columns, part: str) -> int:
    n = len(next(iter(truth.values()), ()))
    if n == 0:
        raise DataError(
            f"There is nothing to judge: the {part} part holds no examples.",
            where=f"part {part}",
            do="give that part a greater share of the data, or bring more data",
        )
    return n


def _tables(
    metrics: Mapping[str, ModuleType], truth: Columns, predictions: Columns, schema: Schema
) -> dict[str, Table]:
    tables = {}
    for name, metric in metrics.items():
        if metric.KIND == "table":
            state, classes = metric.prepare(truth, predictions, schema), schema.targets[0].classes
            if len(classes) > WHOLE and hasattr(metric, "cells"):
                tables[name] = Table(classes, cells=tuple(metric.cells(state)))
            else:
                tables[name] = Table(classes, tuple(tuple(row) for row in metric.score(state, None).tolist()))
    return tables


def _curves(
    metrics: Mapping[str, ModuleType], truth: Columns, predictions: Columns, schema: Schema
) -> dict[str, Mapping[str, tuple[float, ...]]]:
    """The curves that are defined, each a few columns of equal length."""
    curves: dict[str, Mapping[str, tuple[float, ...]]] = {}
    for name, metric in metrics.items():
        if metric.KIND == "curve":
            columns = metric.curve(metric.prepare(truth, predictions, schema))
            if columns:
                curves[name] = {column: tuple(values) for column, values in columns.items()}
    return curves
