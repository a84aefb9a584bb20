"""Gradient boosting of trees on binned features (scikit-learn's): the rival to beat on tables."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stepwell import sampling
from stepwell.baselines import threads
from stepwell.errors import MissingExtraError
from stepwell.schema import Array

TREES = 100
"""Rounds at most, as scikit-learn has it; above 10,000 examples it stops once a tenth of them gain nothing."""

L2 = 1.0
"""Added to what a leaf's answer is divided by, as XGBoost does.

With scikit-learn's 0 the answers grow without bound where classes are rare and the others are told apart well; the
model is then worse than a linear one.
"""

MOST_LEVELS = 255
"""A category of more values is taken for a number, as scikit-learn can bin no more."""

MOST_NUMBERS = 2**28
"""Rows times features that are fitted at most."""

_WIDE = 2**22
"""Rows times features from which a round on few rows takes long enough to be timed."""

_PILOTS, _PILOT_TREES = (2_500, 10_000), 5
"""Rows of two small fits, by whose times the whole is planned, and their rounds."""


@dataclass(frozen=True)
class Boosting:
    """A fitted model: `predict` maps features `(m, d)` to probabilities `(m, classes)` or numbers `(m,)`, float64.

    `n` is the number of examples it was fitted on, `note` says which.
    """

    predict: Callable[[Array], Array]
    n: int
    note: str


def fit(
    features: Array,
    targets: Array,
    classes: int,
    ids: Sequence[str],
    seed: int,
    seconds: float | None = None,
    levels: Sequence[int] = (),
) -> Boosting:
    """Fit features `(n, d)` to classes `(n,)` in 0 … classes-1, or to numbers where `classes` is 0.

    The last `len(levels)` features are codes of categories below these many levels each. NaN is taken for missing.
    Where all examples would take more than `seconds` (extrapolated from a small fit), a sample chosen by `ids`
    and `seed` is fitted, stratified for classes, of a round size so that a slightly faster machine gives the same. Of
    few rows with very many features there are fewer rounds instead, as their time is that of the features.
    A class that was not seen has probability 0. Raises `MissingExtraError` without scikit-learn.
    """
    _need_sklearn()
    n, width = features.shape
    strata = targets.tolist() if classes else [0] * n
    order = sampling.order(seed, "boosting baseline", ids, strata)
    most = min(n, max(1, MOST_NUMBERS // max(1, width)))
    kinds, rounds = _categorical(width, levels), TREES

    def timed(rows: int) -> float:
        start = time.perf_counter()
        _train(features[order[:rows]], targets[order[:rows]], classes, kinds, _PILOT_TREES, seed)
        return (time.perf_counter() - start) / _PILOT_TREES

    many, wide = most > _PILOTS[-1], most * width > _WIDE
    with _threads(timed, many=many, wide=wide):
        if seconds is not None and many:
            most = min(most, _affordable(seconds / TREES, *(timed(rows) for rows in _PILOTS)))
        elif seconds is not None and wide:
            rounds = min(TREES, max(_PILOT_TREES, _round_down(max(1, int(seconds / timed(most))))))
        count = n if most >= n else _round_down(most)
        chosen = np.sort(order[:count])
        model = _train(features[chosen], targets[chosen], classes, kinds, rounds, seed)
    stratified = "a stratified " if classes else "a random "
    which = f"all {n:,} training examples" if count == n else f"{stratified}{count:,} of {n:,} training examples"
    note = f"gradient boosting, {int(model.n_iter_)} rounds on {width:,} features, {which}"
    return Boosting(_predictor(model, classes), count, note)


def _threads(timed: Callable[[int], float], *, many: bool, wide: bool) -> contextlib.AbstractContextManager[None]:
    """Of many rows all threads or one, whichever is faster now; the trees are the same to the last bit.

    Small fits are done on one. Of few rows with very many features every round is long, and none is spent on trying.
    """
    if not many:
        return contextlib.nullcontext() if wide else threads.one()
    timed(_PILOTS[0])  # what is done once (threads, imports) is not counted
    together = timed(_PILOTS[0])
    with threads.one():
        alone = timed(_PILOTS[0])
    return contextlib.nullcontext() if together < alone else threads.one()


def _affordable(seconds: float, few: float, many: float) -> int:
    """The rows of which a tree takes `seconds`, where it took `few` and `many` of the two pilots; a straight line.

    Most of the time of a small fit does not depend on its rows.
    """
    each = max((many - few) / (_PILOTS[1] - _PILOTS[0]), 1e-9)
    return max(_PILOTS[1], int(_PILOTS[1] + (seconds - many) / each))


def _need_sklearn() -> None:
    try:
        import sklearn.ensemble  # noqa: F401 - heavy, and part of the extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-learn", "train", "The boosting baseline") from error


def _categorical(width: int, levels: Sequence[int]) -> Array:
    """Which features are categories of few enough values, `(d,)` bool."""
    found = np.zeros(width, dtype=bool)
    if levels:
        found[-len(levels) :] = np.asarray(levels) <= MOST_LEVELS
    return found


def _train(features: Array, targets: Array, classes: int, kinds: Array, trees: int, seed: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    model: Any = kind(max_iter=trees, l2_regularization=L2, categorical_features=kinds, random_state=seed)
    if classes and np.unique(targets, return_counts=True)[1].min() < 2:
        model.set_params(early_stopping=False)  # a class of one example cannot be divided to see when to stop
    return model.fit(features, targets)


def _predictor(model: Any, classes: int) -> Callable[[Array], Array]:
    def numbers(rows: Array) -> Array:
        found: Array = np.asarray(model.predict(rows), dtype=np.float64)
        return found

    def probabilities(rows: Array) -> Array:
        whole = np.zeros((len(rows), classes), dtype=np.float64)
        whole[:, model.classes_] = model.predict_proba(rows)
        return whole

    return probabilities if classes else numbers


def _round_down(count: int) -> int:
    """The largest of 1, 2, 5, 10, 20, 50 … that is no larger."""
    power = 10 ** (len(str(count)) - 1)
    return int(max(step * power for step in (1, 2, 5) if step * power <= count))
