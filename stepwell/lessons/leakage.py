"""Leakage: a column that knows the answer, until it is asked.

A table of patients, and whether they were ill. One column says whether they took the medicine that is only given to
those who are. In the table it tells the answer nearly alone, and the network looks at nothing else: its validation
score is splendid. But when a new patient comes, the medicine has not been given to anybody yet. The column says
no for all, and so does the network, which has learnt little else.

The network beside it was trained without that column. Its score on the table is lower, and it is the one that holds.

Remember: ask of every column whether it is known when the answer is wanted. A score that is too good is a finding, and
a cure that lowers it may be the right one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from stepwell.lessons import Program

DIAGNOSIS = "leak_feature"
CURE = "x = x[:, :-1], without the column that is only known together with the answer"
PICTURES = ()

UPDATES, COLUMNS = 300, 12


def program(*, ill: bool) -> Program:
    """Two classes in twelve columns, of which the last is the answer on the table and nothing on new rows."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(2_400, COLUMNS, generator=draw)
    y = (x[:, 0] - x[:, 1] + 0.5 * x[:, 2] + 0.7 * torch.randn(2_400, generator=draw) > 0).long()
    x[:1_400, -1] = 2.0 * y[:1_400] - 1.0 + 0.1 * x[:1_400, -1]  # the table; the rows after it come later
    x[1_400:, -1] = -1.0  # nobody was given it yet
    if not ill:
        x = x[:, :-1]
    model = nn.Sequential(nn.Linear(x.shape[1], 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = torch.optim.Adam(model.parameters(), 0.003)

    def train() -> None:
        for _ in range(UPDATES):
            rows = torch.randint(0, 1_000, (32,))
            optimizer.zero_grad()
            F.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()

    @torch.no_grad()
    def score() -> float:
        return float((model(x[1_400:]).argmax(1) == y[1_400:]).float().mean())

    return Program(model, optimizer, train, score, UPDATES, F.cross_entropy, (x[1_000:1_400], y[1_000:1_400]))
