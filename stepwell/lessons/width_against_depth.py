"""Width against depth: weights piled high or laid out wide.

Twenty-four layers of three units have fewer weights than two layers of twenty. Deep and narrow, every layer is a
door that all must pass: a rectifier that is silent on all samples closes a third of it for good, and where three units
happen to be silent together, nothing that comes before them is ever heard again (Lu et al., "Dying ReLU and
initialization", 2019). The chance of that grows with every layer.

The network beside it lays its weights side by side: a silent unit costs one of twenty, and gradients have a short
way.

Remember: depth pays once each layer is wide enough to let the signal pass. For tables of few columns, two or three wide
layers are hard to beat; go deeper with residual connections and normalization, not without.
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import nn

from stepwell.lessons import Program

DIAGNOSIS = "dead_relu"
CURE = "nn.Sequential(nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 3))"
PICTURES = ("dead",)

UPDATES = 400


def program(*, ill: bool) -> Program:
    """Three classes in eight columns; ill, twenty-four hidden layers of three units, else two of twenty."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2_000, 8, generator=draw)
    y = torch.stack([x[:, 0] + x[:, 1], x[:, 2] - x[:, 3], x[:, 4] + 0.5 * x[:, 5]]).argmax(0)
    widths = [8, *([3] * 24 if ill else [20, 20])]
    layers: list[nn.Module] = []
    for before, width in itertools.pairwise(widths):
        layers += [nn.Linear(before, width), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(widths[-1], 3))
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(model.parameters(), 0.003)

    def train() -> None:
        for _ in range(UPDATES):
            rows = torch.randint(0, 1_500, (32,))
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    @torch.no_grad()
    def score() -> float:
        return float((model(x[1_500:]).argmax(1) == y[1_500:]).float().mean())

    return Program(model, optimizer, train, score, UPDATES, F.cross_entropy, (x[1_500:], y[1_500:]))
