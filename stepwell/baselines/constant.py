"""The same answer for everything: the shares of the classes in the training part, or the mean of its numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from stepwell.schema import Array


def fit(targets: Array, classes: int) -> Callable[[int], Array]:
    """From classes `(n,)` in 0 … classes-1 a function that gives `m` rows of probabilities `(m, classes)`, float64.

    The shares are counted with one more example of each class (Laplace), so that a class that was never
    seen has a small probability and the log loss stays finite. Ties of the largest go to the first class.
    """
    counts = np.bincount(targets, minlength=classes) + 1.0
    shares = counts / counts.sum()

    def predict(rows: int) -> Array:
        return np.tile(shares, (rows, 1))

    return predict


def fit_mean(targets: Array) -> Callable[[int], Array]:
    """From numbers `(n,)` a function that gives their mean `m` times `(m,)`, float64."""
    mean = float(np.mean(targets, dtype=np.float64))

    def predict(rows: int) -> Array:
        return np.full(rows, mean)

    return predict
