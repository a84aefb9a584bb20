"""The values of one metric on subsets of the examples, all from the same resamples, so that differences are paired."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from stepwell.judge import bootstrap
from stepwell.judge.bootstrap import Resampling
from stepwell.schema import Array, Score

FEWER = 200
"""Resamples of a metric that is no mean over examples: each costs a whole scoring."""

_BLOCK = 64  # resamples that are worked on at a time


def means(metric: ModuleType, state: Any) -> Array | None:
    """A value an example `(n,)` whose (weighted) mean the metric is; None where it is no such mean."""
    if not hasattr(metric, "per_example"):
        return None
    values = np.asarray(metric.per_example(state), dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all():
        return None
    weight = np.random.Generator(np.random.Philox(key=0)).random(len(values))
    for tried in (np.ones(len(values)), weight):
        score = float(metric.score(state, tried))
        if not np.isclose(score, tried @ values / tried.sum(), rtol=1e-9, atol=1e-12):
            return None
    return values


def values(metric: ModuleType, state: Any, masks: Array) -> Array:
    """The metric on each subset of `masks` `(m, n)` bool; `(m,)` float64, NaN where it is undefined."""
    scored = [metric.score(state, mask.astype(np.float64)) if mask.any() else np.nan for mask in masks]
    found = np.array(scored, dtype=np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def resampled(metric: ModuleType, state: Any, masks: Array, resampling: Resampling) -> Array:
    """The metric on each subset in each resample, `(replicates, m)`, NaN where it is undefined.

    A metric that is a mean over examples has all of the plan's replicates, any other at most `FEWER`; one whose
    interval needs no resampling has none.
    """
    if _on_logit(metric):
        return np.empty((0, len(masks)))
    plain = means(metric, state)
    if plain is not None:
        return _resampled_means(plain, masks, resampling)
    weighing = masks.astype(np.float64)
    found = np.full((min(FEWER, resampling.replicates), len(masks)), np.nan)
    for row, weight in zip(found, resampling.weights(), strict=False):
        for place, mask in enumerate(weighing):
            weighed = weight * mask
            if weighed.any():
                row[place] = metric.score(state, weighed)
    found[~np.isfinite(found)] = np.nan
    return found


def units(masks: Array, resampling: Resampling) -> Array:
    """How many drawn units (examples, or groups of them) each subset holds any of, `(m,)` float64."""
    group = resampling.group
    held = [int(mask.sum()) if group is None else len(np.unique(group[mask])) for mask in masks]
    return np.array(held, dtype=np.float64)


def limits(metric: ModuleType, state: Any) -> tuple[float, float] | None:
    """Between which values an example that was not seen may lie; None where the metric does not say."""
    if not hasattr(metric, "limits"):
        return None
    low, high = metric.limits(state)
    return float(low), float(high)


def score(metric: ModuleType, state: Any, mask: Array, replicates: Array, resampling: Resampling) -> Score | None:
    """The metric on one subset `(n,)` with its interval from `replicates` `(B,)`; None where it is undefined."""
    value = values(metric, state, mask[None])
    if np.isnan(value[0]):
        return None
    held, ends = units(mask[None], resampling), limits(metric, state)
    if _on_logit(metric):
        error = resampling.error(_parts(metric, state, mask))
        low, high = bootstrap.on_logit(value, error, _support(metric, state, mask, resampling), ends)
    else:
        low, high = bootstrap.interval(replicates[:, None], value, held, ends)
    return Score(float(value[0]), float(low[0]), float(high[0]), int(mask.sum()), metric.DIRECTION, bootstrap.LEVEL)


def difference(
    metric: ModuleType, state: Any, first: Array, second: Array, replicates: Array, resampling: Resampling
) -> Score | None:
    """The metric on subset `first` minus that on `second` `(n,)`, from `replicates` `(B, 2)`; None where undefined.

    Its n is that of the smaller subset, and so is what it rests on.
    """
    masks = np.stack([first, second])
    both = values(metric, state, masks)
    if np.isnan(both).any():
        return None
    ends = limits(metric, state)
    span = None if ends is None else (ends[0] - ends[1], ends[1] - ends[0])
    held = units(masks, resampling).min(keepdims=True)
    value = both[:1] - both[1:]
    if _on_logit(metric):
        error = resampling.error(_parts(metric, state, first) - _parts(metric, state, second))
        least = np.minimum(*(_support(metric, state, one, resampling) for one in masks))
        low, high = bootstrap.symmetric(value, error, least, span)
    else:
        low, high = bootstrap.interval(replicates[:, :1] - replicates[:, 1:], value, held, span)
    n = int(masks.sum(axis=1).min())
    return Score(float(value[0]), float(low[0]), float(high[0]), n, metric.DIRECTION, bootstrap.LEVEL)


def _on_logit(metric: ModuleType) -> bool:
    return getattr(metric, "INTERVAL", "") == "logit"


def _parts(metric: ModuleType, state: Any, mask: Array) -> Array:
    """What each example contributes to the error of the metric on a subset, `(n,)`: nothing outside of it."""
    weight = mask.astype(np.float64)
    parts: Array = weight * metric.influence(state, weight) / weight.sum()
    return parts


def _support(metric: ModuleType, state: Any, mask: Array, resampling: Resampling) -> Array:
    """How many drawn units the metric rests on in a subset, at least 1, `(1,)`."""
    return np.maximum(1.0, np.array([metric.support(state, mask.astype(np.float64))]) * resampling.units / resampling.n)


def _resampled_means(plain: Array, masks: Array, resampling: Resampling) -> Array:
    weighing = masks.astype(np.float64).T
    both = np.concatenate([weighing * plain[:, None], weighing], axis=1)
    found = np.full((resampling.replicates, len(masks)), np.nan)
    drawn: list[Array] = []
    start = 0
    for number, weight in enumerate(resampling.weights(), start=1):
        drawn.append(weight)
        if len(drawn) == _BLOCK or number == resampling.replicates:
            sums = np.stack(drawn) @ both
            above, below = sums[:, : len(masks)], sums[:, len(masks) :]
            np.divide(above, below, out=found[start:number], where=below > 0)
            drawn, start = [], number
    return found
