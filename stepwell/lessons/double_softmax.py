"""A softmax too many: why a loss that falls a little, and then no further, may be a matter of one line.

PyTorch's cross-entropy takes logits: it puts the softmax in itself, where it can do so without losing digits. A network
that ends in a softmax of its own gets a second one. What comes in are then numbers from 0 to 1, so that even the surest
answer leaves a large loss: of ten classes 1.46 and not 0. And the gradient, which has to pass both, fades just where
the network begins to be sure.

The network beside it ends in its last linear layer, and nothing else is changed.

Remember: the last layer and the loss are a pair. Logits go with cross_entropy, log-probabilities with nll_loss,
probabilities with neither.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from stepwell.lessons import Program
from stepwell.lessons._digits import digits

DIAGNOSIS = "softmax_before_ce"
CURE = "leave out the nn.Softmax at the end of the network"
PICTURES = ()

UPDATES = 300


def program(*, ill: bool) -> Program:
    """Digits in two layers; ill, a softmax stands before the cross-entropy."""
    x, y = digits()
    end = [nn.Softmax(dim=1)] if ill else []
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), *end)
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)

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
