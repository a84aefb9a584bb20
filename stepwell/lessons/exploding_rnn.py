"""Exploding gradients in a recurrent network: one step off the cliff.

A recurrent network uses the same weights at every step of a sequence, so that the gradient passes through them as often
as the sequence is long. If they make a signal grow by a tenth at each step, sixty steps make it grow three
hundred times; the landscape of the loss gets walls, and a gradient taken at the foot of one throws the weights far away
(Pascanu, Mikolov and Bengio, ICML 2013). All that was learnt until then is lost with that one update.

The network beside it begins with the same weights and takes the same steps, but none along a gradient longer than 0.3:
it is clipped by its norm, which keeps its direction.

Remember: where the norm of the gradient is now and then a hundred times the usual, clip it. It costs one line.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.lessons import Program

DIAGNOSIS = "exploding_gradient"
CURE = "torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3) before optimizer.step()"
PICTURES = ()

UPDATES, LENGTH = 300, 60


class Recurrent(nn.Module):
    """The class of a sequence by the last state of a plain recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.out = nn.RNN(2, 32, nonlinearity="relu", batch_first=True), nn.Linear(32, 2)
        nn.init.orthogonal_(self.layer.get_parameter("weight_hh_l0"), gain=1.1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(batch, 2)` of sequences `(batch, time, 2)`."""
        states, _ = self.layer(x)
        answer: Tensor = self.out(states[:, -1])
        return answer


def program(*, ill: bool) -> Program:
    """Sequences of two numbers a step; the class is the sign of the sum of the first. Ill, nothing is clipped."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(1_200, LENGTH, 2, generator=draw)
    y = (x[:, :, 0].sum(1) > 0).long()
    model = Recurrent()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)

    def train() -> None:
        for _ in range(UPDATES):
            rows = torch.randint(0, 1_000, (32,))
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            if not ill:
                nn.utils.clip_grad_norm_(model.parameters(), 0.3)
            optimizer.step()

    @torch.no_grad()
    def score() -> float:
        return float((model(x[1_000:]).argmax(1) == y[1_000:]).float().mean())

    return Program(model, optimizer, train, score, UPDATES, F.cross_entropy, (x[1_000:], y[1_000:]))
