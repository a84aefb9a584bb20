"""Small programs in plain PyTorch, healthy as they stand; a test makes one ill by one change."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stepwell.doctor.watch import Doctor, watch

CLASSES, COLUMNS = 3, 8


def network(
    *, last: nn.Module | None = None, out: int = CLASSES, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """Two hidden layers of 32."""
    layers = [nn.Linear(COLUMNS, 32), activation(), nn.Linear(32, 32), activation(), nn.Linear(32, out)]
    return nn.Sequential(*layers, *([last] if last else []))


@dataclass
class Program:
    """A classifier of three classes, learnt in a plain loop of 120 updates."""

    model: nn.Module = field(default_factory=network)
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy
    rate: float = 3e-3
    optimizer: Callable[..., torch.optim.Optimizer] = torch.optim.Adam
    updates: int = 120
    batch: int = 32
    zero: bool = True
    training: bool = True
    validating: bool = False
    clip: float | None = None
    accumulate: int = 1
    inputs: Callable[[Tensor], Tensor] = lambda x: x
    targets: Callable[[Tensor], Tensor] = lambda y: y
    parameters: Callable[[nn.Module], Any] = lambda model: model.parameters()

    def data(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """600 rows to learn from and 200 held out; the class is the largest of three sums of columns."""
        draw = torch.Generator().manual_seed(0)
        x = torch.randn(800, COLUMNS, generator=draw)
        y = torch.stack([x[:, 0] + x[:, 1], x[:, 2] - x[:, 3], x[:, 4] + 0.5 * x[:, 5]]).argmax(0)
        x, y = self.inputs(x), self.targets(y)
        return x[:600], y[:600], x[600:], y[600:]

    def run(self, told: Any = None) -> None:
        """Train; `told` is called after every update."""
        x, y, v, _ = self.data()
        optimizer = self.optimizer(list(self.parameters(self.model)), lr=self.rate)
        self.train_with(optimizer, x, y, v, told)

    def train_with(self, optimizer: torch.optim.Optimizer, x: Tensor, y: Tensor, v: Tensor, told: Any = None) -> None:
        """The loop itself."""
        draw = torch.Generator().manual_seed(1)
        for update in range(self.updates):
            self.model.train(self.training)
            if self.zero:
                optimizer.zero_grad()
            for _ in range(self.accumulate):
                rows = torch.randint(len(x), (self.batch,), generator=draw)
                (self.loss(self.model(x[rows]), y[rows]) / self.accumulate).backward()
            if self.clip:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
            optimizer.step()
            if self.validating and update % 40 == 39:
                with torch.no_grad():
                    self.model(v)
            if told is not None:
                told(update)

    def watched(self, **options: Any) -> Doctor:
        """Train under watch."""
        torch.manual_seed(0)
        x, y, v, w = self.data()
        optimizer = self.optimizer(list(self.parameters(self.model)), lr=self.rate)
        with watch(self.model, optimizer, self.loss, (v, w), self.updates, **options) as doctor:
            self.train_with(optimizer, x, y, v)
        return doctor


def names(doctor: Doctor) -> list[str]:
    """The names of the harmful findings, in order."""
    return [one.name for one in doctor.findings if one.severity >= 2]
