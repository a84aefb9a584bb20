"""What the network answers before it has learnt anything: its width, its range, and what makes it."""

from __future__ import annotations

from typing import Any

import torch

from stepwell.doctor.first import First
from stepwell.doctor.tape import Replay

CLOSE = 1e-4
RANGES: dict[str, tuple[float | None, float | None]] = {
    "sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "hardsigmoid": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "hardtanh": (-1.0, 1.0),
    "relu": (0.0, None),
    "relu6": (0.0, 6.0),
    "exp": (0.0, None),
    "softplus": (0.0, None),
    "log_softmax": (None, 0.0),
    "logsigmoid": (None, 0.0),
}


def look(first: First) -> dict[str, Any]:
    """`output_call` is the call that makes the output; `output_low`, `output_high` the range that it can reach.

    `output_log_normalized` is of what nll_loss is given, where it is called: the logarithm may stand in between.
    """
    output = first.example.replay.answer.float()
    width = int(output.shape[-1]) if output.ndim > 1 else 1
    low, high = RANGES.get(first.last_call, (None, None))
    finite = bool(torch.isfinite(output).all())
    sums = output.sum(-1) if output.ndim > 1 else output
    return {
        "output_shape": list(output.shape),
        "output_width": width,
        "output_call": first.last_call,
        "output_low": low,
        "output_high": high,
        "output_finite": finite,
        "output_nonnegative": bool((output >= 0).all()),
        "output_in_unit": bool(((output >= 0) & (output <= 1)).all()),
        "output_rows_sum_to_one": width > 1
        and finite
        and bool((output >= 0).all())
        and bool(torch.allclose(sums, torch.ones_like(sums), atol=CLOSE)),
        "output_log_normalized": _log_normalized(first.example.replay),
        "output_deviation": float(output.std(0, correction=0).mean()) if output.ndim and finite else 0.0,
        "output_constant": finite and bool((output == output.flatten()[0]).all()),
    }


def _log_normalized(replay: Replay) -> bool:
    """Whether exp of the log probabilities sums to one over the classes: dimension 1, else the last."""
    given = replay.given("nll_loss")
    values = (replay.answer if given is None else given).float()
    if values.ndim < 2 or values.shape[-1] < 2 or not bool(torch.isfinite(values).all()):
        return False
    sums = [values.logsumexp(dimension) for dimension in (1, -1)]
    return any(torch.allclose(one, torch.zeros_like(one), atol=1e-3) for one in sums)
