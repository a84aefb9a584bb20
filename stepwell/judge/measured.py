"""The metrics of one set of predictions: their values, what resampling makes of them, and the intervals that follow."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import ModuleType
from typing import Any

import numpy as np

from stepwell.judge import bootstrap
from stepwell.judge.bootstrap import Estimate, Resampling
from stepwell.judge.scores import About
from stepwell.schema import Array, Columns, Schema, Score

STOPS = (100, 200, 500)
"""Numbers of resamples at which a judging that takes too long may end."""


@dataclass(frozen=True)
class Measured:
    """One metric of one set of predictions: what it was computed from, and its values `(k,)`."""

    about: About
    metric: ModuleType
    state: Any
    values: Array

    @property
    def interval(self) -> str:
        """Which interval the metric gets: `percentile`, `studentized` or `logit` (see `judge.bootstrap`)."""
        return self.about.interval

    def replicates(self, resampling: Resampling) -> int:
        """How many of the resamples are scored: all, none, or as many as the metric says where each is dear."""
        if self.interval == "logit":
            return 0
        return min(resampling.replicates, getattr(self.metric, "REPLICATES", resampling.replicates))

    def score(self, weight: Array, resampling: Resampling, replicate: int, counted: dict[Any, Any]) -> Array:
        """The values under the weights `(n,)` of a replicate; `counted` keeps the tallies of all metrics under these.

        A metric that is `smoothed` counts pseudo-answers too, the same for every set of predictions.
        """
        tally, smoothed = (getattr(self.metric, name, None) for name in ("tally", "smoothed"))
        if tally is None:
            return np.atleast_1d(np.asarray(self.metric.score(self.state, weight), dtype=np.float64))
        same = (self.metric.prepare, tally)
        if same not in counted:
            counted[same] = tally(self.state, weight)
        tallied = counted[same]
        if smoothed is not None:
            if (*same, smoothed) not in counted:
                each = resampling.n / resampling.units
                counted[(*same, smoothed)] = smoothed(tallied, self.state, each, resampling.generator(replicate))
            tallied = counted[(*same, smoothed)]
        return np.atleast_1d(np.asarray(self.metric.worth(tallied), dtype=np.float64))

    def parts(self, weight: Array | None) -> Array:
        """What each example contributes to the error of the value, `(n,)`: its influence by the total weight."""
        if weight is None:
            return self._parts
        found: Array = self.metric.influence(self.state, weight) / weight.sum()
        return found

    @cached_property
    def _parts(self) -> Array:
        influence = self.metric.influence(self.state, None)
        found: Array = influence / len(influence)
        return found

    @cached_property
    def _support(self) -> Any:
        support = getattr(self.metric, "support", None)
        return support(self.state) if support else None

    def support(self, resampling: Resampling) -> Array:
        """How many drawn units each value rests on, at least 1, `(k,)`; examples / examples per group where grouped."""
        examples = np.asarray(resampling.n if self._support is None else self._support, dtype=np.float64)
        return np.maximum(1.0, np.broadcast_to(examples, self.values.shape) * resampling.units / resampling.n)

    def counts(self, n: int) -> list[int]:
        """The number of examples beside each value: all of them for a number, its own for a class."""
        if self.about.kind == "number" or self._support is None:
            return [n] * len(self.values)
        return [int(count) for count in np.asarray(self._support)]

    @property
    def biased(self) -> bool:
        """Whether chance alone moves the value one way."""
        return bool(getattr(self.metric, "BIASED", False))

    def limits(self) -> tuple[float, float] | None:
        """Between which values an example that was not seen may lie; None where the metric does not say."""
        limits: Callable[[Any], tuple[float, float]] | None = getattr(self.metric, "limits", None)
        return limits(self.state) if limits else None

    def range(self) -> tuple[float, float]:
        """The least and the greatest value that there can be: as the metric says, else from its least upwards."""
        limits = self.limits()
        whole: tuple[float, float] = getattr(self.metric, "RANGE", (limits[0] if limits else -np.inf, np.inf))
        return whole

    def ends(self, resampling: Resampling, resampled: Resampled) -> tuple[Array, Array]:
        """The low and high ends `(k,)` of the values, by the interval that the metric gets."""
        support, limits = self.support(resampling), self.limits()
        if self.interval == "percentile":
            return bootstrap.interval(resampled.values, self.values, support, limits, reflected=self.biased)
        parts = self.parts(None)
        if self.interval == "logit":
            return bootstrap.on_logit(self.values, resampling.error(parts), support, limits)
        down, up = (
            Estimate(self.metric.score(self.state, weight), resampling.error(self.parts(weight), weight))
            for weight in resampling.with_more(parts)
        )
        return bootstrap.studentized(
            resampled.values, resampled.errors, self.values, (down, up), support, limits, within=self.range()
        )

    def ends_of_difference(
        self, other: Measured, resampling: Resampling, resampled: Resampled, others: Resampled
    ) -> tuple[Array, Array]:
        """The ends `(1,)` of this value minus that of `other`, a rival on the same examples, by the same interval."""
        value = self.values - other.values
        support = np.minimum(self.support(resampling), other.support(resampling))
        ours, theirs = self.limits(), other.limits()
        limits = (ours[0] - theirs[1], ours[1] - theirs[0]) if ours and theirs else None
        apart = resampled.values - others.values
        if self.interval == "percentile":
            return bootstrap.interval(apart, value, support, limits, reflected=self.biased)
        parts = self.parts(None) - other.parts(None)
        if self.interval == "logit":
            return bootstrap.symmetric(value, resampling.error(parts), support, limits)
        down, up = (
            Estimate(
                self.metric.score(self.state, weight) - other.metric.score(other.state, weight),
                resampling.error(self.parts(weight) - other.parts(weight), weight),
            )
            for weight in resampling.with_more(parts)
        )
        return bootstrap.studentized(apart, others.apart, value, (down, up), support, limits)


@dataclass(frozen=True)
class Resampled:
    """What the replicates of one metric of one set of predictions came to.

    `values` `(B, k)`; where standard errors are needed, `errors` `(B,)` are those of the values, and `apart` `(B,)`
    those of the difference to the first set.
    """

    values: Array
    errors: Array = field(default_factory=lambda: np.zeros(0))
    apart: Array = field(default_factory=lambda: np.zeros(0))

    def first(self, count: int) -> Resampled:
        """The same of the first replicates alone."""
        return Resampled(self.values[:count], self.errors[:count], self.apart[:count])


def about(name: str, metric: ModuleType, schema: Schema) -> About:
    """What a reader of the metric's scores needs to know."""
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
        interval=getattr(metric, "INTERVAL", "percentile"),
    )


def measure(
    metrics: Mapping[str, ModuleType], truth: Columns, predictions: Columns, schema: Schema, kinds: Sequence[str]
) -> dict[str, Measured]:
    """The metrics of these kinds that are defined (finite) at all, each with what it was computed from."""
    measured = {}
    states: dict[Any, Any] = {}  # metrics that are of one kind share what they are computed from
    for name, metric in metrics.items():
        if metric.KIND not in kinds:
            continue
        if metric.prepare not in states:
            states[metric.prepare] = metric.prepare(truth, predictions, schema)
        state = states[metric.prepare]
        values = np.atleast_1d(np.asarray(metric.score(state, None), dtype=np.float64))
        values = np.where(np.isfinite(values), values, np.nan)
        if not np.isnan(values).all():
            measured[name] = Measured(about(name, metric, schema), metric, state, values)
    return measured


def resample(
    everyone: Sequence[Mapping[str, Measured]], resampling: Resampling, seconds: float | None = None
) -> tuple[list[dict[str, Resampled]], Resampling]:
    """For each set of predictions and metric what its replicates come to, and how it was resampled.

    The first set is the network's. After each of `STOPS` it is asked whether the resamples up to the next one still
    fit into `seconds`.
    """
    start = time.perf_counter()
    found = [{name: _room(one, resampling) for name, one in measured.items()} for measured in everyone]
    most = max((len(room.values) for resampled in found for room in resampled.values()), default=0)
    for number, weight in enumerate(itertools.islice(resampling.weights(), most)):
        if seconds is not None and number in STOPS:
            coming = min(most, next((one for one in STOPS if one > number), most))
            if (time.perf_counter() - start) * coming / number > seconds:
                cut = [{name: room.first(number) for name, room in resampled.items()} for resampled in found]
                return cut, replace(resampling, replicates=number)
        of_first: dict[str, Array] = {}
        for measured, resampled in zip(everyone, found, strict=True):
            counted: dict[Any, Any] = {}
            for name, one in measured.items():
                room = resampled[name]
                if number >= len(room.values):
                    continue
                room.values[number] = one.score(weight, resampling, number, counted)
                if one.interval == "studentized":
                    parts = one.parts(weight)
                    first = of_first.setdefault(name, parts)
                    room.errors[number] = resampling.error(parts, weight)
                    room.apart[number] = resampling.error(first - parts, weight) if first is not parts else 0.0
    return found, resampling


def scores(
    measured: Mapping[str, Measured], resampled: Mapping[str, Resampled], resampling: Resampling, kind: str
) -> dict[str, list[Score]]:
    """The scores of all metrics of one kind: one score a number, one a class of a per-class metric."""
    found = {}
    for name, one in measured.items():
        if one.about.kind != kind:
            continue
        low, high = one.ends(resampling, resampled[name])
        found[name] = [
            Score(float(value), float(lower), float(upper), count, one.about.direction, bootstrap.LEVEL)
            for value, lower, upper, count in zip(one.values, low, high, one.counts(resampling.n), strict=True)
        ]
    return found


def differences(
    network: Mapping[str, Measured],
    resampled: Mapping[str, Resampled],
    rival: Mapping[str, Measured],
    others: Mapping[str, Resampled],
    resampling: Resampling,
) -> dict[str, Score]:
    """Network minus rival for each metric that is a number and defined for both, from the same resamples."""
    found = {}
    for name, one in network.items():
        other = rival.get(name)
        if one.about.kind != "number" or other is None:
            continue
        value = float(one.values[0] - other.values[0])
        low, high = one.ends_of_difference(other, resampling, resampled[name], others[name])
        found[name] = Score(value, float(low[0]), float(high[0]), resampling.n, one.about.direction, bootstrap.LEVEL)
    return found


def _room(one: Measured, resampling: Resampling) -> Resampled:
    count = one.replicates(resampling)
    errors = count if one.interval == "studentized" else 0
    return Resampled(np.empty((count, len(one.values))), np.empty(errors), np.empty(errors))
