"""Mode collapse: a forger who knows one banknote.

A generator makes points, a discriminator tells them from real ones, which lie in eight heaps on a circle. The
generator is not asked for all of them: whatever passes will do. Where its steps are much longer than the
discriminator's, it runs to the one heap that passes best just now and puts everything there; by the time the
discriminator has learnt to watch that heap, the generator has moved on to the next. Both losses look as they do in
health. Only the points tell.

Beside it both take steps of one length, the discriminator's gradients keep up, and the heaps are covered.

Remember: a generator's loss says nothing about variety. Look at many of its samples, beside as many real ones, and give
the discriminator the longer steps (two time scales: Heusel et al., NeurIPS 2017).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.lessons import Program

DIAGNOSIS = "gan_mode_collapse"
CURE = "torch.optim.Adam(generator.parameters(), 0.001, betas=(0.5, 0.9)): a tenth of the ill one's rate"
PICTURES = ("covered",)

UPDATES = 1_200


def ring(count: int) -> Tensor:
    """Eight narrow heaps on a circle of radius 2, `(count, 2)`."""
    turns = torch.randint(8, (count, 1)) * (math.pi / 4)
    return 2 * torch.cat([turns.cos(), turns.sin()], 1) + 0.05 * torch.randn(count, 2)


def program(*, ill: bool) -> Program:
    """The discriminator of a game; ill, the generator's steps are ten times as long. The score: heaps covered of 8."""
    maker = nn.Sequential(nn.Linear(8, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    judge = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2), nn.Linear(64, 1))
    mine = torch.optim.Adam(judge.parameters(), 1e-3, betas=(0.5, 0.9))
    its = torch.optim.Adam(maker.parameters(), 1e-2 if ill else 5e-4, betas=(0.5, 0.9))
    real, fake = torch.ones(128, 1), torch.zeros(128, 1)

    def train() -> None:
        for _ in range(UPDATES):
            made = maker(torch.randn(128, 8))
            mine.zero_grad()
            wrong = F.binary_cross_entropy_with_logits(judge(made.detach()), fake)
            (F.binary_cross_entropy_with_logits(judge(ring(128)), real) + wrong).backward()
            mine.step()
            its.zero_grad()
            F.binary_cross_entropy_with_logits(judge(made), real).backward()
            its.step()

    @torch.no_grad()
    def score() -> float:
        made = maker(torch.randn(2_000, 8))
        turns = torch.arange(8) * (math.pi / 4)
        heaps = 2 * torch.stack([turns.cos(), turns.sin()], 1)
        near = torch.cdist(made, heaps) < 0.5
        return float((near.float().mean(0) > 0.02).float().mean())

    return Program(judge, mine, train, score, UPDATES)
