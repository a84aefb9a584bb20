"""Expected calibration error: how far the probability of the answered class lies from the share that is right.

The examples are put into 15 bins of equal width, (0, 1/15] to (14/15, 1], by the greatest of their probabilities;
the error is the mean over examples of |share right − mean probability| of their bin. The class of the greatest
probability counts as answered, whatever a threshold then answers. Undefined (NaN) without examples. scikit-learn
has none; equal to the definition of the source. Chance alone makes it greater than 0, the more the fewer examples.
Source: Guo, Pleiss, Sun and Weinberger, On Calibration of Modern Neural Networks, ICML 2017, equation 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from stepwell.metrics.confusion_matrix import class_numbers
from stepwell.metrics.log_loss import probabilities
from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
TITLE = "calibration error"
MEASURE = "share"
HIGHER = "lower is better; 0 % means that answers held 80 % probable are right 80 % of the time, and so on"

BIASED = True

BINS = 15


@dataclass(frozen=True)
class Confidences:
    """Each example's greatest probability, whether its class is the true one (1.0 or 0.0), its bin: `(n,)` each."""

    confidence: Array
    right: Array
    bin: Array


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Confidences:
    """The confidence of each example; `DataError` as for the log loss."""
    classes = schema.targets[0].classes
    true = class_numbers(truth["label"], classes, "true")
    values = probabilities(predictions, len(classes))
    confidence = values.max(axis=1, initial=0.0)
    right = (values.argmax(axis=1) == true).astype(np.float64) if len(values) else np.zeros(0)
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    return Confidences(confidence, right, bins)


def score(state: Confidences, weight: Array | None) -> float:
    """The error, in [0, 1]."""
    gaps = state.right - state.confidence
    weight = np.ones(len(gaps)) if weight is None else weight
    total = float(weight.sum())
    if total <= 0:
        return float("nan")
    return float(np.abs(np.bincount(state.bin, weights=weight * gaps, minlength=BINS)).sum() / total)


def limits(state: Confidences) -> tuple[float, float]:
    """From probabilities that hold to ones that never do."""
    return 0.0, 1.0
