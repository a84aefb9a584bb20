"""What the network's answers rest on: permutation importance of raw columns, and partial dependence on the foremost.

A column is shuffled among the judged examples, all else untouched; what the headline loses is what the network
drew from it (Breiman, Random Forests, 2001; of any model: Fisher, Rudin and Dominici, 2019). Where two columns
say the same, each alone may seem unimportant, as the network reads the other. Partial dependence sets a column
to one value for all examples and takes the mean answer (Friedman, Greedy function approximation, 2001). Neither
says what would happen if somebody changed the world: they describe the network.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np

from stepwell import discovery
from stepwell.judge import bootstrap, subsets
from stepwell.judge.scores import Dependence, Importance
from stepwell.preparation import take
from stepwell.schema import Array, Columns, Field, Schema, Score
from stepwell.task import Task

Answer = Callable[[Columns], Columns]
"""Raw input columns of some examples -> predictions in the terms of the task's `decode`."""

ANSWERS = 50_000
"""Answers of the network that importance may cost in all: the examples are fewer where the columns are many."""

ROWS, LEAST, REPEATS, REPLICATES = 5_000, 100, 5, 100
"""Examples at most and at least, shuffles of each column, and resamples."""

READ, FEWEST = 5_000_000, 10
"""Columns that are read in all at most, whatever the examples; and those that are shuffled however many there are."""

ROUND = (2_000, 1_000, 500, 200)
"""Examples that are used where there is no time for more."""

_NORMAL = 1.959964  # standard errors on either side of 95 %

FOREMOST, PLACES, AVERAGED, CLASSES = 6, 10, 250, 10
"""Columns that get a curve, values on it, examples it is a mean of, and classes it is drawn for, at most."""


def importance(
    card: Task,
    rooms: Sequence[str],
    truth: Columns,
    raw: Columns,
    names: Sequence[str],
    answer: Answer,
    schema: Schema,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    seconds: float | None = None,
) -> Importance | None:
    """What `card.headline` loses by shuffling each of the columns `names` of `raw`; None where it is undefined.

    `raw` holds the input columns, `truth` the answers, of the same examples in the same order. At most `ROWS`
    examples, chosen by `seed`, are used, fewer where there are many columns; columns beyond what `ANSWERS` and `READ`
    allow are passed over. Where that would take more than `seconds`, by the time of one scoring, the examples are
    fewer, a round number, and of very many columns fewer are shuffled. Intervals are those of a normal error, which
    resampled examples (groups, where they repeat) and resampled shuffles give.
    """
    looked = list(names)[: columns_shuffled(len(names))]
    n = len(next(iter(truth.values()), ()))
    if not looked or not n:
        return None
    generator = np.random.Generator(np.random.Philox(key=seed))
    rows = np.sort(generator.permutation(n)[: examples_used(n, len(names))])
    metric = discovery.find(rooms, card.headline)
    start = time.perf_counter()
    standing = _standing(metric, truth, raw, rows, answer, schema, groups, seed)
    fitting = _fitting(len(rows), time.perf_counter() - start, len(looked) * REPEATS, seconds)
    if standing is not None and fitting < len(rows):
        rows, start = rows[np.sort(generator.permutation(len(rows))[:fitting])], time.perf_counter()
        standing = _standing(metric, truth, raw, rows, answer, schema, groups, seed)
        if seconds is not None and fitting == LEAST:  # of very many columns it is reading them that takes the time
            once = max(time.perf_counter() - start, 1e-9)
            looked = looked[: max(FEWEST, int(seconds / (once * REPEATS)))]
    if standing is None:
        return None
    found = {}
    for name in looked:
        sign = 1.0 if metric.DIRECTION == "max" else -1.0
        losses, replicates = [], []
        for shuffled in _shuffled(standing.raw, name, generator):
            changed = metric.prepare(standing.truth, answer(shuffled), schema)
            losses.append(sign * (standing.score - float(metric.score(changed, None))))
            replicates.append(sign * (standing.resampled - _resampled(metric, changed, standing.weights)))
        one = _mean_loss(np.array(losses), np.stack(replicates, axis=1), len(rows), generator)
        if one is not None:
            found[name] = one
    ordered = dict(sorted(found.items(), key=lambda one: -one[1].value))
    return Importance(len(rows), REPEATS, ordered, len(names) - len(looked))


def examples_used(n: int, columns: int) -> int:
    """On how many of `n` examples so many columns are shuffled where there is time for it."""
    return min(n, max(LEAST, min(ROWS, ANSWERS // (max(1, columns_shuffled(columns)) * REPEATS))))


def columns_shuffled(columns: int) -> int:
    """How many of so many columns are shuffled where there is time: each time all of them are read."""
    return min(columns, ANSWERS // (LEAST * REPEATS), max(FEWEST, READ // (REPEATS * max(1, columns))))


@dataclass(frozen=True)
class _Standing:
    """Some examples as they are: their columns, the metric, and its values `(B,)` under `weights` `(B, n)`."""

    truth: Columns
    raw: Columns
    score: float
    weights: Array
    resampled: Array


def _standing(
    metric: ModuleType,
    truth: Columns,
    raw: Columns,
    rows: Array,
    answer: Answer,
    schema: Schema,
    groups: Sequence[str] | None,
    seed: int,
) -> _Standing | None:
    """The examples at `rows`; None where the metric is undefined on them."""
    truth, raw = take(truth, rows), take(raw, rows)
    state = metric.prepare(truth, answer(raw), schema)
    score = float(metric.score(state, None))
    if not math.isfinite(score):
        return None
    units = None if groups is None else [groups[row] for row in rows]
    resampling = replace(bootstrap.plan(len(rows), units, seed), replicates=REPLICATES)
    weights = np.stack(list(resampling.weights()))
    return _Standing(truth, raw, score, weights, _resampled(metric, state, weights))


def _fitting(n: int, once: float, times: int, seconds: float | None) -> int:
    """How many of `n` examples may be shuffled `times` in `seconds`, where that takes `once` with all of them."""
    if seconds is None or once * times <= seconds:
        return n
    share = n * max(0.0, seconds) / (once * times)
    return min(n, next((one for one in ROUND if one <= share), LEAST))


def dependence(
    raw: Columns, names: Sequence[str], answer: Answer, schema: Schema, seed: int = 0
) -> tuple[Dependence, ...]:
    """The mean answer over the values of each of the first `FOREMOST` of `names`; none where answers are no numbers.

    Numbers are set to their quantiles, texts to their most frequent values. Of classes the first `CLASSES` are
    followed, of two only the second. At most `AVERAGED` examples of `raw`, chosen by `seed`, are averaged.
    """
    target = schema.targets[0] if schema.targets else None
    n = len(next(iter(raw.values()), ()))
    if target is None or target.kind not in ("category", "number") or not n:
        return ()
    rows = np.sort(np.random.Generator(np.random.Philox(key=seed)).permutation(n)[:AVERAGED])
    sample = take(raw, rows)
    curves = (_curve(sample, name, _places(raw[name]), answer, target) for name in names[:FOREMOST])
    return tuple(one for one in curves if one is not None)


def _resampled(metric: ModuleType, state: Any, weights: Array) -> Array:
    """The metric under each row of `weights` `(B, n)`; `(B,)`, NaN where it is undefined."""
    plain = subsets.means(metric, state)
    if plain is not None:
        values: Array = weights @ plain / weights.sum(axis=1)
        return values
    scored = np.array([metric.score(state, weight) for weight in weights], dtype=np.float64)
    return np.where(np.isfinite(scored), scored, np.nan)


def _shuffled(raw: Columns, name: str, generator: np.random.Generator) -> Iterator[Columns]:
    n = len(raw[name])
    for _ in range(REPEATS):
        yield {**raw, **take({name: raw[name]}, generator.permutation(n))}


def _mean_loss(losses: Array, replicates: Array, n: int, generator: np.random.Generator) -> Score | None:
    """The mean of the `losses` `(shuffles,)`, its error from `replicates` `(B, shuffles)` with shuffles redrawn.

    None where it is undefined on a shuffle, or on nearly all replicates.
    """
    drawn = generator.integers(0, len(losses), replicates.shape)
    means = np.take_along_axis(replicates, drawn, axis=1).mean(axis=1)
    means = means[np.isfinite(means)]
    if not np.isfinite(losses).all() or len(means) < 2:
        return None
    value, error = float(losses.mean()), _NORMAL * float(means.std(ddof=1))
    return Score(value, value - error, value + error, n, "max", bootstrap.LEVEL)


def _places(column: Array | Sequence[Any]) -> tuple[float, ...] | tuple[str, ...]:
    """The values that a column is set to: quantiles of numbers, ascending, or the most frequent texts."""
    if isinstance(column, np.ndarray) and column.dtype.kind in "fiu":
        known = column[np.isfinite(column.astype(np.float64))]
        if not len(known):
            return ()
        at = np.quantile(known, np.linspace(0.025, 0.975, PLACES), method="nearest")
        return tuple(float(one) for one in np.unique(at))
    return tuple(str(one) for one, _ in Counter(one for one in column if one is not None).most_common(PLACES))


def _curve(sample: Columns, name: str, at: Sequence[float | str], answer: Answer, target: Field) -> Dependence | None:
    """The mean answers of `sample` with the column `name` at each value; None where it has fewer than two values."""
    if len(at) < 2:
        return None
    n = len(sample[name])
    means: dict[str, list[float]] = {}
    errors: dict[str, list[float]] = {}
    for value in at:
        column = np.full(n, value) if isinstance(value, float) else [value] * n
        for key, values in _followed(answer({**sample, name: column}), target).items():
            means.setdefault(key, []).append(float(values.mean()))
            errors.setdefault(key, []).append(_NORMAL * float(values.std(ddof=1)) / math.sqrt(n) if n > 1 else 0.0)
    if not means:
        return None
    return Dependence(
        column=name,
        n=n,
        at=tuple(at),
        mean={key: tuple(one) for key, one in means.items()},
        low={key: tuple(m - e for m, e in zip(one, errors[key], strict=True)) for key, one in means.items()},
        high={key: tuple(m + e for m, e in zip(one, errors[key], strict=True)) for key, one in means.items()},
        level=bootstrap.LEVEL,
    )


def _followed(predictions: Columns, target: Field) -> Mapping[str, Array]:
    """What a curve follows: the value of a number, the probabilities of classes; `(n,)` each. None of other answers."""
    if target.kind == "number":
        values = np.asarray(predictions[target.name], dtype=np.float64)
        return {target.name: values} if values.ndim == 1 else {}
    shares = np.asarray(predictions.get("probabilities", ()), dtype=np.float64)
    if shares.ndim != 2:
        return {}
    followed = range(1, 2) if shares.shape[1] == 2 else range(min(CLASSES, shares.shape[1]))
    return {target.classes[place]: shares[:, place] for place in followed}
