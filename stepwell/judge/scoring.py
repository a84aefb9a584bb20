"""All metrics of a task on one part: the network beside its baselines, each number with its interval."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import msgspec
import numpy as np

from stepwell import discovery
from stepwell.errors import DataError, UsageError
from stepwell.judge import bootstrap
from stepwell.judge.bootstrap import Resampling
from stepwell.judge.scores import About, Baseline, Interval, Scores, Table
from stepwell.schema import Array, Columns, Schema, Score
from stepwell.task import Task

Values = Array
"""The values of one metric: `(1,)` of a number, `(classes,)` of a per-class metric."""


WHOLE = 500
"""Of more classes than this the cells of a table that are not 0 are kept: the whole of it grows as their square."""

STOPS = (100, 200, 500)
"""Numbers of resamples at which a judging that takes too long may end."""


@dataclass(frozen=True)
class Measured:
    """One metric of one set of predictions: what it was computed from, and its values `(k,)`."""

    about: About
    metric: ModuleType
    state: Any
    values: Values

    def replicates(self, resampling: Resampling) -> int:
        """How many of the resamples are scored: all, or as many as the metric says where each is dear."""
        return min(resampling.replicates, getattr(self.metric, "REPLICATES", resampling.replicates))

    def score(self, weight: Array, counted: dict[Any, Any]) -> Values:
        """The values under weights `(n,)`; `counted` keeps the tallies of all metrics under these weights."""
        tally = getattr(self.metric, "tally", None)
        if tally is None:
            return np.atleast_1d(np.asarray(self.metric.score(self.state, weight), dtype=np.float64))
        same = (self.metric.prepare, tally)
        if same not in counted:
            counted[same] = tally(self.state, weight)
        return np.atleast_1d(np.asarray(self.metric.worth(counted[same]), dtype=np.float64))

    def support(self, resampling: Resampling) -> Array:
        """How many drawn units each value rests on, at least 1, `(k,)`; examples / examples per group where grouped."""
        support = getattr(self.metric, "support", None)
        examples = np.asarray(support(self.state) if support else resampling.n, dtype=np.float64)
        return np.maximum(1.0, np.broadcast_to(examples, self.values.shape) * resampling.units / resampling.n)

    def counts(self, n: int) -> list[int]:
        """The number of examples beside each value: all of them for a number, its own for a class."""
        support = getattr(self.metric, "support", None)
        if self.about.kind == "number" or support is None:
            return [n] * len(self.values)
        return [int(count) for count in np.asarray(support(self.state))]

    @property
    def biased(self) -> bool:
        """Whether chance alone moves the value one way."""
        return bool(getattr(self.metric, "BIASED", False))

    def limits(self) -> tuple[float, float] | None:
        """Between which values an example that was not seen may lie; None where the metric does not say."""
        limits: Callable[[Any], tuple[float, float]] | None = getattr(self.metric, "limits", None)
        return limits(self.state) if limits else None


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
    metrics = {name: discovery.find(rooms, name) for name in card.metrics}
    rivals = baselines or {}
    everyone = [
        _measure(metrics, truth, predictions, schema, ("number", "per_class")),
        *(_measure(metrics, truth, one, schema, ("number",)) for one, _, _ in rivals.values()),
    ]
    resampled, resampling = _resample(everyone, resampling, seconds)
    network, network_resampled = everyone[0], resampled[0]
    found: dict[str, Baseline] = {}
    for (name, (_, seen, note)), rival, values in zip(rivals.items(), everyone[1:], resampled[1:], strict=True):
        numbers = _scores(rival, values, resampling, "number")
        found[name] = Baseline(
            n=seen,
            note=note,
            scores={metric: scores[0] for metric, scores in numbers.items()},
            differences=_differences(network, network_resampled, rival, values, resampling),
        )
    classes = schema.targets[0].classes if schema.targets else ()
    numbers = _scores(network, network_resampled, resampling, "number")
    per_class = _scores(network, network_resampled, resampling, "per_class")
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
        metrics={name: _about(name, metric, schema) for name, metric in metrics.items()},
        curves=_curves(metrics, truth, predictions, schema),
    )
    content: dict[str, Any] = msgspec.to_builtins(scores)
    return content


def evaluate_metrics(
    names: Sequence[str], rooms: Sequence[str], truth: Columns, predictions: Columns, schema: Schema
) -> dict[str, float]:
    """The values of metrics that are numbers, without intervals, in the order of `names`.

    An undefined one is left out. `DataError` as for `judge`.
    """
    _count(truth, "valid")
    metrics = {name: discovery.find(rooms, name) for name in names}
    measured = _measure(metrics, truth, predictions, schema, ("number",))
    return {name: float(one.values[0]) for name, one in measured.items()}


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


def _about(name: str, metric: ModuleType, schema: Schema) -> About:
    measure: str = getattr(metric, "MEASURE", "")
    if measure.startswith("target"):
        unit = schema.targets[0].measure if schema.targets else ""
        measure = unit and measure.replace("target", unit)
    return About(
        title=getattr(metric, "TITLE", name.replace("_", " ")),
        kind=metric.KIND,
        direction=metric.DIRECTION,
        measure=measure,
        better=metric.HIGHER,
        says=getattr(metric, "SAYS", ""),
    )


def _measure(
    metrics: Mapping[str, ModuleType], truth: Columns, predictions: Columns, schema: Schema, kinds: Sequence[str]
) -> dict[str, Measured]:
    """The metrics of these kinds that are defined (finite) at all, each with what it was computed from."""
    measured = {}
    for name, metric in metrics.items():
        about = _about(name, metric, schema)
        if about.kind not in kinds:
            continue
        state = metric.prepare(truth, predictions, schema)
        values = np.atleast_1d(np.asarray(metric.score(state, None), dtype=np.float64))
        values = np.where(np.isfinite(values), values, np.nan)
        if not np.isnan(values).all():
            measured[name] = Measured(about, metric, state, values)
    return measured


def _resample(
    everyone: Sequence[Mapping[str, Measured]], resampling: Resampling, seconds: float | None
) -> tuple[list[dict[str, Array]], Resampling]:
    """For each set of predictions and metric the values of its replicates, `(B, k)`; and how it was resampled.

    After each of `STOPS` it is asked whether the resamples up to the next one still fit into `seconds`.
    """
    start = time.perf_counter()
    resampled = [
        {name: np.empty((one.replicates(resampling), len(one.values))) for name, one in measured.items()}
        for measured in everyone
    ]
    for number, weight in enumerate(resampling.weights()):
        if seconds is not None and number in STOPS:
            coming = min(resampling.replicates, next((one for one in STOPS if one > number), resampling.replicates))
            if (time.perf_counter() - start) * coming / number > seconds:
                resampling = replace(resampling, replicates=number)
                resampled = [{name: one[:number] for name, one in values.items()} for values in resampled]
                break
        for measured, values in zip(everyone, resampled, strict=True):
            counted: dict[Any, Any] = {}
            for name, one in measured.items():
                if number < len(values[name]):
                    values[name][number] = one.score(weight, counted)
    return resampled, resampling


def _scores(
    measured: Mapping[str, Measured], resampled: Mapping[str, Array], resampling: Resampling, kind: str
) -> dict[str, list[Score]]:
    """The scores of all metrics of one kind: one score a number, one a class of a per-class metric."""
    scores = {}
    for name, one in measured.items():
        if one.about.kind != kind:
            continue
        low, high = bootstrap.interval(
            resampled[name], one.values, one.support(resampling), one.limits(), reflected=one.biased
        )
        scores[name] = [
            Score(float(value), float(lower), float(upper), count, one.about.direction, bootstrap.LEVEL)
            for value, lower, upper, count in zip(one.values, low, high, one.counts(resampling.n), strict=True)
        ]
    return scores


def _differences(
    network: Mapping[str, Measured],
    network_resampled: Mapping[str, Array],
    rival: Mapping[str, Measured],
    rival_resampled: Mapping[str, Array],
    resampling: Resampling,
) -> dict[str, Score]:
    """Network minus rival for each metric that is a number and defined for both, from the same resamples."""
    differences = {}
    for name, one in network.items():
        other = rival.get(name)
        if one.about.kind != "number" or other is None:
            continue
        value = one.values - other.values
        support = np.minimum(one.support(resampling), other.support(resampling))
        ours, theirs = one.limits(), other.limits()
        limits = (ours[0] - theirs[1], ours[1] - theirs[0]) if ours and theirs else None
        low, high = bootstrap.interval(
            network_resampled[name] - rival_resampled[name], value, support, limits, reflected=one.biased
        )
        differences[name] = Score(
            float(value[0]), float(low[0]), float(high[0]), resampling.n, one.about.direction, bootstrap.LEVEL
        )
    return differences


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
