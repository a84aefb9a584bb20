"""Overfitting: when a network learns its examples by heart, mistakes and all.

Three hundred examples, a quarter of them with a wrong label, and a network with six thousand weights. It has room
enough to remember each one. At first it learns what they have in common, and gets better on new data as well. Then only
the exceptions are left to learn, and each one that it learns by heart bends the answer for everything near it. The
loss of training goes on falling to nothing; that of new data turns and rises.

The network beside it is the same one, stopped where the loss on new data was lowest.

Remember: where the validation loss rises while the training loss falls, more training harms. Stop there and keep the
best weights, make large weights dear, or bring more examples, which is best of all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from stepwell.lessons import Program

DIAGNOSIS = "overfit"
CURE = "for update in range(40), where the validation loss was lowest, in place of 400"
PICTURES = ("held_out",)

UPDATES, EARLY, FEW, COLUMNS = 400, 40, 300, 20


def program(*, ill: bool) -> Program:
    """Two classes by the sum of three columns of twenty, a quarter of the labels wrong; well, it stops early."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(FEW + 1_000, COLUMNS, generator=draw)
    y = (x[:, 0] + x[:, 1] - x[:, 2] > 0).long()
    wrong = torch.rand(FEW, generator=draw) < 0.25
    y[:FEW] = torch.where(wrong, 1 - y[:FEW], y[:FEW])
    model = nn.Sequential(nn.Linear(COLUMNS, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    optimizer = torch.optim.AdamW(model.parameters(), 0.003)
    updates = UPDATES if ill else EARLY

    def train() -> None:
        for _ in range(updates):
            rows = torch.randint(0, FEW, (64,))
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    @torch.no_grad()
    def score() -> float:
        return float((model(x[FEW:]).argmax(1) == y[FEW:]).float().mean())

    return Program(model, optimizer, train, score, updates, F.cross_entropy, (x[FEW:], y[FEW:]))
