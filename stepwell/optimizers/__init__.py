"""What moves the weights: `build(options, groups) -> torch.optim.Optimizer`, a file each.

A file may also hold `step(optimizer) -> Callable[[], None]`: what makes the same step as the optimizer's own, quicker.

`groups` are as torch wants them, `{"params": [...]}`: one of matrices and kernels, which are decayed, and
one of biases and the scales of normalizations, which are not; two more for each rate, `lr`, of their own.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, TypeVar, cast

import torch
from torch import Tensor

Group = dict[str, Any]
Kind = TypeVar("Kind", bound=torch.optim.Optimizer)

FUSED = frozenset(("cpu", "cuda", "mps", "xpu"))
"""Devices on which torch has one kernel for a whole step of SGD, Adam and AdamW."""
UNCOMPILED = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
"""What torch wraps so that its compiler leaves it alone: the first call of any of these imports the compiler."""


def light(kind: type[Kind]) -> type[Kind]:
    """`kind`, one of torch's own optimizers, without torch's compiler: the same to the bit, but not to be compiled.

    Making or stepping torch's own imports the compiler, two of the seconds before a training's first step.
    """
    methods = {name: inspect.unwrap(getattr(kind, name)) for name in UNCOMPILED}
    methods["step"] = torch.no_grad()(inspect.unwrap(kind.step))
    return cast(
        "type[Kind]", type(kind.__name__, (kind,), {"__doc__": kind.__doc__, "__module__": __name__, **methods})
    )


def fused(groups: Sequence[Group], devices: frozenset[str] = FUSED) -> bool | None:
    """True where all parameters are floats on such a device; else None: torch chooses between foreach and a loop."""
    parameters: list[Tensor] = [parameter for group in groups for parameter in group["params"]]
    return all(p.is_floating_point() and p.device.type in devices for p in parameters) or None


def decayed(groups: Sequence[Group], decay: float) -> list[Group]:
    """The groups with their `weight_decay`: `decay` for matrices, 0 for biases and norms (below two axes).

    Without decay those of one rate are one: an optimizer calls its kernel once a group.
    """
    if decay == 0:
        joined: dict[float | None, list[Tensor]] = {}
        for group in groups:
            joined.setdefault(group.get("lr"), []).extend(group["params"])
        own = {rate: {} if rate is None else {"lr": rate} for rate in joined}
        return [{"params": joined[rate], **own[rate], "weight_decay": 0.0} for rate in joined]
    return [{**group, "weight_decay": decay if any(p.ndim > 1 for p in group["params"]) else 0.0} for group in groups]
