"""Many classes, each ranked against the rest, in the memory and the time of one pass over the examples.

Where each positive example stands among the negative ones of its class (its placement: DeLong, DeLong and
Clarke-Pearson, Biometrics 44, 1988) is all that the areas under the curves need. Every example is positive for one
class alone, so that there are as many placements as examples, and not as many times the classes. Weights count for
the positive examples; the negative ones, nearly all of the others, count once each. Without weights nothing differs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stepwell.schema import Array

MANY = 50
"""More classes than this are ranked by placements."""


@dataclass(frozen=True)
class Placements:
    """The examples by class and, in it, by falling probability of it: `(n,)` each but for the last.

    `rows` are their rows, `classes` their classes by number; `above` and `tied` how many negative examples have a
    greater and an equal probability; `ends` the place of the last positive example of equal probability. `negative`
    `(classes,)` is the number of negative examples of each class.
    """

    rows: Array
    classes: Array
    above: Array
    tied: Array
    ends: Array
    negative: Array


@dataclass(frozen=True)
class Weighted:
    """Placements with the weights `(n,)` of the examples in their order."""

    placed: Placements
    weight: Array


def placements(values: Array, true: Array) -> Placements:
    """Of probabilities `(n, classes)` and true classes `(n,)` by number."""
    n, classes = values.shape
    given = values[np.arange(n), true]
    rows = np.lexsort((-given, true))
    counts = np.bincount(true, minlength=classes)
    starts = np.concatenate([[0], np.cumsum(counts)])
    above, tied = np.zeros(n), np.zeros(n)
    for number in np.flatnonzero(counts).tolist():
        here = slice(starts[number], starts[number + 1])
        column, own = np.sort(values[:, number]), -given[rows[here]]  # own rises
        least = np.searchsorted(column, -own, side="left")
        most = np.searchsorted(column, -own, side="right")
        before = np.searchsorted(own, own, side="left")  # positive ones above, which are no negatives
        until = np.searchsorted(own, own, side="right")
        above[here], tied[here] = (n - most) - before, (most - least) - (until - before)
    given = given[rows]
    last = np.append((np.diff(given) != 0) | (np.diff(true[rows]) != 0), True)[:n]
    ends = np.flatnonzero(last)[np.cumsum(np.concatenate([[0], last[:-1]])).astype(np.int64)] if n else rows
    return Placements(rows, true[rows], above, tied, ends, (n - counts).astype(np.float64))


def weighted(placed: Placements, weight: Array | None) -> Weighted:
    """The placements under weights `(n,)` of the examples, 1 each where there are none."""
    return Weighted(placed, np.ones(len(placed.rows)) if weight is None else weight[placed.rows])


def positive(placed: Placements) -> Array:
    """How many examples there are of each class, `(classes,)`."""
    return np.bincount(placed.classes, minlength=len(placed.negative)).astype(np.float64)


def areas_under_roc(given: Weighted) -> Array:
    """The area under the ROC curve of each class `(classes,)`; NaN where it has only positive ones, or none."""
    placed = given.placed
    negative = placed.negative[placed.classes]
    below = np.divide(
        negative - placed.above - 0.5 * placed.tied, negative, out=np.full(len(negative), np.nan), where=negative > 0
    )
    return _means(given, below)


def average_precisions(given: Weighted) -> Array:
    """The average precision of each class `(classes,)`; NaN where it has no positive example."""
    placed = given.placed
    hits = np.cumsum(given.weight)
    before = np.concatenate([[0.0], hits])[np.searchsorted(placed.classes, placed.classes, side="left")]
    hits = hits[placed.ends] - before
    answered = hits + placed.above + placed.tied
    return _means(given, np.divide(hits, answered, out=np.zeros(len(hits)), where=answered > 0))


def _means(given: Weighted, values: Array) -> Array:
    """The weighted mean of the values `(n,)` in each class, NaN where its weights sum to 0."""
    count = len(given.placed.negative)
    sums = np.bincount(given.placed.classes, weights=given.weight * values, minlength=count)
    weights = np.bincount(given.placed.classes, weights=given.weight, minlength=count)
    means: Array = np.divide(sums, weights, out=np.full(count, np.nan), where=weights > 0)
    return means
