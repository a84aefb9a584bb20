"""Is one really better? Several sets of predictions on the same examples, compared pair by pair.

Each difference has an interval from resamples that both sides share, and a test of the hypothesis that
there is none:

- `mcnemar`: of answers that are right or wrong, the exact test on the examples where the two differ
  (McNemar, 1947); for examples drawn singly;
- `permutation`: of a metric that is a mean over examples, the two sides of each example (or group) are
  exchanged at random, 10,000 times, 1,000 times where they are many (Fisher, 1935);
- `delong`: of areas under curves, the error of the difference from both sides' influence values (DeLong, DeLong and
  Clarke-Pearson, 1988), Student's by the number of the rarer side's examples;
- `bootstrap`: of any other, a normal error that fits the interval (Efron and Tibshirani, 1993).

Of more than two sides every pair is compared, and probabilities are adjusted within each metric (Holm, 1979).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import numpy as np

from stepwell import discovery
from stepwell.errors import DataError, UsageError
from stepwell.judge import bootstrap, scoring, subsets
from stepwell.judge.bootstrap import Resampling
from stepwell.judge.scores import About, Interval, Scores, from_json
from stepwell.judge.slices import holm, two_sided
from stepwell.schema import Array, Columns, Schema, Score
from stepwell.task import Task

PERMUTATIONS, FEWER, MANY = 10_000, 1_000, 20_000
"""Random exchanges; from `MANY` examples (or groups) on, `FEWER`."""

CLEAR = 0.05
"""A difference whose adjusted probability is below this is called real."""

Test = Literal["mcnemar", "permutation", "delong", "bootstrap"]


@dataclass(frozen=True)
class Difference:
    """First minus second in one metric: `chance` is the test's probability, `adjusted` that for all pairs (Holm)."""

    score: Score
    test: Test
    chance: float
    adjusted: float


@dataclass(frozen=True)
class Pair:
    """Two sides by name, and their difference in every metric that is defined for both."""

    first: str
    second: str
    differences: Mapping[str, Difference]


@dataclass(frozen=True)
class Comparison:
    """All sides on the same `n` examples: scores by side and metric, every pair, and how intervals came about."""

    task: str
    n: int
    headline: str
    sides: tuple[str, ...]
    scores: Mapping[str, Mapping[str, Score]]
    pairs: tuple[Pair, ...]
    interval: Interval
    metrics: Mapping[str, About]
    verdict: str
    notes: tuple[str, ...] = field(default_factory=tuple)


def compare(
    card: Task,
    rooms: Sequence[str],
    truth: Columns,
    sides: Mapping[str, Columns],
    schema: Schema,
    groups: Sequence[str] | None = None,
    seed: int = 0,
    *,
    task: str = "",
    notes: Sequence[str] = (),
) -> Comparison:
    """Compare the predictions of at least two `sides` (name -> predictions) of the same examples, in the same order.

    `groups` names what is resampled and exchanged together, or is None. `UsageError` for fewer than two sides,
    `DataError` where they are not as long as `truth`, or as for `scoring.judge`.
    """
    if len(sides) < 2:
        raise UsageError("One alone cannot be compared.", do="name at least two")
    n = len(next(iter(truth.values()), ()))
    for name, predictions in sides.items():
        if any(len(column) != n for column in predictions.values()):
            raise DataError(f"{name} does not answer the same {n:,} examples.", where=name)
    numbers = tuple(name for name in card.metrics if discovery.find(rooms, name).KIND == "number")
    card = dataclasses.replace(card, metrics=numbers)
    names = list(sides)
    judged: list[Scores] = []
    for place, name in enumerate(names):
        rivals = {other: (sides[other], 0, "") for other in names[place + 1 :]}
        content = scoring.judge(card, rooms, truth, sides[name], schema, groups, seed, rivals)
        judged.append(from_json(msgspec.to_builtins(content)))
    resampling = bootstrap.plan(n, groups, seed)
    states = {
        metric: {name: discovery.find(rooms, metric).prepare(truth, sides[name], schema) for name in names}
        for metric in numbers
    }
    pairs = []
    for place, other in itertools.combinations(range(len(names)), 2):
        found = judged[place].baselines[names[other]].differences
        tested = {
            metric: _tested(
                discovery.find(rooms, metric), states[metric], (names[place], names[other]), one, resampling
            )
            for metric, one in found.items()
        }
        pairs.append(Pair(names[place], names[other], tested))
    adjusted = _adjusted(pairs)
    about = {name: one for scores in judged for name, one in scores.metrics.items()}
    return Comparison(
        task=task,
        n=n,
        headline=card.headline,
        sides=tuple(names),
        scores={name: one.scores for name, one in zip(names, judged, strict=True)},
        pairs=adjusted,
        interval=judged[0].interval,
        metrics=about,
        verdict=_verdict(adjusted, card.headline, about),
        notes=tuple(notes),
    )


def mcnemar(first_only: int, second_only: int) -> float:
    """The exact two-sided probability of so uneven a count of examples that only one side has right.

    Each of the differing examples falls to either side with probability 1/2; 1.0 where there is none.
    """
    differing = first_only + second_only
    fewer = min(first_only, second_only)
    logs = [_log_choose(differing, count) - differing * math.log(2) for count in range(fewer + 1)]
    return min(1.0, 2.0 * math.fsum(math.exp(one) for one in logs))


def exchanged(differences: Array, seed: int) -> float:
    """The two-sided probability of a sum so far from 0 when each of `differences` `(m,)` may as well be of other sign.

    Counted over random exchanges, the observed one among them, so that it is never 0.
    """
    differences = differences[differences != 0]
    observed = abs(float(differences.sum()))
    permutations = PERMUTATIONS if len(differences) < MANY else FEWER
    generator = np.random.Generator(np.random.Philox(key=seed))
    beyond = 1
    block = max(1, 2_000_000 // max(1, len(differences)))
    for start in range(0, permutations, block):
        size = (min(block, permutations - start), len(differences))
        signs = generator.integers(0, 2, size, dtype=np.int8) * 2.0 - 1.0
        beyond += int((np.abs(signs @ differences) >= observed * (1 - 1e-12)).sum())
    return beyond / (permutations + 1)


def _tested(
    metric: Any, states: Mapping[str, Any], names: tuple[str, str], score: Score, resampling: Resampling
) -> Difference:
    """The difference with its test; `adjusted` is not yet adjusted."""
    first, second = (subsets.means(metric, states[name]) for name in names)
    if first is None or second is None:
        chance = two_sided(score.value, score.low, score.high)
        test: Test = "delong" if getattr(metric, "INTERVAL", "") == "logit" else "bootstrap"
        return Difference(score, test, chance, chance)
    if resampling.group is None and np.isin(first, (0, 1)).all() and np.isin(second, (0, 1)).all():
        chance = mcnemar(int((first > second).sum()), int((second > first).sum()))
        return Difference(score, "mcnemar", chance, chance)
    differences = first - second
    if resampling.group is not None:
        differences = np.bincount(resampling.group, weights=differences, minlength=resampling.units)
    chance = exchanged(differences, resampling.seed)
    return Difference(score, "permutation", chance, chance)


def _adjusted(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """The pairs with the probabilities of each metric adjusted for their number."""
    found: list[dict[str, Difference]] = [dict(pair.differences) for pair in pairs]
    for metric in dict.fromkeys(name for one in found for name in one):
        places = [place for place, one in enumerate(found) if metric in one]
        adjusted = holm([found[place][metric].chance for place in places])
        for place, chance in zip(places, adjusted, strict=True):
            found[place][metric] = dataclasses.replace(found[place][metric], adjusted=chance)
    return tuple(Pair(pair.first, pair.second, one) for pair, one in zip(pairs, found, strict=True))


def _verdict(pairs: Sequence[Pair], headline: str, metrics: Mapping[str, About]) -> str:
    """What the headline says of each pair, the clear ones in one sentence each and the others together."""
    sentences, open_ones = [], []
    title = metrics[headline].title
    for pair in pairs:
        one = pair.differences.get(headline)
        if one is None or one.adjusted >= CLEAR:
            open_ones.append(f"{pair.first} and {pair.second}")
            continue
        sign = 1 if one.score.direction == "max" else -1
        better, worse = (pair.first, pair.second) if sign * one.score.value > 0 else (pair.second, pair.first)
        likely = "less than 0.001" if one.adjusted < 0.001 else f"{one.adjusted:.3f}"
        sentences.append(
            f"{better} is better than {worse}: if they were equal, so large a difference in {title} would come about "
            f"with a probability of {likely}."
        )
    if open_ones:
        sentences.append(f"By their {title} these examples do not tell apart {'; nor '.join(open_ones)}.")
    return " ".join(sentences)


def _log_choose(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
