"""Residuals: how far answers lie above the truth, beside the answer.

A few hundred examples, evenly spaced over the answers in rising order; of several columns one after the other.
Empty without examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from stepwell.metrics import mse
from stepwell.metrics.mse import Errors

DIRECTION: Literal["max", "min"] = "max"
KIND = "curve"
TITLE = "residuals"
MEASURE = "target"
HIGHER = "the nearer to 0 the better; a bend or a funnel shows what the network has not learned"

POINTS = 500
"""As many examples as are shown at most."""

prepare = mse.prepare


def curve(state: Errors) -> Mapping[str, list[float]]:
    """`prediction`, rising, and of the same length `residual` = prediction − truth, in the target's measure."""
    answers, errors = (state.truth + state.errors).ravel(), state.errors.ravel()
    order = np.argsort(answers, kind="stable")
    shown = order[np.unique(np.linspace(0, len(order) - 1, min(POINTS, len(order))).astype(np.int64))]
    return {"prediction": answers[shown].tolist(), "residual": errors[shown].tolist()}
