"""Activation functions by name."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

Activation = Literal[
    "linear",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "softplus",
    "tanh",
    "sigmoid",
    "hard_swish",
    "exp",
]

MONOTONE: frozenset[Activation] = frozenset(
    ("linear", "relu", "leaky_relu", "elu", "selu", "softplus", "tanh", "sigmoid", "exp")
)
"""Those that never fall as their input grows: a maximum may be taken before them instead of after, at less cost."""


class Exponential(nn.Module):
    """The exponential function, element by element: unbounded, so a cause of exploding activations."""

    def forward(self, x: Tensor) -> Tensor:
        """e^x, of any shape."""
        return torch.exp(x)


def activation(name: Activation) -> nn.Module:
    """A new module of that activation; any shape in, the same shape out.

    None of them works in place, so that a forward hook sees what a layer gave.
    """
    makers: dict[Activation, type[nn.Module]] = {
        "linear": nn.Identity,
        "relu": nn.ReLU,
        "leaky_relu": nn.LeakyReLU,
        "elu": nn.ELU,
        "selu": nn.SELU,
        "gelu": nn.GELU,
        "silu": nn.SiLU,
        "mish": nn.Mish,
        "softplus": nn.Softplus,
        "tanh": nn.Tanh,
        "sigmoid": nn.Sigmoid,
        "hard_swish": nn.Hardswish,
        "exp": Exponential,
    }
    return makers[name]()
