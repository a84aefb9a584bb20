"""What the published rules need, read at the end of every epoch: gradients and weights by layer, activations, accuracy.

Read from the very runs that the doctor watches, in evaluation mode, with generators and buffers put back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from stepwell.doctor.layers import Reader
from stepwell.doctor.tape import tensors
from stepwell.doctor.undisturbed import undisturbed
from stepwell.schema import Finding

from .problems import Problem

ROWS = 256
RECTIFIERS = ("relu", "relu6", "leaky_relu", "prelu", "elu")
SQUASHING = ("sigmoid", "tanh")


def heard(_: Finding) -> None:
    """What the doctor says in a run: it is judged anew from what was read, and looks again only where one listens."""


class Observer:
    """`rows` holds one mapping an epoch."""

    def __init__(
        self,
        net: nn.Module,
        problem: Problem,
        loss: Callable[[Any, Tensor], Tensor],
        optimizer: torch.optim.Optimizer,
    ) -> None:
        self.net, self.problem, self.loss, self.optimizer = net, problem, loss, optimizer
        self.rows: list[dict[str, Any]] = []

    def epoch(self, step: int) -> None:
        """Read, after the last update of an epoch, while its gradients are there."""
        row: dict[str, Any] = {"step": step, "rate": float(self.optimizer.param_groups[0]["lr"]), **self._gradients()}
        inputs = self.problem.x[:ROWS].float()
        row["inputs"] = [float(inputs.min()), float(inputs.max())]
        with undisturbed(self.net), torch.no_grad():
            self.net.eval()
            row["loss"], row["accuracy"], row["layers"] = self._judged(self.problem.x[:ROWS], self.problem.y[:ROWS])
            row["valid_loss"], row["valid_accuracy"], _ = self._judged(self.problem.v[:ROWS], self.problem.w[:ROWS])
        self.rows.append(row)

    def _gradients(self) -> dict[str, Any]:
        matrices = [(name, one) for name, one in self.net.named_parameters() if one.ndim >= 2]
        gradients = {name: one.grad for name, one in matrices if one.grad is not None}
        numbers = sum(one.numel() for one in gradients.values())
        zeros = sum(int((one == 0).sum()) for one in gradients.values())
        return {
            "gradients": {name: float(one.norm()) for name, one in gradients.items()},
            "gradient_means": {name: float(one.abs().mean()) for name, one in gradients.items()},
            "zero_gradients": zeros / numbers if numbers else 1.0,
            "weights": {name: float(one.detach().norm()) for name, one in matrices},
        }

    def _judged(self, inputs: Tensor, targets: Tensor) -> tuple[float, float, dict[str, dict[str, float]]]:
        reader = Reader(self.net)
        with reader:
            outputs = self.net(inputs)
        layers: dict[str, dict[str, float]] = {}
        for layer in reader.layers:
            if layer.before is not None and layer.function in RECTIFIERS:
                layers[layer.name] = {"not_positive": float((layer.after <= 0).float().mean())}
            elif layer.before is not None and layer.function in SQUASHING:
                layers[layer.name] = {"beyond_five": float((layer.before.abs() >= 5).float().mean())}
        return float(self.loss(outputs, targets)), accuracy(tensors(outputs)[0], targets), layers


def accuracy(answers: Tensor, targets: Tensor) -> float:
    """The share of classes answered rightly; of numbers R2, which the rules were not made for."""
    answers = answers.float()
    if not bool(torch.isfinite(answers).all()):
        return 0.0
    if targets.is_floating_point():
        whole = float((targets - targets.mean(0)).square().sum())
        if answers.shape != targets.shape or whole == 0:
            return 0.0
        return 1 - float((answers - targets).square().sum()) / whole
    if answers.ndim > 1 and answers.shape[-1] > 1 and answers.ndim == targets.ndim + 1:
        return float((answers.argmax(-1) == targets).float().mean())
    flat = answers.reshape(-1)
    if flat.shape != targets.reshape(-1).shape:
        return math.nan
    border = 0.5 if bool(((flat >= 0) & (flat <= 1)).all()) else 0.0
    return float(((flat > border).long() == targets.reshape(-1)).float().mean())
