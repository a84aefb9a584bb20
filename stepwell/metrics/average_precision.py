"""Average precision: the precision at each positive example, going down by probability, averaged over them.

The area under the precision-recall curve as a step function, not interpolated. With two classes the second is
the positive one (`--positive`); with more it is the plain mean over the classes, each against the rest. Classes without
examples are left out; undefined (NaN) where none remains. Equal to `sklearn.metrics.average_precision_score`,
with `average="macro"` over the classes that occur. Source: Davis and Goadrich, ICML 2006.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from stepwell.metrics import auroc
from stepwell.metrics.auroc import Ranking
from stepwell.metrics.confusion_matrix import mean_of_defined, support_of_mean
from stepwell.schema import Array

DIRECTION: Literal["max", "min"] = "max"
KIND = "number"
TITLE = "average precision"
MEASURE = ""
HIGHER = "higher is better; 1 means that every positive example comes before every negative, their share is chance"
INTERVAL: Literal["logit"] = "logit"

prepare = auroc.prepare


def score(state: Sequence[Ranking], weight: Array | None) -> float:
    """The area, in [0, 1], or its mean over classes."""
    return mean_of_defined(np.array([_area(*auroc.passed(one, weight)) for one in state]))


def influence(state: Sequence[Ranking], weight: Array | None) -> Array:
    """How the area moves with each example's weight, `(n,)`; 0 on the weighted mean."""
    return auroc.mean_influence(_influence(one, weight) for one in state)


def support(state: Sequence[Ranking], weight: Array | None = None) -> float:
    """How many examples the area rests on: the positive ones; fewer than these together for a mean."""
    return support_of_mean(np.array([auroc.passed(one, weight)[0][-1:].sum() for one in state]))


def limits(state: Sequence[Ranking]) -> tuple[float, float]:
    """From an order by chance, the share of positive examples, to the right one."""
    shares = np.array([one.positive.mean() for one in state if one.positive.any()])
    return float(shares.mean()) if len(shares) else 0.0, 1.0


def _influence(ranking: Ranking, weight: Array | None) -> Array | None:
    hits, false = auroc.passed(ranking, weight)
    if not len(hits) or hits[-1] <= 0:
        return None
    answered = hits + false
    answered[answered <= 0] = 1.0  # before the first that has a weight: nothing was found there
    precision = hits / answered
    # One more before a positive example changes the precision there: by this much if positive, or if not.
    gained, lost = (np.cumsum((auroc.steps(hits) * one / answered**2)[::-1])[::-1] for one in (false, hits))
    area = _area(hits, false)
    scale = (hits[-1] + false[-1]) / hits[-1]
    values = np.empty(len(ranking.order))
    of_positive, of_negative = (precision - area + gained)[ranking.group], -lost[ranking.group]
    values[ranking.order] = scale * np.where(ranking.positive > 0, of_positive, of_negative)
    return values


def _area(hits: Array, false: Array) -> float:
    if not len(hits) or hits[-1] <= 0:
        return float("nan")
    answered = hits + false
    precision = np.divide(hits, answered, out=np.zeros(len(hits)), where=answered > 0)
    return float(auroc.steps(hits) @ precision / hits[-1])
