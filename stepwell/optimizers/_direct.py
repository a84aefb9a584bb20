"""The step of Adam and AdamW without what torch looks up anew each time: bit for bit the same.

`Optimizer.step` notes itself for the profiler, gathers its lists from dictionaries and asks what it may do; on a small
network that takes longer than the arithmetic. The functions `torch.optim.adam.adam` and `torch.optim.adamw.adamw`,
which it calls in the end, are public: here their lists are gathered once and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from stepwell.optimizers import Group


@dataclass(frozen=True)
class _Kept:
    """A group of the optimizer, its parameters, and what is remembered of each."""

    group: Group
    parameters: list[Tensor]
    means: list[Tensor]
    squares: list[Tensor]
    steps: list[Tensor]


def direct(optimizer: torch.optim.Adam, function: Callable[..., None]) -> Callable[[], None]:
    """What makes one step of `optimizer`, by `function`, which is torch's `adam` or `adamw`.

    The optimizer's own step is taken where its state is yet to be made, where a parameter has no gradient, and always
    where torch has no fused kernel. The state may be loaded before the first call, not after it.
    """
    if not all(group["fused"] for group in optimizer.param_groups):
        return optimizer.step
    kept: list[_Kept] = []

    def step() -> None:
        if not kept and all(p in optimizer.state for group in optimizer.param_groups for p in group["params"]):
            kept.extend(_keep(optimizer, group) for group in optimizer.param_groups)
        gradients = [[p.grad for p in one.parameters] for one in kept]
        if not kept or any(gradient is None for some in gradients for gradient in some):
            optimizer.step()
            return
        with torch.no_grad():
            for one, some in zip(kept, gradients, strict=True):
                function(one.parameters, some, one.means, one.squares, [], one.steps, **_numbers(one.group), fused=True)

    return step


def _keep(optimizer: torch.optim.Adam, group: Group) -> _Kept:
    states = [optimizer.state[p] for p in group["params"]]
    means, squares, steps = ([state[name] for state in states] for name in ("exp_avg", "exp_avg_sq", "step"))
    return _Kept(group, group["params"], means, squares, steps)


def _numbers(group: Group) -> dict[str, Any]:
    """The settings of this step; the learning rate follows the schedule."""
    beta1, beta2 = group["betas"]
    same = {name: group[name] for name in ("amsgrad", "lr", "weight_decay", "eps", "maximize")}
    return {**same, "beta1": beta1, "beta2": beta2}
