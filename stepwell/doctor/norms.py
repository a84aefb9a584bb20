"""Sizes of what an update is made of: gradients, weights, and how far it moves them. Matrices alone, by name."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

SMALLEST = 1e-8  # weights under which a relative change means nothing


def read(model: nn.Module) -> dict[str, dict[str, float]]:
    """`weights` and `gradients`: the norm of every matrix, and of its gradient where there is one."""
    named = _matrices(model)
    grads = {name: one.grad.detach() for name, one in named.items() if one.grad is not None}
    return {"gradients": _norms(grads), "weights": _norms({name: one.detach() for name, one in named.items()})}


def copies(model: nn.Module) -> dict[str, Tensor]:
    """Every matrix that may learn, as it is."""
    return {name: one.detach().clone() for name, one in _matrices(model).items() if one.requires_grad}


def moved(model: nn.Module, before: dict[str, Tensor]) -> dict[str, float]:
    """How far every matrix went from its copy, as a share of its size."""
    named = {name: one.detach() for name, one in _matrices(model).items() if name in before}
    sizes = _norms({name: before[name] for name in named})
    steps = _norms({name: one - before[name] for name, one in named.items()})
    return {name: steps[name] / size for name, size in sizes.items() if size > SMALLEST}


def left_over(optimizer: torch.optim.Optimizer) -> bool:
    """Whether a gradient of a parameter that the optimizer moves is not zero."""
    optimized = (one for group in optimizer.param_groups for one in group["params"])
    return any(one.grad is not None and bool(one.grad.any()) for one in optimized)


def _matrices(model: nn.Module) -> dict[str, Tensor]:
    return {name: one for name, one in model.named_parameters() if one.ndim >= 2}


def _norms(named: dict[str, Tensor]) -> dict[str, float]:
    """All norms with one reading of the device that most of them are on."""
    norms: Sequence[Tensor] = [torch.linalg.vector_norm(one.float()) for one in named.values()]
    if not norms:
        return {}
    return dict(zip(named, torch.stack([one.to(norms[0].device) for one in norms]).tolist(), strict=True))
