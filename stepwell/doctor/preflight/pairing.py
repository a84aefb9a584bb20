"""Which loss is computed from the outputs, and whether it is one that fits them."""

from __future__ import annotations

from typing import Any

from stepwell.doctor.first import First
from stepwell.doctor.tape import Call

LOGITS = {"cross_entropy": "logits", "binary_cross_entropy_with_logits": "logits", "nll_loss": "log probabilities"}
LOGITS |= {"binary_cross_entropy": "probabilities", "mse_loss": "numbers", "l1_loss": "numbers"}
LOGITS |= {"huber_loss": "numbers", "smooth_l1_loss": "numbers", "kl_div": "log probabilities"}

OF_CLASSES = (".cross_entropy", ".nll_loss")


def look(first: First) -> dict[str, Any]:
    """`loss_calls`, `loss_wants` of the library's losses, and the shapes of operands that were stretched to each other.

    `loss_width` is the number of classes that a library's loss was given, which need not be the model's outputs, as
    where it compares what samples were made into (van den Oord et al., 2018); None where there is no such loss.
    `loss_broadcast` is [shape, shape] where an output of n samples met a target of n in such a way that n x n numbers
    came out; None otherwise. `loss_sign` is -1 where the last call turns the sign round.
    """
    replay = first.example.replay
    names = replay.names()
    wants = [LOGITS[name] for name in names if name in LOGITS]
    stretched = next((shapes for call in replay.calls if (shapes := _stretched(call, first.example.rows))), None)
    return {
        "loss_calls": list(names),
        "loss_wants": wants[0] if wants else None,
        "loss_width": next((_classes(one) for one in reversed(replay.calls) if one.name.endswith(OF_CLASSES)), None),
        "loss_broadcast": stretched,
        "loss_negated": names[-1:] == ("neg",) or "__neg__" in names[-1:],
        "loss_logs": any(name in ("log", "log2") for name in names),
        "loss_clamps": any(name in ("clamp", "clamp_min", "clip") for name in names),
        "loss_softmax": [name for name in names if name in ("softmax", "log_softmax")],
        "loss_touches_parameters": replay.touches_parameters,
        "loss_reduces_by_sum": _summed(replay.calls),
    }


def _classes(call: Call) -> int:
    shape = call.shapes[0]
    return int(shape[1] if len(shape) > 1 else shape[0])


def _stretched(call: Call, rows: int) -> list[list[int]] | None:
    """Shapes (n, 1) and (n,) that meet in one call: elementwise, they give n x n numbers."""
    column = next((one for one in call.shapes if len(one) > 1 and one[0] == rows and set(one[1:]) == {1}), None)
    flat = next((one for one in call.shapes if len(one) == 1 and one[0] == rows), None)
    if rows < 2 or column is None or flat is None or call.name.endswith(("index_select", "gather")):
        return None
    return [list(column), list(flat)]


def _summed(calls: tuple[Call, ...]) -> bool:
    """Whether the last reduction is a sum over everything, and nothing divides by the number of samples after it."""
    for call in reversed(calls):
        name = call.name.rpartition(".")[2].strip("_")
        if name in ("neg", "mul", "rmul", "add", "radd") or (name in ("div", "truediv") and len(call.shapes) == 1):
            continue
        whole = name == "sum" and len(call.args) == 1 and not call.kwargs
        return whole or call.kwargs.get("reduction") == "sum"
    return False
