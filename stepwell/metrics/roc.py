"""ROC curve: for every threshold, the share of positive examples found beside the share of false alarms.

With two classes the second is the positive one (`--positive`); with more, each class against the rest on a common
grid, and their mean, whose area is the AUROC. Classes that all examples have, or none, are left out; empty where none
remains, and of more than 200 classes. Equal to `sklearn.metrics.roc_curve` at its points.
Source: Fawcett, Pattern Recognition Letters 27, 2006.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics import auroc
from stepwell.metrics.auroc import Ranking
from stepwell.metrics.confusion_matrix import class_numbers
from stepwell.metrics.log_loss import probabilities
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "curve"
TITLE = "ROC curve"
MEASURE = "share"
HIGHER = "the nearer to the upper left corner the better; the diagonal is chance"

POINTS = 201
"""As many points as a curve has at most: more than a picture shows."""

SHOWN = 20
"""With more classes than this, their mean alone is kept."""


MOST = 200
"""Of more classes there is no curve: each would take the memory of all examples, and their mean shows nothing."""


@dataclass(frozen=True)
class Ranked:
    """The rankings, and the class that each belongs to."""

    rankings: Sequence[Ranking]
    classes: tuple[str, ...]


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Ranked:
    """The rankings of the AUROC with the names of their classes, none of more than `MOST`.

    `DataError` as for the log loss.
    """
    classes = schema.targets[0].classes
    if len(classes) > MOST:
        return Ranked((), ())
    names = tuple(classes[number] for number in auroc.ranked(len(classes)) if number < len(classes))
    true = class_numbers(truth["label"], classes, "true")
    return Ranked(auroc.rankings(probabilities(predictions, len(classes)), true), names)


def curve(state: Ranked) -> Mapping[str, list[float]]:
    """`false_positive_rate` and, of the same length, `true_positive_rate`; both rise from 0 to 1.

    Of several classes `true_positive_rate` is the mean, and that of each class stands beside it as
    `true_positive_rate of <class>`. Empty where no class has both positive and negative examples.
    """
    lines = {}
    for one, name in zip(state.rankings, state.classes, strict=True):
        hits, false = (np.concatenate([[0.0], counts]) for counts in auroc.passed(one, None))
        if hits[-1] > 0 and false[-1] > 0:
            lines[name] = (false / false[-1], hits / hits[-1])
    if not lines:
        return {}
    if len(state.rankings) == 1:
        across, up = thinned(*next(iter(lines.values())))
        return {"false_positive_rate": across.tolist(), "true_positive_rate": up.tolist()}
    grid = np.linspace(0.0, 1.0, POINTS)
    ups = {name: np.concatenate([[0.0], np.interp(grid[1:], *line)]) for name, line in lines.items()}
    mean = np.mean(list(ups.values()), axis=0)
    each = {f"true_positive_rate of {name}": up.tolist() for name, up in ups.items()} if len(ups) <= SHOWN else {}
    return {"false_positive_rate": grid.tolist(), "true_positive_rate": mean.tolist(), **each}


def thinned(across: Array, up: Array) -> tuple[Array, Array]:
    """At most `POINTS` of the points of a curve, evenly spaced along its length, the two ends among them."""
    if len(across) <= POINTS:
        return across, up
    length = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(across), np.diff(up)))])
    chosen = np.unique(np.searchsorted(length, np.linspace(0.0, length[-1], POINTS)).clip(0, len(length) - 1))
    return across[chosen], up[chosen]
