"""Three published rule sets, written anew after their papers and sources, to be set beside the doctor on the same runs.

AutoTrainer (Zhang et al. 2021), DeepDiagnosis (Wardat et al. 2022) and UMLAUT (Schoop et al. 2021) look at the end of
every epoch. They are given what they need at just that rate (`observed`), and their thresholds as published; of numbers
R2 stands for accuracy. Where a rule looks at several epochs in a row, short runs give it less to see than a long one
would. Each alarm is a symptom; `MEANS` lists, generously, the faults that a reader may take it to name.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any

Rows = Sequence[Mapping[str, Any]]
Facts = Mapping[str, Any]

MEANS: dict[str, frozenset[str]] = {
    "vanishing": frozenset({"vanishing_gradient", "bad_init_small", "saturated_units", "rnn_vanishing_time"}),
    "exploding": frozenset({"exploding_gradient", "nan_loss", "nan_in_data", "bad_init_large"}),
    "dying_relu": frozenset({"dead_relu", "bad_init_bias"}),
    "oscillating": frozenset({"lr_too_high", "batch_too_small"}),
    "slow": frozenset({"lr_too_low", "bad_optimizer_setting", "too_few_epochs"}),
    "saturated": frozenset({"saturated_units", "wrong_activation"}),
    "unchanged": frozenset({"frozen_params", "params_not_in_optimizer", "disconnected_graph", "single_unit_softmax"}),
    "out_of_range": frozenset({"wrong_output_activation", "loss_output_mismatch", "unscaled_targets", "wrong_loss"}),
    "rate_high": frozenset({"lr_too_high", "transformer_no_warmup"}),
    "rate_low": frozenset({"lr_too_low"}),
    "inputs": frozenset({"unscaled_inputs"}),
    "not_numbers": frozenset({"nan_in_data"}),
    "overfit": frozenset({"overfit"}),
    "suspicious": frozenset({"data_leak_rows", "leak_feature"}),
    "dropout": frozenset({"excessive_dropout"}),
    "linear_layer": frozenset({"missing_nonlinearity"}),
    "no_softmax": frozenset({"loss_output_mismatch", "wrong_output_activation"}),
}


def autotrainer(rows: Rows, facts: Facts) -> list[str]:
    """Symptoms of a training that has not converged: accuracy under 0.7, or no epoch that gains 0.01."""
    if not all(math.isfinite(row["loss"]) for row in rows):
        return ["exploding"]
    if len(rows) < 0.3 * facts["epochs"]:
        return []
    scores = [[row[name] for row in rows] for name in ("accuracy", "valid_accuracy")]
    gains = [max((b - a for a, b in itertools.pairwise(one)), default=1.0) for one in scores]
    low = max(map(max, scores)) < 0.7
    if not low and max(gains) >= 0.01:
        return []
    found = []
    pairs = [list(row["gradients"].values()) for row in rows if len(row["gradients"]) > 1]
    if any(one[0] < 1e-3 * one[-1] and one[0] < 1e-4 for one in pairs):
        found.append("vanishing")
    if any(one[0] > 70 * one[-1] for one in pairs):
        found.append("exploding")
    if any(row["zero_gradients"] >= 0.7 for row in rows):
        found.append("dying_relu")
    if len(rows) > 4 and _swings(scores[0], 0.03) >= 0.2 * len(rows):
        found.append("oscillating")
    return found or (["slow"] if low and gains[0] < 0.01 else [])


def _swings(values: Sequence[float], least: float) -> int:
    """How often a peak lies `least` above the valley that follows or precedes it."""
    inner = range(1, len(values) - 1)
    peaks = [values[i] for i in inner if values[i - 1] <= values[i] >= values[i + 1]]
    valleys = [values[i] for i in inner if values[i - 1] >= values[i] <= values[i + 1]]
    return sum(high - low >= least for high, low in zip(peaks, valleys, strict=False))


def deepdiagnosis(rows: Rows, facts: Facts) -> list[str]:
    """Eight symptoms, without a gate."""
    found, last = [], rows[-1]
    if not all(math.isfinite(row["loss"]) for row in rows):
        found.append("exploding")
    if any(layer.get("not_positive", 0.0) >= 0.7 for layer in last["layers"].values()):
        found.append("dying_relu")
    if any(layer.get("beyond_five", 0.0) > 0.5 for row in rows for layer in row["layers"].values()):
        found.append("saturated")
    if any(mean < 1e-7 for row in rows for mean in row["gradient_means"].values()):
        found.append("vanishing")
    losses = [row["loss"] for row in rows]
    fives = [losses[i : i + 5] for i in range(len(losses) - 4)]
    if any(fmean(one) == max(one) for one in fives if all(map(math.isfinite, one))):
        found.append("unchanged")
    if _out_of_range(facts):
        found.append("out_of_range")
    moves = [
        row["rate"] * norm / row["weights"][name]
        for row in rows
        for name, norm in row["gradients"].items()
        if row["weights"][name] > 0 and math.isfinite(norm)
    ]
    if any(one > 1e-1 for one in moves):
        found.append("rate_high")
    if any(one < 1e-5 for one in moves):
        found.append("rate_low")
    return found


def _out_of_range(facts: Facts) -> bool:
    """Whether the last activation cannot answer the targets."""
    call = facts.get("output_call")
    low, high = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0), "relu": (0.0, math.inf)}.get(call, (-math.inf, math.inf))
    known = facts.get("target_low") is not None and facts.get("targets") in ("numbers", "classes")
    one = facts.get("targets") == "numbers" or facts.get("output_width") == 1
    return bool(known and one and (facts["target_low"] < low or facts["target_high"] > high))


def umlaut(rows: Rows, facts: Facts) -> list[str]:
    """Its checks before training and at every epoch, without a gate."""
    found = []
    if not facts.get("inputs_finite", True):
        found.append("not_numbers")
    if rows[0]["inputs"][0] < -1 or rows[0]["inputs"][1] > 1:
        found.append("inputs")
    rate = facts.get("learning_rate", 1e-3)
    if rate > 0.01:
        found.append("rate_high")
    if rate < 1e-7:
        found.append("rate_low")
    if facts.get("dropout", 0.0) > 0.5:
        found.append("dropout")
    if facts.get("linear_in_a_row"):
        found.append("linear_layer")
    if facts.get("loss_wants") == "probabilities" and facts.get("output_call") not in ("softmax", "sigmoid"):
        found.append("no_softmax")
    pairs = list(itertools.pairwise(rows))
    if any(b["valid_loss"] > a["valid_loss"] and b["loss"] <= a["loss"] for a, b in pairs):
        found.append("overfit")
    if any(row["valid_accuracy"] > 0.95 for row in rows[3:]) and facts.get("targets") == "classes":
        found.append("suspicious")
    return found


SETS: dict[str, Callable[[Rows, Facts], list[str]]] = {
    "AutoTrainer": autotrainer,
    "DeepDiagnosis": deepdiagnosis,
    "UMLAUT": umlaut,
}
