"""Underfitting: a network too small for what it is to learn.

Whatever a network knows of its input has to pass each of its layers. A layer of two units lets two numbers through.
That is enough to lay ten digits out on a sheet, where they overlap. What needs a third number comes out as one thing,
and all the layers after it, and all the updates in the world, cannot part it again. The loss stops at a level well
above nothing, for training and for new data alike: that both are bad is how one knows it from overfitting.

The network beside it has room for sixty-four numbers in each layer.

Remember: before you regularize, make sure that the network can learn a few examples by heart. If it cannot, it is too
small, or something is broken.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from stepwell.lessons import Program
from stepwell.lessons._digits import digits

DIAGNOSIS = "underfit_capacity"
CURE = "nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 10))"
PICTURES = ("held_out",)

UPDATES = 300


def program(*, ill: bool) -> Program:
    """Digits in three layers; ill, the hidden ones have two units."""
    x, y = digits()
    width = 2 if ill else 64
    hidden = [nn.Linear(64, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()]
    model = nn.Sequential(*hidden, nn.Linear(width, 10))
    optimizer = torch.optim.Adam(model.parameters(), 0.005)

    def train() -> None:
        for _ in range(UPDATES):
            rows = torch.randint(0, 1_400, (32,))
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    @torch.no_grad()
    def score() -> float:
        return float((model(x[1_400:]).argmax(1) == y[1_400:]).float().mean())

    return Program(model, optimizer, train, score, UPDATES, F.cross_entropy, (x[1_400:], y[1_400:]))
