"""Lessons: what goes wrong in training, had on purpose; one a file.

A lesson is a recipe that a diagnosis' `infect` makes ill, or a `Program`: plain PyTorch, ill or well by one line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Program:
    """A training in plain PyTorch: `train()` is the whole of it, `score()` says from 0 to 1 how good the model is.

    `score` is of data that were not learnt from. `loss_fn(outputs, targets)` and `validation`, inputs and targets, are
    what `stepwell.watch` may take besides; `updates` is the number of updates planned.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer
    train: Callable[[], None]
    score: Callable[[], float]
    updates: int
    loss_fn: Callable[..., torch.Tensor] | None = None
    validation: tuple[Any, Any] | None = None
