"""A perceptron on AND and XOR: what one line through the plane can part, and what it cannot.

A perceptron weighs its inputs, adds them up and asks whether the sum is large enough. So it parts the plane by one
straight line. Of the four corners of a square, AND wants one on its own side: a line does that. XOR wants two
opposite corners on one side, and no line ever will (Minsky and Papert, 1969). Another layer alone does not help: two
linear layers in a row are one linear layer, of the same single line.

The network beside it has the same two layers with a function between them that bends. Each hidden unit draws a line of
its own, and the last layer asks on which sides of them a corner lies: two lines are enough for XOR.

Remember: layers without a non-linearity in between are one layer. What a line cannot part, no amount of training will.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from stepwell.lessons import Program

DIAGNOSIS = "missing_nonlinearity"
CURE = "nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2)) in place of two linear layers in a row"
PICTURES = ()

UPDATES = 300


def program(*, ill: bool) -> Program:
    """XOR of the signs of two numbers near the corners of a square; ill, nothing bends between the layers."""
    between = [] if ill else [nn.Tanh()]
    model = nn.Sequential(nn.Linear(2, 16), *between, nn.Linear(16, 2))
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    corners = torch.randint(0, 2, (1_000, 2))
    x = 2.0 * corners - 1.0 + 0.2 * torch.randn(1_000, 2)
    y = corners[:, 0] ^ corners[:, 1]

    def train() -> None:
        for _ in range(UPDATES):
            rows = torch.randint(0, 800, (32,))
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    @torch.no_grad()
    def score() -> float:
        return float((model(x[800:]).argmax(1) == y[800:]).float().mean())

    return Program(model, optimizer, train, score, UPDATES, F.cross_entropy, (x[800:], y[800:]))
