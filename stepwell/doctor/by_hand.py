"""Updates that no optimizer of torch makes: `p.data -= lr * p.grad`, or an optimizer of another library.

There is no step to hear of, so the weights themselves are looked at: where they differ at the next call of the model
from what they were after `backward`, they were updated in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

MOST_PARAMETERS, MOST_ELEMENTS = 8, 4096  # that are looked at


class Unseen(torch.optim.SGD):
    """Stands where an optimizer is asked for; it never steps, and its rate is what was measured: 0 until then."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__([one for one in model.parameters() if one.requires_grad], lr=0.0)


class Hand:
    """Tells of updates made by hand: `before` one that may follow, and `after` it, with the rate that was measured.

    The rate is the length of the update over that of the gradient, where both are looked at: for plain gradient
    descent it is the learning rate, clipping included.
    """

    def __init__(
        self, model: nn.Module, optimizer: Unseen, before: Callable[[], Any], after: Callable[[], Any]
    ) -> None:
        self._model, self._optimizer, self._before, self._after = model, optimizer, before, after
        self._kept: list[tuple[Tensor, Tensor, Tensor]] = []

    def differentiated(self) -> None:
        """`backward` is through: remember some weights and their gradients."""
        known = [one for one in self._model.parameters() if one.grad is not None]
        small = [one for one in known if one.numel() <= MOST_ELEMENTS] or known
        self._kept = [
            (one, _few(one).clone(), _few(one.grad).clone()) for one in small[-MOST_PARAMETERS:] if one.grad is not None
        ]
        if self._kept:
            self._before()

    def called(self) -> None:
        """The model is called again, or the training is over: were the weights changed?"""
        moved = [_few(one) - before for one, before, _ in self._kept]
        if not any(bool(one.any()) for one in moved):
            return
        length = math.sqrt(sum(float(one.float().square().sum()) for one in moved))
        gradient = math.sqrt(sum(float(one.float().square().sum()) for _, _, one in self._kept))
        if gradient > 0:
            self._optimizer.param_groups[0]["lr"] = length / gradient
        self._kept = []
        self._after()


def _few(one: Tensor) -> Tensor:
    return one.detach().flatten()[:MOST_ELEMENTS]
