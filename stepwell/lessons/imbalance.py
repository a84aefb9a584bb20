"""Imbalance: ninety-eight percent right, and of no use.

Two of a hundred machines are about to fail. A network that calls all of them sound is right ninety-eight times of a
hundred, and it gets there within a few updates, since nothing else lowers the loss as fast. It then hears of the rare
ones in one batch of two, and their say is drowned by the others'.

In the network beside it each rare example counts as much as fifty of the others (class weights in the loss). Its
share of right answers is lower, and it finds the machines.

Remember: where classes are of unequal size, do not ask for the share of right answers. Ask how many of each class are
found (balanced accuracy, recall), and let the rare ones count.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.lessons import Program

DIAGNOSIS = "class_imbalance"
CURE = "F.cross_entropy(model(x), y, weight=torch.tensor([0.51, 25.0]))"
PICTURES = ()

UPDATES = 300


def program(*, ill: bool) -> Program:
    """Two overlapping classes, one of two in a hundred; ill, every example counts the same. Scores are balanced."""
    draw = torch.Generator().manual_seed(0)
    y = (torch.rand(8_000, generator=draw) < 0.02).long()
    x = torch.randn(8_000, 10, generator=draw)
    x[:, :3] += 0.9 * y[:, None]
    model = nn.Sequential(nn.Linear(10, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), 0.002)
    weight = None if ill else torch.tensor([0.51, 25.0])

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(outputs, targets, weight=weight)

    def train() -> None:
        for _ in range(UPDATES):
            rows = torch.randint(0, 4_000, (64,))
            optimizer.zero_grad()
            loss(model(x[rows]), y[rows]).backward()
            optimizer.step()

    @torch.no_grad()
    def score() -> float:
        right = model(x[4_000:]).argmax(1) == y[4_000:]
        return float(sum(right[y[4_000:] == label].float().mean() for label in (0, 1)) / 2)

    return Program(model, optimizer, train, score, UPDATES, loss, (x[4_000:], y[4_000:]))
