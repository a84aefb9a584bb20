"""Ridge regression on standardized features: a straight line through all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stepwell.baselines.linear import mean_and_std
from stepwell.schema import Array

PENALTY = 1.0
"""What is added to the diagonal, as scikit-learn's `Ridge` does by default: next to nothing, unless features repeat."""

MOST_FEATURES = 4000
"""Above, the features that vary most with the target are kept: the fit grows with the cube of their number."""

_ROWS = 65_536  # taken at a time, so that the matrix is never copied whole


@dataclass(frozen=True)
class Ridge:
    """A fitted model: `predict` maps features `(m, d)` to numbers `(m,)`, float64; `note` says what it is."""

    predict: Callable[[Array], Array]
    n: int
    note: str


def fit(features: Array, targets: Array, penalty: float = PENALTY) -> Ridge:
    """Fit features `(n, d)` of any number type to numbers `(n,)`, by the normal equations in float64.

    Equal to scikit-learn's `Ridge(alpha=penalty)` on standardized features. A feature that never changes counts
    for nothing.
    """
    n, width = features.shape
    mean, std = mean_and_std(features)
    center = float(np.mean(targets, dtype=np.float64))
    changes = std > 1e-12 * np.maximum(1.0, np.abs(mean))
    scale: Array = np.where(changes, 1.0 / np.where(changes, std, 1.0), 0.0)
    kept = _kept(features, targets, mean, scale)
    gram = np.zeros((len(kept), len(kept)))
    product = np.zeros(len(kept))
    for start in range(0, n, _ROWS):
        rows = (features[start : start + _ROWS, kept] - mean[kept]) * scale[kept]
        gram += rows.T @ rows
        product += rows.T @ (targets[start : start + _ROWS] - center)
    # The penalty keeps the matrix away from singular even where features repeat each other.
    gram[np.diag_indices_from(gram)] += max(penalty, 1e-9 * max(1.0, float(np.trace(gram))))
    slope = np.linalg.solve(gram, product) * scale[kept]

    def predict(rows: Array) -> Array:
        answers: Array = (rows[:, kept] - mean[kept]) @ slope + center
        return answers

    which = (
        f"{width:,} standardized features" if len(kept) == width else f"the {len(kept):,} best of {width:,} features"
    )
    return Ridge(predict, n, f"ridge regression on {which}, all {n:,} training examples")


def _kept(features: Array, targets: Array, mean: Array, scale: Array) -> Array:
    """The columns that are fitted: all, or of too many those with the largest correlation with the target."""
    width = features.shape[1]
    if width <= MOST_FEATURES:
        return np.arange(width)
    rows = slice(None, None, max(1, len(features) // _ROWS))
    center = targets[rows] - np.mean(targets[rows])
    found = np.concatenate(
        [
            np.abs(center @ (features[rows, start : start + 1000] - mean[start : start + 1000]))
            * scale[start : start + 1000]
            for start in range(0, width, 1000)
        ]
    )
    return np.sort(np.argsort(-found, kind="stable")[:MOST_FEATURES])
