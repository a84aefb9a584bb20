"""Log loss after calibration: that of the probabilities once one temperature has made the best of them, in nats.

How sure a network is can be mended afterwards, by a temperature that is fitted on validation; how well it tells the
classes apart cannot. So weights are chosen by what is left (Berta et al., "Rethinking early stopping: refine, then
calibrate", 2025): a network that has begun to be too sure of itself may still learn. The least log loss over
temperatures from `LEAST` to `MOST` (Guo et al., ICML 2017). Undefined (NaN) without examples. At the best temperature
equal to `sklearn.metrics.log_loss`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics.confusion_matrix import class_numbers
from stepwell.metrics.log_loss import probabilities
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "log loss after calibration"
MEASURE = ""
HIGHER = "lower is better; 0 means that every true class was held certain, whatever the temperature"

LEAST, MOST = 0.05, 20.0
"""Between which a temperature is looked for."""

_ROUNDS, _NEAR = 60, 1e-7  # steps towards a temperature, and how far apart, as a share, two are that count as one
_HELD = 2**20  # probabilities that are looked at at a time


@dataclass(frozen=True)
class Logits:
    """The logarithms of the probabilities up to a constant a row, `(n, classes)`, and the true classes, `(n,)`."""

    logits: Array
    true: Array


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Logits:
    """Logits and classes; `DataError` as for the log loss."""
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")
    given = probabilities(predictions, len(classes))
    return Logits(np.log(np.clip(given, np.finfo(np.float64).eps, None)), np.asarray(true))


def score(state: Logits, weight: Array | None) -> float:
    """The weighted mean loss at the best temperature, in nats, at least 0."""
    total = float(len(state.true) if weight is None else weight.sum())
    if total <= 0:
        return math.nan
    inverse = 1.0 / temperature(state.logits, state.true, weight)
    lost = 0.0
    for rows, logits in _pieces(state.logits):
        scaled = inverse * logits
        losses = np.log(np.exp(scaled).sum(axis=1)) - scaled[np.arange(len(scaled)), state.true[rows]]
        lost += float(losses.sum() if weight is None else losses @ weight[rows])
    return lost / total


def limits(state: Logits) -> tuple[float, float]:
    """From 0 to that of guessing evenly: a temperature without end makes this of anything."""
    return 0.0, float(np.log(max(1, state.logits.shape[1])))


def temperature(logits: Array, true: Array, weight: Array | None = None, *, spread: float = 0.0) -> float:
    """The number by which logits `(n, classes)` are divided for the least log loss of the `true` classes `(n,)`.

    With `spread` that share of every truth is taken to be spread over all classes. The loss is convex in
    1 / temperature; its slope is followed to zero by Newton's steps, and by halving where these lead astray.
    """
    logits = np.asarray(logits, dtype=np.float64)
    share = np.full(len(true), 1.0 / max(1, len(true))) if weight is None else weight / weight.sum()
    wanted = 0.0
    for rows, shifted in _pieces(logits):
        held = (1.0 - spread) * shifted[np.arange(len(shifted)), true[rows]] + spread * shifted.mean(axis=1)
        wanted += float(share[rows] @ held)

    def slope(inverse: float) -> tuple[float, float]:
        """The slope of the loss over 1 / temperature, and how fast it grows."""
        first = second = 0.0
        for rows, shifted in _pieces(logits):
            powers = np.exp(inverse * shifted)
            powers /= powers.sum(axis=1, keepdims=True)
            mean = np.einsum("ij,ij->i", powers, shifted)
            first += float(share[rows] @ mean)
            second += float(share[rows] @ (np.einsum("ij,ij->i", powers * shifted, shifted) - mean**2))
        return first - wanted, second

    first, last = 1.0 / MOST, 1.0 / LEAST
    low, high, now = first, last, 1.0
    for _ in range(_ROUNDS):
        rises, curve = slope(now)
        low, high = (now, high) if rises < 0 else (low, now)
        after = min(max(now - rises / curve, first), last) if curve > 0 else math.nan
        if not low <= after <= high:
            after = math.sqrt(low * high)
        if abs(after - now) <= _NEAR * now:
            return 1.0 / after
        now = after
    return 1.0 / now


def _pieces(logits: Array) -> Iterator[tuple[slice, Array]]:
    """Some rows at a time, less the largest of each."""
    size = max(1, _HELD // max(1, logits.shape[1]))
    for start in range(0, len(logits), size):
        rows = slice(start, start + size)
        yield rows, logits[rows] - logits[rows].max(axis=1, keepdims=True)
