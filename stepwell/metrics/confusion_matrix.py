"""Confusion matrix: how many examples of each true class (rows) were answered as each class (columns).

Without examples all cells are 0. Equal to `sklearn.metrics.confusion_matrix` with `labels` = the classes.
The per-class metrics and their averages are computed from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.errors import DataError, did_you_mean
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "max"
KIND = "table"
TITLE = "confusion matrix"
MEASURE = "examples"
HIGHER = "counts on the diagonal are right answers, all others are errors"


SMALL = 64
"""Up to so many classes the whole table takes no longer to count than one of its sums."""


@dataclass(frozen=True)
class Answers:
    """The true and the predicted class of each example by number, `(n,)` int64 each, and the number of classes.

    `present` are the numbers of the classes that are true or predicted of any example, rising.
    """

    true: Array
    predicted: Array
    classes: int
    present: Array


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Answers:
    """The classes by number, in the order of the schema; `DataError` where a label is none of them."""
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")
    predicted = class_numbers(predictions["label"], classes, "predicted")
    return Answers(true, predicted, len(classes), np.union1d(true, predicted))


def score(state: Answers, weight: Array | None) -> Array:
    """The (weighted) counts, `(classes, classes)`."""
    size = state.classes
    counts = np.bincount(state.true * size + state.predicted, weights=weight, minlength=size * size)
    return counts.reshape(size, size)


def cells(state: Answers) -> list[tuple[int, int, float]]:
    """The counts that are not 0, each with its true and its predicted class by number, in order."""
    places, counts = np.unique(state.true * state.classes + state.predicted, return_counts=True)
    true, predicted = np.divmod(places, state.classes)
    return list(zip(true.tolist(), predicted.tolist(), counts.astype(float).tolist(), strict=True))


@dataclass(frozen=True)
class Counts:
    """What the averages of classes are made of, a (weighted) number of examples a class: `(classes,)` each.

    `existing` truly are of it, `answered` were answered as it, `right` are both.
    """

    existing: Array
    answered: Array
    right: Array


def tally(state: Answers, weight: Array | None) -> Counts:
    """The counts of every class; with few classes from the whole table, which is counted in one pass."""
    if state.classes <= SMALL:
        table = score(state, weight)
        return Counts(table.sum(axis=1), table.sum(axis=0), table.diagonal())
    return Counts(existing(state, weight), answered(state, weight), right(state, weight))


def smoothed(counts: Counts, state: Answers, each: float, generator: np.random.Generator) -> Counts:
    """The counts of a resample with pseudo-counts: on average one right answer and one wrong, of classes that occur.

    Where a class was answered a few times and always rightly, resampling alone never shows it wrong. `each` is what a
    pseudo-answer weighs. Two in all, and not a number for each class, so that a mean over many classes is not drawn
    away from its value (after Agresti and Coull, The American Statistician 52, 1998; Fienberg and Holland, JASA 68,
    1973). Fewer than two classes leave the counts as they are.
    """
    present, size = state.present, state.classes
    if len(present) < 2:
        return counts
    found, wrong = generator.poisson(1.0, 2)
    hit = generator.integers(0, len(present), found)
    true = generator.integers(0, len(present), wrong)
    other = (true + generator.integers(1, len(present), wrong)) % len(present)
    hits, misses, alarms = (each * np.bincount(present[one], minlength=size) for one in (hit, true, other))
    return Counts(counts.existing + hits + misses, counts.answered + hits + alarms, counts.right + hits)


def existing(state: Answers, weight: Array | None) -> Array:
    """The (weighted) number of examples that truly are of each class, `(classes,)`: the sums of the rows."""
    return np.bincount(state.true, weights=weight, minlength=state.classes)


def answered(state: Answers, weight: Array | None) -> Array:
    """The (weighted) number of examples answered as each class, `(classes,)`: the sums of the columns."""
    return np.bincount(state.predicted, weights=weight, minlength=state.classes)


def right(state: Answers, weight: Array | None) -> Array:
    """The (weighted) number of right answers of each class, `(classes,)`: the diagonal."""
    hit = state.true == state.predicted
    return np.bincount(state.true[hit], weights=None if weight is None else weight[hit], minlength=state.classes)


def class_numbers(labels: Iterable[str], classes: Sequence[str], what: str) -> Array:
    """The place of each label in `classes`, `(n,)` int64; `DataError` where one is not among them.

    `what` says in the message which labels these are: "true" or "predicted".
    """
    numbers = {name: number for number, name in enumerate(classes)}
    try:
        return np.array([numbers[label] for label in labels], dtype=np.int64)
    except KeyError as error:
        label = str(error.args[0])
        raise DataError(
            f"The {what} label {label!r} is none of the {len(classes)} classes of this task.",
            where=f"column 'label' of the {what} answers",
            do=f"map it to a known class or leave its examples out. {did_you_mean(label, classes)}",
        ) from error


def ratio(part: Array, whole: Array) -> Array:
    """`part / whole` an element, NaN where `whole` is 0."""
    result: Array = np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)
    return result


def mean_of_defined(values: Array) -> float:
    """The mean of the values that are not NaN; NaN where all are."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def mean_by_weight(values: Array, weight: Array) -> float:
    """The mean of the values by their weights, an undefined value as 0; NaN where the weights sum to 0."""
    total = float(weight.sum())
    return float(np.nan_to_num(values) @ weight) / total if total > 0 else float("nan")


def support_of_mean(counts: Array) -> float:
    """The number of examples that a plain mean over classes rests on, where class k rests on `counts[k]`.

    K² / Σ 1/counts over the K classes that have any: the sum of the counts where they are equal, and
    less the more they differ, as a mean over classes is as uncertain as its rarest classes make it.
    """
    present = counts[counts > 0]
    return float(len(present) ** 2 / (1.0 / present).sum()) if len(present) else 0.0
