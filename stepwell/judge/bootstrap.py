"""Intervals by resampling: examples, or groups of examples where groups repeat, are drawn with replacement.

An interval is the percentile interval of the bootstrap (Efron, 1979), expanded where it rests on few examples
(Hesterberg, 2015), and never narrower than what one kind of example that the sample does not hold could do. Of n
examples none showed it, so its share is at most p = 1 − (α/2)^(1/n), the exact bound of Clopper and Pearson
(1934); such examples could move the value v to v − p (v − lowest) or to v + p (highest − v). So 20 right of 20
give [0.832, 1] and not [1, 1], and one group alone, which says nothing about other groups, gives nearly all
that is possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from stepwell.schema import Array

LEVEL = 0.95
_LEAST_FREEDOM = 3.0  # below that the bound on what was not seen is wider anyway
REPLICATES = 1000
MANY, FEWER = 50_000, 200
"""From `MANY` examples on, `FEWER` replicates: judging must not take minutes, and percentiles differ little."""


@dataclass(frozen=True)
class Resampling:
    """What is drawn: `units` examples or groups, `replicates` times; `group` `(n,)` is each example's group or None."""

    n: int
    units: int
    by: Literal["example", "group"]
    replicates: int
    seed: int
    group: Array | None

    def weights(self) -> Iterator[Array]:
        """One array `(n,)` float64 a replicate: how often each example was drawn. The same for the same seed."""
        generator = np.random.Generator(np.random.Philox(key=self.seed))
        for _ in range(self.replicates):
            drawn = generator.integers(0, self.units, self.units)
            counts = np.bincount(drawn, minlength=self.units).astype(np.float64)
            yield counts if self.group is None else counts[self.group]


def replicates(n: int) -> int:
    """How often `n` examples are resampled where there is time."""
    return REPLICATES if n < MANY else FEWER


def plan(n: int, groups: Sequence[str] | None, seed: int) -> Resampling:
    """How `n` examples are resampled: by group where two of them share one, else singly. `seed` is at least 0."""
    times = replicates(n)
    if groups is not None:
        numbers = {name: number for number, name in enumerate(dict.fromkeys(groups))}
        if len(numbers) < n:
            group = np.array([numbers[name] for name in groups], dtype=np.int64)
            return Resampling(n, len(numbers), "group", times, seed, group)
    return Resampling(n, n, "example", times, seed, None)


def interval(
    replicates: Array,
    value: Array,
    support: Array,
    limits: tuple[float, float] | None,
    *,
    reflected: bool = False,
) -> tuple[Array, Array]:
    """The low and high ends, `(k,)` each, of `k` values; NaN where a value is NaN.

    `replicates` is `(B, k)`, in which NaN (a class that a resample lacks) is passed over; `value` `(k,)`;
    `support` `(k,)` how many examples or groups each rests on. Where `limits` is None nothing is known of
    examples not seen, and the percentiles stand alone. `reflected` is for a value that chance moves one way, and
    resampling once more by as much: the percentiles are reflected at the value (the basic bootstrap of Davison and
    Hinkley, 1997), which takes off what was added.
    """
    tail = (1.0 - LEVEL) / 2.0
    low, high = value.copy(), value.copy()
    known = ~np.isnan(value) & ~np.isnan(replicates).all(axis=0)
    each = expanded(tail, support[known])
    low[known], high[known] = (_quantiles(replicates[:, known], one) for one in (each, 1.0 - each))
    if reflected:
        low, high = 2.0 * value - high, 2.0 * value - low
        if limits is not None:
            low, high = np.maximum(low, limits[0]), np.minimum(high, limits[1])
    lowest, highest = limits if limits is not None else (value, value)
    unseen = 1.0 - tail ** (1.0 / np.maximum(support, 1.0))
    return np.fmin(low, value - unseen * (value - lowest)), np.fmax(high, value + unseen * (highest - value))


def expanded(tail: float, support: Array) -> Array:
    """The tail `(k,)` below which a percentile is taken, for values that rest on `support` `(k,)` examples each.

    Resamples of few examples are too alike: they vary by the share n / (n - 1) less than samples do, and their spread
    is itself uncertain. The tail is that of the normal distribution beyond Student's quantile times the root of that
    share (the expanded percentile interval of Hesterberg, The American Statistician 69, 2015).
    """
    freedom = np.maximum(support - 1.0, _LEAST_FREEDOM)
    z = NormalDist().inv_cdf(1.0 - tail)
    # Student's quantile by the expansion of Cornish and Fisher, right to three digits from three degrees on.
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    student = z + sum(term / freedom**power for power, term in enumerate(terms, start=1))
    ends = student * np.sqrt((freedom + 1.0) / freedom)
    tails: Array = np.array([NormalDist().cdf(-end) for end in ends.tolist()])
    return tails


def _quantiles(replicates: Array, share: Array) -> Array:
    """For each column of `(B, k)` its own quantile, `(k,)`, NaN passed over; as `numpy.nanquantile` of one share."""
    ordered = np.sort(replicates, axis=0)  # NaN comes last
    place = share * ((~np.isnan(replicates)).sum(axis=0) - 1)
    below = np.floor(place).astype(np.int64)
    columns = np.arange(replicates.shape[1])
    first, then = ordered[below, columns], ordered[np.ceil(place).astype(np.int64), columns]
    found: Array = first + (then - first) * (place - below)
    return found
