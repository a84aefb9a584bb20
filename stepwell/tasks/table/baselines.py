"""The simple rivals of a network on a table: a constant, a linear model, and gradient boosting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from stepwell import sampling
from stepwell.baselines import boosting, constant, linear, ridge
from stepwell.preparation import Prepared, take
from stepwell.schema import Array, Columns, Field, Schema, Trace
from stepwell.task import Rival

SHOWN = 50
"""The commonest values of a category that the linear model has a feature for each; all others are alike to it."""

MOST_NUMBERS = 2**26
"""Rows times features that are laid out for the linear model at most, float32: 256 MB."""

LINEAR_SHARE = 0.4  # of the seconds; the rest is for boosting

_CHUNK = 8192  # rows predicted at a time


def rivals(train: Prepared, schema: Schema, seed: int, seconds: float) -> dict[str, Rival]:
    """`constant`, `linear` and `boosting`, fitted on prepared training rows in about `seconds`.

    For classes they answer `label`, `probability` and `probabilities`, for numbers `value` in its own unit, as
    `prepare.decode` does. Linear is logistic or ridge regression on scaled numbers and one-hot categories.
    """
    target = schema.targets[0]
    classes = len(target.classes)
    targets = np.asarray(train.columns[target.name])
    matrix = Matrix.fit(train.columns, schema)
    chosen = _rows(train, targets if classes else None, matrix.width, seed)
    few, goals = matrix.one_hot(take(train.columns, chosen)), targets[chosen]
    sampled = "" if len(chosen) == len(train) else f", which are a sample of {len(train):,}"
    codes = [level for field in schema.inputs if field.kind == "category" for level in field.levels]
    trees = boosting.fit(
        matrix.codes(train.columns), targets, classes, train.ids, seed, (1 - LINEAR_SHARE) * seconds, codes
    )
    if classes:
        ids = [train.ids[row] for row in chosen.tolist()]
        straight = linear.fit(few, goals, classes, ids, seed, LINEAR_SHARE * seconds, linear.INVERSE_PENALTIES)
        line = Rival(_by_chunks(straight.predict, matrix.one_hot, target), straight.n, straight.note + sampled)
        same, what = constant.fit(targets, classes), "the shares of the classes in"
    else:
        sloped = ridge.fit(few, goals)
        line = Rival(_by_chunks(sloped.predict, matrix.one_hot, target), sloped.n, sloped.note + sampled)
        same, what = constant.fit_mean(targets), "the mean of"

    def answer_constant(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return _answers(same(len(columns[schema.inputs[0].name])), target)

    return {
        "constant": Rival(answer_constant, len(train), f"{what} all {len(train):,} training examples"),
        "linear": line,
        "boosting": Rival(_by_chunks(trees.predict, matrix.codes, target), trees.n, trees.note),
    }


@dataclass(frozen=True)
class Matrix:
    """How prepared columns become features: the numbers, then what is left of the categories.

    `shown` holds, for each column of categories, the codes that have a feature of their own.
    """

    numbers: str | None
    categories: str | None
    shown: tuple[Array, ...]
    width: int

    @classmethod
    def fit(cls, columns: Columns, schema: Schema) -> Matrix:
        """From the prepared columns of the training part."""
        names = {field.kind: field for field in schema.inputs}
        numbers, categories = names.get("number"), names.get("category")
        shown: list[Array] = []
        if categories is not None:
            codes = np.asarray(columns[categories.name])
            for column, levels in enumerate(categories.levels):
                counts = np.bincount(codes[:, column], minlength=levels)
                common = np.argsort(-counts, kind="stable")[:SHOWN]
                shown.append(np.sort(common[counts[common] > 0]))
        width = sum(map(len, shown)) + (int(numbers.shape[0]) if numbers is not None else 0)
        names_of = [None if field is None else field.name for field in (numbers, categories)]
        return cls(names_of[0], names_of[1], tuple(shown), width)

    def one_hot(self, columns: Columns) -> Array:
        """Numbers and, for each code shown, 0 or 1: `(n, width)` float32."""
        parts = [] if self.numbers is None else [np.asarray(columns[self.numbers], dtype=np.float32)]
        if self.categories is not None:
            codes = np.asarray(columns[self.categories])
            parts += [
                (codes[:, column, None] == shown[None]).astype(np.float32) for column, shown in enumerate(self.shown)
            ]
        return np.concatenate(parts, axis=1)

    def codes(self, columns: Columns) -> Array:
        """Numbers and codes side by side: `(n, numbers + categories)` float32."""
        names = [name for name in (self.numbers, self.categories) if name is not None]
        return np.concatenate([np.asarray(columns[name], dtype=np.float32) for name in names], axis=1)


def _rows(train: Prepared, labels: Array | None, width: int, seed: int) -> Array:
    """The rows that the linear model is shown: all of them, or as many as `MOST_NUMBERS` allows."""
    strata = [0] * len(train) if labels is None else labels.tolist()
    return sampling.first(seed, "linear rows", train.ids, strata, max(1, MOST_NUMBERS // max(1, width)))


def _by_chunks(
    predict: Callable[[Array], Array], features: Callable[[Columns], Array], target: Field
) -> Callable[[Columns, Sequence[Trace]], Columns]:
    def answer(columns: Columns, traces: Sequence[Trace]) -> Columns:
        count = len(next(iter(columns.values())))
        parts = [
            predict(features(take(columns, np.arange(start, min(start + _CHUNK, count)))))
            for start in range(0, max(1, count), _CHUNK)
        ]
        return _answers(np.concatenate(parts), target)

    return answer


def _answers(found: Array, target: Field) -> Columns:
    """Probabilities `(n, classes)` or standardized numbers `(n,)` in the form of an answer."""
    if not target.classes:
        mean, std = (target.mean or (0.0,))[0], (target.std or (1.0,))[0]
        return {"value": found.astype(np.float64) * std + mean}
    best = found.argmax(axis=1)
    return {
        "label": [target.classes[one] for one in best.tolist()],
        "probability": found[np.arange(len(best)), best],
        "probabilities": found,
    }
