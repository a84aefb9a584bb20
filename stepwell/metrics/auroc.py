"""AUROC: the area under the ROC curve, the share of pairs of a positive and a negative example in the right order.

Pairs of equal probability count half. With two classes the second is the positive one; with more it is the
plain mean over the classes, each against the rest. Classes that all examples have, or none, are left out;
undefined (NaN) where no class remains. Equal to `sklearn.metrics.roc_auc_score`, with more than two classes
with `multi_class="ovr"` and `average="macro"`. Of more than 50 classes, weights (and with them resamples) count for the
positive examples of each alone (see `_placements`). Source: Hanley and McNeil, Radiology 143, 1982.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics import _placements
from stepwell.metrics._placements import Placements, Weighted
from stepwell.metrics.confusion_matrix import class_numbers, mean_of_defined, support_of_mean
from stepwell.metrics.log_loss import probabilities
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "AUROC"
MEASURE = ""
HIGHER = "higher is better; 1 means that every positive example comes before every negative, 0.5 is chance"
REPLICATES = 200


@dataclass(frozen=True)
class Ranking:
    """All examples by falling probability of one class.

    `order` `(n,)` their rows, `positive` `(n,)` 1.0 where the one in that place is of the class, else 0.0;
    `ends` `(g,)` the last place of each group of equal probability.
    """

    order: Array
    positive: Array
    ends: Array


Rankings = tuple[Ranking, ...]


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Rankings | Placements:
    """A ranking a class, the second's alone where there are two, placements where they are many.

    `DataError` as for the log loss.
    """
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")
    values = probabilities(predictions, len(classes))
    return _placements.placements(values, true) if len(classes) > _placements.MANY else rankings(values, true)


def rankings(values: Array, true: Array) -> Rankings:
    """A ranking a class, or the second's alone where there are two, of probabilities `(n, classes)`."""
    return tuple(ranking(values[:, number], true == number) for number in ranked(values.shape[1]))


def ranked(classes: int) -> range:
    """The numbers of the classes that are ranked: of two the second (the other is its mirror), else all."""
    return range(1, 2) if classes == 2 else range(classes)


def ranking(values: Array, positive: Array) -> Ranking:
    """The ranking of examples with these `values` `(n,)`; `positive` `(n,)` says which are of the class."""
    order = np.argsort(-values, kind="stable")
    ends = np.flatnonzero(np.diff(values[order], append=np.nan))
    return Ranking(order, positive[order].astype(np.float64), ends)


def passed(ranking: Ranking, weight: Array | None) -> tuple[Array, Array]:
    """The (weighted) positive and negative examples down to each end, `(g,)` each and rising."""
    weight = np.ones(len(ranking.order)) if weight is None else weight[ranking.order]
    positive = weight * ranking.positive
    hits, false = np.cumsum(positive), np.cumsum(weight - positive)
    return (hits, false) if len(ranking.ends) == len(hits) else (hits[ranking.ends], false[ranking.ends])


Tallied = list[tuple[Array, Array]] | Weighted


def tally(state: Rankings | Placements, weight: Array | None) -> Tallied:
    """What was passed in each ranking, or the placements with their weights."""
    if isinstance(state, Placements):
        return _placements.weighted(state, weight)
    return [passed(one, weight) for one in state]


def steps(rising: Array) -> Array:
    """How much each number lies above the one before, the first above 0."""
    found = rising.copy()
    found[1:] -= rising[:-1]
    return found


def score(state: Rankings | Placements, weight: Array | None) -> float:
    """The area, in [0, 1], or its mean over classes."""
    return worth(tally(state, weight))


def worth(tallied: Tallied) -> float:
    """The score that these counts make."""
    if isinstance(tallied, Weighted):
        return mean_of_defined(_placements.areas_under_roc(tallied))
    return mean_of_defined(np.array([_area(hits, false) for hits, false in tallied]))


def support(state: Rankings | Placements) -> float:
    """How many examples the area rests on: those of the rarer side; fewer than these together for a mean."""
    if isinstance(state, Placements):
        return support_of_mean(np.minimum(_placements.positive(state), state.negative))
    hits = np.array([one.positive.sum() for one in state])
    return support_of_mean(np.minimum(hits, np.array([len(one.order) for one in state]) - hits))


def limits(state: Rankings | Placements) -> tuple[float, float]:
    """From all pairs in the wrong order to none."""
    return 0.0, 1.0


def _area(hits: Array, false: Array) -> float:
    if not len(hits) or hits[-1] <= 0 or false[-1] <= 0:
        return float("nan")
    return float(steps(false) @ (hits - 0.5 * steps(hits)) / (hits[-1] * false[-1]))
