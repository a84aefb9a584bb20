"""AUROC: the area under the ROC curve, the share of pairs of a positive and a negative example in the right order.

Pairs of equal probability count half. With two classes the second is the positive one (`--positive`); with more it
is the plain mean over the classes, each against the rest. Classes that all examples have, or none, are left out;
undefined (NaN) where no class remains. Equal to `sklearn.metrics.roc_auc_score`, with more than two classes
with `multi_class="ovr"` and `average="macro"`. Source: Hanley and McNeil, Radiology 143, 1982.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np

from stepwell.metrics.confusion_matrix import class_numbers, mean_of_defined, support_of_mean
from stepwell.metrics.log_loss import probabilities
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "AUROC"
MEASURE = ""
HIGHER = "higher is better; 1 means that every positive example comes before every negative, 0.5 is chance"
INTERVAL: Literal["logit"] = "logit"

HELD = 2**20
"""Examples times classes up to which all rankings are held at once."""


@dataclass(frozen=True)
class Ranking:
    """All examples by falling probability of one class.

    `order` `(n,)` their rows, `positive` `(n,)` 1.0 where the one in that place is of the class, else 0.0;
    `ends` `(g,)` the last place of each group of equal probability, `group` `(n,)` the group of each place.
    """

    order: Array
    positive: Array
    ends: Array
    group: Array


class Made(Sequence[Ranking]):
    """A ranking a class, made from its order when it is looked at: all together would be several times the answers."""

    def __init__(self, values: Array, true: Array) -> None:
        self._values, self._true = values, true
        self._orders = np.stack([_order(column).astype(np.int32) for column in values.T])

    def __len__(self) -> int:
        return len(self._orders)

    @overload
    def __getitem__(self, place: int) -> Ranking: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Ranking]: ...
    def __getitem__(self, place: int | slice) -> Ranking | Sequence[Ranking]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        return _ranking(self._values[:, place], self._true == place, self._orders[place])


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Sequence[Ranking]:
    """A ranking a class, or the second's alone where there are two; `DataError` as for the log loss."""
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")
    values = probabilities(predictions, len(classes))
    return rankings(values, true)


def rankings(values: Array, true: Array) -> Sequence[Ranking]:
    """A ranking a class, or the second's alone where there are two, of probabilities `(n, classes)`."""
    if values.size > HELD:
        return Made(values, true)
    return tuple(ranking(values[:, number], true == number) for number in ranked(values.shape[1]))


def ranked(classes: int) -> range:
    """The numbers of the classes that are ranked: of two the second (the other is its mirror), else all."""
    return range(1, 2) if classes == 2 else range(classes)


def ranking(values: Array, positive: Array) -> Ranking:
    """The ranking of examples with these `values` `(n,)`; `positive` `(n,)` says which are of the class."""
    return _ranking(values, positive, _order(values))


def _order(values: Array) -> Array:
    return np.argsort(-values, kind="stable")


def _ranking(values: Array, positive: Array, order: Array) -> Ranking:
    ends = np.flatnonzero(np.diff(values[order], append=np.nan))
    places = np.arange(len(order))
    group = places if len(ends) == len(order) else np.searchsorted(ends, places)
    return Ranking(order, positive[order].astype(np.float64), ends, group)


def passed(ranking: Ranking, weight: Array | None) -> tuple[Array, Array]:
    """The (weighted) positive and negative examples down to each end, `(g,)` each and rising."""
    weight = np.ones(len(ranking.order)) if weight is None else weight[ranking.order]
    positive = weight * ranking.positive
    hits, false = np.cumsum(positive), np.cumsum(weight - positive)
    return (hits, false) if len(ranking.ends) == len(hits) else (hits[ranking.ends], false[ranking.ends])


def steps(rising: Array) -> Array:
    """How much each number lies above the one before, the first above 0."""
    found = rising.copy()
    found[1:] -= rising[:-1]
    return found


def score(state: Sequence[Ranking], weight: Array | None) -> float:
    """The area, in [0, 1], or its mean over classes."""
    return mean_of_defined(np.array([_area(*passed(one, weight)) for one in state]))


def influence(state: Sequence[Ranking], weight: Array | None) -> Array:
    """How the area moves with each example's weight: its placement among those of the other side (DeLong, 1988)."""
    return mean_influence(_influence(one, weight) for one in state)


def mean_influence(classes: Iterable[Array | None]) -> Array:
    """The mean over classes of influence values `(n,)`, those that are undefined (None) left out; none must be left."""
    total: Array = np.zeros(())
    count = 0
    for one in classes:
        if one is not None:
            total, count = total + one, count + 1
    return total / count


def support(state: Sequence[Ranking], weight: Array | None = None) -> float:
    """How many examples the area rests on: those of the rarer side; fewer than these together for a mean."""
    ends = np.array([[hits[-1:].sum(), false[-1:].sum()] for hits, false in (passed(one, weight) for one in state)])
    return support_of_mean(ends.min(axis=1))


def limits(state: Sequence[Ranking]) -> tuple[float, float]:
    """From an order by chance to the right one."""
    return 0.5, 1.0


def _influence(ranking: Ranking, weight: Array | None) -> Array | None:
    hits, false = passed(ranking, weight)
    if not len(hits) or hits[-1] <= 0 or false[-1] <= 0:
        return None
    found, alarms = hits[-1], false[-1]
    before = ((hits - 0.5 * steps(hits)) / found)[ranking.group]  # the share of positives before each, of ties half
    after = (1.0 - (false - 0.5 * steps(false)) / alarms)[ranking.group]
    area = _area(hits, false)
    total = found + alarms
    values = np.empty(len(ranking.order))
    values[ranking.order] = np.where(
        ranking.positive > 0, (after - area) * total / found, (before - area) * total / alarms
    )
    return values


def _area(hits: Array, false: Array) -> float:
    if not len(hits) or hits[-1] <= 0 or false[-1] <= 0:
        return float("nan")
    return float(steps(false) @ (hits - 0.5 * steps(hits)) / (hits[-1] * false[-1]))
