"""First weights by name, for the linear and convolution layers of a module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn

Initialization = Literal[
    "zeros",
    "constant",
    "normal",
    "uniform",
    "xavier",
    "xavier_normal",
    "he",
    "he_uniform",
    "lecun",
    "orthogonal",
    "torch",
]

Layer = nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d

SCALE: dict[Initialization, float] = {"constant": 0.1, "normal": 0.05, "uniform": 0.05}
"""What `scale` is where it is not given; 1 for the other methods."""


def initialize(
    module: nn.Module, method: Initialization, *, scale: float | None = None, bias: float = 0.0, linear: bool = False
) -> None:
    """Set the weights of every linear and convolution layer in `module`, in place; their biases become `bias`.

    Other layers (normalizations, embeddings, recurrent ones) keep what they have. With fan_in inputs
    and fan_out outputs a unit, `scale` is:

    zeros          no scale: every weight 0 (units stay alike for ever; for lessons)
    constant       the value of every weight, 0.1
    normal         the standard deviation, 0.05
    uniform        the bound a of U(-a, a), 0.05
    xavier         a factor on U(-a, a) with a = sqrt(6 / (fan_in + fan_out)); Glorot and Bengio, AISTATS 2010
    xavier_normal  a factor on the normal distribution of the same variance
    he             a factor on N(0, 2 / fan_in); He et al., ICCV 2015
    he_uniform     a factor on the uniform distribution of the same variance
    lecun          a factor on N(0, 1 / fan_in), as SELU wants it; Klambauer et al., NeurIPS 2017
    orthogonal     a factor on a random orthogonal matrix; Saxe et al., ICLR 2014
    torch          a factor on U(-a, a) with a = 1 / sqrt(fan_in), as PyTorch begins; biases lie as far around `bias`

    `linear` says that no activation follows: "he" then drops its factor 2, which makes up for what
    ReLU cuts off, so that an output layer begins no louder than its input.
    """
    for layer in layers(module):
        factor = SCALE.get(method, 1.0) if scale is None else scale
        _fill(layer.weight, method, factor, linear)
        if layer.bias is not None:
            nn.init.constant_(layer.bias, bias)
            if method == "torch":
                bound = layer.weight[0].numel() ** -0.5
                with torch.no_grad():
                    layer.bias += torch.empty_like(layer.bias).uniform_(-bound, bound)


def layers(module: nn.Module) -> Iterator[Layer]:
    """The linear and convolution layers of a module, in the order of definition."""
    return (layer for layer in module.modules() if isinstance(layer, Layer))


@torch.no_grad()
def _fill(weight: Tensor, method: Initialization, scale: float, linear: bool) -> None:
    he: Literal["linear", "relu"] = "linear" if linear else "relu"
    match method:
        case "zeros":
            weight.zero_()
        case "constant":
            weight.fill_(scale)
        case "normal":
            weight.normal_(0.0, scale)
        case "uniform":
            weight.uniform_(-scale, scale)
        case "xavier":
            nn.init.xavier_uniform_(weight, gain=scale)
        case "xavier_normal":
            nn.init.xavier_normal_(weight, gain=scale)
        case "he":
            nn.init.kaiming_normal_(weight, nonlinearity=he).mul_(scale)
        case "he_uniform":
            nn.init.kaiming_uniform_(weight, nonlinearity=he).mul_(scale)
        case "lecun":
            nn.init.kaiming_normal_(weight, nonlinearity="linear").mul_(scale)
        case "orthogonal":
            nn.init.orthogonal_(weight, gain=scale)
        case "torch":
            bound = scale * weight[0].numel() ** -0.5
            weight.uniform_(-bound, bound)
