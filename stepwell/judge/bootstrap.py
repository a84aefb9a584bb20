"""Intervals by resampling: examples, or groups of examples where groups repeat, are drawn with replacement.

Which interval a metric gets, it says itself (`INTERVAL` in its file), by what it is made of:

- `percentile` (the default): percentiles of the resampled values (Efron, 1979), expanded where they rest on few
  examples (Hesterberg, 2015); a mean over classes has two pseudo-answers drawn into each resample;
- `studentized`: of losses without an upper end, the percentiles of how many standard errors a resampled value lies
  from the value (the bootstrap-t of Efron, 1982; Hall, 1988), which follow a long tail where plain ones do not. The
  worst errors there are have mostly not been seen: so each end counts the example that moves the value furthest that
  way by `MORE` more than once, as pseudo-answers are counted for shares;
- `logit`: of areas under curves, Student's interval on the logit scale, without resampling.

The last two need standard errors, and have them from the metric's influence values, by which the value moves with each
example's weight (the infinitesimal jackknife of Jaeckel, 1972; of the AUROC that of DeLong, 1988; in groups their
sums, after Obuchowski, 1997). The difference of two sides has the difference of their influence values.

No interval is narrower than what one kind of example that the sample does not hold could do. Of n examples none showed
it, so its share is at most p = 1 − (α/2)^(1/n), the exact bound of Clopper and Pearson (1934); such examples could move
the value v to v − p (v − lowest) or to v + p (highest − v). So 20 right of 20 give [0.832, 1] and not [1, 1], and one
group alone, which says nothing about other groups, gives nearly all that is possible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import Literal

import numpy as np

from stepwell.schema import Array

LEVEL = 0.95
_LEAST_FREEDOM = 3.0  # below that the bound on what was not seen is wider anyway
MORE = 0.5
"""Chosen of 0, 1/2, 3/4 and 1 on simulations: normal, Laplace, Student's, gamma and mixed errors, n 100 to 2,000."""

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

    def generator(self, replicate: int) -> np.random.Generator:
        """For what else is random in a replicate; the same for every set of predictions, so that these stay paired."""
        return np.random.Generator(np.random.Philox(key=[self.seed, replicate + 1]))

    def error(self, parts: Array, weight: Array | None = None) -> float:
        """The standard error of a value to which each example contributes `parts` `(n,)`: influence by total weight.

        `weight` is that of a replicate, or None for the sample itself. Examples of a group contribute their sum. 0 for
        one unit alone, which shows no variation.
        """
        if self.units < 2:
            return 0.0
        sums = parts if self.group is None else np.bincount(self.group, weights=parts, minlength=self.units)
        drawn = np.ones(self.units) if weight is None else weight if self.group is None else weight[self._firsts]
        return float(np.sqrt(drawn @ sums**2))

    def with_more(self, parts: Array) -> tuple[Array, Array]:
        """The weights `(n,)` with `MORE` of one unit besides: of what moves the value furthest down, and furthest up.

        `parts` `(n,)` is what each example contributes to the error of the value (see `error`).
        """
        sums = parts if self.group is None else np.bincount(self.group, weights=parts, minlength=self.units)
        unit = np.arange(self.n) if self.group is None else self.group
        return 1.0 + MORE * (unit == sums.argmin()), 1.0 + MORE * (unit == sums.argmax())

    @cached_property
    def _firsts(self) -> Array:
        """One example of each group."""
        firsts: Array = np.unique(np.asarray(self.group), return_index=True)[1]
        return firsts


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
    low, high = value.copy(), value.copy()
    known = ~np.isnan(value) & ~np.isnan(replicates).all(axis=0)
    each = expanded(support[known])
    low[known], high[known] = (_quantiles(replicates[:, known], one) for one in (each, 1.0 - each))
    if reflected:
        low, high = 2.0 * value - high, 2.0 * value - low
        if limits is not None:
            low, high = np.maximum(low, limits[0]), np.minimum(high, limits[1])
    return widened(low, high, value, support, limits)


@dataclass(frozen=True)
class Estimate:
    """A value and its standard error."""

    value: float
    error: float


def studentized(
    replicates: Array,
    errors: Array,
    value: Array,
    ends: tuple[Estimate, Estimate],
    support: Array,
    limits: tuple[float, float] | None,
    *,
    within: tuple[float, float] = (-np.inf, np.inf),
) -> tuple[Array, Array]:
    """The ends, `(1,)` each, of one `value` whose replicates have the standard errors `errors`.

    `replicates` is `(B, 1)`, `errors` `(B,)`; a replicate without an error (all its examples alike) is passed over.
    `ends` are the estimates that the low and the high end start from (see `Resampling.with_more`); `within` are the
    least and the greatest value there can be.
    """
    tail = (1.0 - LEVEL) / 2.0
    there = (errors > 0) & np.isfinite(replicates[:, 0])
    low, high = value.copy(), value.copy()
    down, up = ends
    if there.any() and down.error > 0 and up.error > 0:
        shift = (replicates[there, 0] - value[0]) / errors[there]
        far, near = np.quantile(shift, (1.0 - tail, tail))
        low = np.maximum(within[0], np.fmin(value, down.value - far * down.error))
        high = np.minimum(within[1], np.fmax(value, up.value - near * up.error))
    return widened(low, high, value, support, limits)


def on_logit(value: Array, error: float, support: Array, limits: tuple[float, float] | None) -> tuple[Array, Array]:
    """The ends, `(1,)` each, of one value in [0, 1] by Student's quantile of its standard error on the logit scale."""
    low, high = value.copy(), value.copy()
    if 0.0 < value[0] < 1.0 and error > 0:
        middle = np.log(value / (1.0 - value))
        reach = _reach(support) * error / (value * (1.0 - value))
        low, high = 1.0 / (1.0 + np.exp(reach - middle)), 1.0 / (1.0 + np.exp(-reach - middle))
    return widened(low, high, value, support, limits)


def symmetric(value: Array, error: float, support: Array, limits: tuple[float, float] | None) -> tuple[Array, Array]:
    """The ends, `(1,)` each, of a difference by Student's quantile; `limits` count only where it shows no variation."""
    reach = _reach(support) * error
    return (value - reach, value + reach) if error > 0 else widened(value, value, value, support, limits)


def widened(
    low: Array, high: Array, value: Array, support: Array, limits: tuple[float, float] | None
) -> tuple[Array, Array]:
    """The ends moved out to what examples of a kind that was not seen, between `limits`, could do."""
    lowest, highest = limits if limits is not None else (value, value)
    unseen = 1.0 - ((1.0 - LEVEL) / 2.0) ** (1.0 / np.maximum(support, 1.0))
    return np.fmin(low, value - unseen * (value - lowest)), np.fmax(high, value + unseen * (highest - value))


def expanded(support: Array) -> Array:
    """The tail `(k,)` below which a percentile is taken, for values that rest on `support` `(k,)` examples each.

    Resamples of few examples are too alike: they vary by the share n / (n - 1) less than samples do, and their spread
    is itself uncertain. The tail is that of the normal distribution beyond Student's quantile times the root of that
    share (the expanded percentile interval of Hesterberg, The American Statistician 69, 2015).
    """
    tails: Array = np.array([NormalDist().cdf(-end) for end in _reach(support).tolist()])
    return tails


def _reach(support: Array) -> Array:
    """How many standard errors of a sample of `support` `(k,)` examples its interval reaches: Student's quantile."""
    freedom = np.maximum(support - 1.0, _LEAST_FREEDOM)
    z = NormalDist().inv_cdf(0.5 + LEVEL / 2.0)
    # The expansion of Cornish and Fisher, right to three digits from three degrees on.
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    student = z + np.sum([term / freedom**power for power, term in enumerate(terms, start=1)], axis=0)
    reach: Array = student * np.sqrt((freedom + 1.0) / freedom)
    return reach


def _quantiles(replicates: Array, share: Array) -> Array:
    """For each column of `(B, k)` its own quantile, `(k,)`, NaN passed over; as `numpy.nanquantile` of one share."""
    ordered = np.sort(replicates, axis=0)  # NaN comes last
    place = share * ((~np.isnan(replicates)).sum(axis=0) - 1)
    below = np.floor(place).astype(np.int64)
    columns = np.arange(replicates.shape[1])
    first, then = ordered[below, columns], ordered[np.ceil(place).astype(np.int64), columns]
    found: Array = first + (then - first) * (place - below)
    return found
