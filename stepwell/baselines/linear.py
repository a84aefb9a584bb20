"""Multinomial logistic regression on standardized features (scikit-learn, lbfgs)."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stepwell import sampling
from stepwell.baselines import threads
from stepwell.errors import DataError, MissingExtraError
from stepwell.schema import Array

ITERATIONS = 100
"""The most steps of lbfgs. Stopping there is part of the model: on raw pixels more steps fit noise."""

INVERSE_PENALTY = 0.1
"""scikit-learn's C: on standardized pixels 0.1 does as well as or better than its default of 1."""

INVERSE_PENALTIES = (1.0, 0.1, 10.0)
"""For tables, of which some are told apart by a few columns and some hardly at all; the first where rows are few."""

_HELD_OUT, _FEWEST = 5, 100  # one part of the rows chooses among several, and the rows that this is done with

MOST_NUMBERS = 2**25
"""Rows times features that are fitted at most, float32: 128 MB."""

_PILOT, _PILOT_NUMBERS = 500, 2**18  # rows, or rows times features where that is more: enough to outweigh fixed costs
_LIGHT, _PILOT_STEPS = 2**32, 5  # rows x features x classes from which a pilot is of few steps; which are these
_PREDICTED = 4096  # rows standardized and answered at a time


@dataclass(frozen=True)
class Linear:
    """A fitted model: `predict` maps features `(m, d)` to probabilities `(m, classes)`, float64.

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
    penalties: Sequence[float] = (INVERSE_PENALTY,),
) -> Linear:
    """Fit features `(n, d)` of any number type to classes `(n,)` in 0 … classes-1.

    Where all of them would take more than `seconds` (measured on a small fit and extrapolated) or more
    memory than `MOST_NUMBERS`, a stratified sample chosen by `ids` and `seed` is fitted, of a round size
    so that a slightly faster machine gives the same; where even one example a class would, in fewer steps, at least
    those of the small fit. Of several inverse `penalties` that one is taken whose answers have the smallest log loss on
    a fifth of the rows (at most some thousand), when fitted on the others.
    A class that was not seen has probability 0.
    Raises `DataError` for fewer than two classes, `MissingExtraError` without scikit-learn.
    """
    _need_sklearn()
    if len(np.unique(targets)) < 2:
        raise DataError("A linear model needs examples of two classes.", do="add examples of another class")
    n, width = features.shape
    order = sampling.order(seed, "linear baseline", ids, targets.tolist())
    most, steps = min(n, max(classes, MOST_NUMBERS // max(1, width))), ITERATIONS
    count, fitted, penalty = 0, None, penalties[0]
    if seconds is not None:
        pilot = max(min(max(_PILOT, _PILOT_NUMBERS // max(1, width)), most), min(classes, most))
        tried = ITERATIONS if pilot * width * classes < _LIGHT else _PILOT_STEPS
        start = time.perf_counter()
        fitted = _fit(features[order[:pilot]], targets[order[:pilot]], tried, penalty)
        spent = time.perf_counter() - start
        fits = 1 if len(penalties) == 1 else len(penalties) + 1
        per_row = fits * spent / (max(fitted[1], 1) * pilot)
        if tried < ITERATIONS and spent >= seconds:  # a few steps on an example a class took all there is
            count, steps = pilot, tried
        else:
            fitted, most = None, min(most, max(pilot, int(seconds / (per_row * ITERATIONS))))
            if tried < ITERATIONS:
                steps = min(ITERATIONS, max(_PILOT_STEPS, _round_down(max(1, int(seconds / (per_row * most))))))
    if fitted is None:
        count = n if most >= n else max(_round_down(most), min(classes, n))
        penalty = _best(features, targets, order[:count], steps, penalties)
        chosen = np.sort(order[:count])
        fitted = _fit(features[chosen], targets[chosen], steps, penalty)
    predict, iterations = fitted
    which = f"all {n:,} training examples" if count == n else f"a stratified {count:,} of {n:,} training examples"
    ending = "converged" if iterations < steps else "stopped"
    of = f"logistic regression{f' (C {penalty:g})' if len(penalties) > 1 else ''} on {width:,} standardized features"
    note = f"{of}, {which}, {ending} after {iterations} iterations"
    return Linear(_with_all_classes(predict, classes), count, note)


def _best(features: Array, targets: Array, order: Array, steps: int, penalties: Sequence[float]) -> float:
    """That of the inverse penalties with which rows that are held out are told best; the first where rows are few."""
    count = min(len(order) // _HELD_OUT, _PREDICTED)  # of many classes the answers for more would fill the memory
    held, learned = np.sort(order[:count]), np.sort(order[count:])
    if len(penalties) == 1 or len(order) < _FEWEST or len(np.unique(targets[learned])) < 2:
        return penalties[0]

    def log_loss(penalty: float) -> float:
        predict, _ = _fit(features[learned], targets[learned], steps, penalty)
        answers, seen = predict(features[held])
        true = answers * (targets[held][:, None] == seen)  # nothing for a class that was not learned
        return float(-np.log(np.maximum(true.sum(axis=1), 1e-15)).mean())

    return min(penalties, key=log_loss)


def mean_and_std(matrix: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of each column of a matrix `(n, d)` of any number type, float64.

    By a few rows at a time: numpy's own holds all of them as float64 once more.
    """
    mean = np.asarray(matrix.mean(axis=0, dtype=np.float64))
    squares = np.zeros(matrix.shape[1])
    for start in range(0, len(matrix), _PREDICTED):
        squares += ((matrix[start : start + _PREDICTED] - mean) ** 2).sum(axis=0)
    return mean, np.sqrt(squares / len(matrix))


def _need_sklearn() -> None:
    try:
        import sklearn.linear_model  # noqa: F401 - heavy, and part of the extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("scikit-learn", "train", "The linear baseline") from error


def _fit(
    features: Array, targets: Array, steps: int, penalty: float
) -> tuple[Callable[[Array], tuple[Array, Array]], int]:
    """A function from features to (probabilities `(m, seen)`, the seen classes), and its steps, at most `steps`.

    `features` are standardized where they lie, so that one copy of them is enough.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    matrix = features.astype(np.float32, copy=False)
    mean, std = mean_and_std(matrix)
    # A feature that (almost) never changes would blow up on the one example where it does.
    std[std < 1e-3 * max(float(std.max()), 1e-12)] = np.inf
    shift, scale = mean.astype(np.float32), (1.0 / std).astype(np.float32)
    matrix -= shift
    matrix *= scale
    model: Any = LogisticRegression(C=penalty, solver="lbfgs", max_iter=steps)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is meant, and said in the note
        warnings.filterwarnings("ignore", "The number of unique classes")  # many classes are still classes
        with threads.one():
            model.fit(matrix, targets)

    def predict(rows: Array) -> tuple[Array, Array]:
        parts = [
            model.predict_proba((rows[start : start + _PREDICTED].astype(np.float32) - shift) * scale)
            for start in range(0, len(rows), _PREDICTED)
        ]
        found = np.concatenate(parts) if parts else np.zeros((0, len(model.classes_)))
        return found, model.classes_

    return predict, int(np.max(model.n_iter_))


def _with_all_classes(predict: Callable[[Array], tuple[Array, Array]], classes: int) -> Callable[[Array], Array]:
    def widened(rows: Array) -> Array:
        found, seen = predict(rows)
        whole = np.zeros((len(rows), classes), dtype=np.float64)
        whole[:, seen] = found
        total: Array = whole / whole.sum(axis=1, keepdims=True)
        return total

    return widened


def _round_down(count: int) -> int:
    """The largest of 1, 2, 5, 10, 20, 50 … that is no larger."""
    power = 10 ** (len(str(count)) - 1)
    return int(max(step * power for step in (1, 2, 5) if step * power <= count))
