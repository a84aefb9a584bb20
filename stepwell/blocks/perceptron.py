"""The body of a multilayer perceptron."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from stepwell.blocks.activation import Activation, activation
from stepwell.blocks.initialization import Initialization, initialize
from stepwell.blocks.normalization import Normalization, normalization


@dataclass(frozen=True)
class Body:
    """What the hidden layers are like: units a layer, and what stands in each.

    `residual` adds a layer's input to its output wherever the two are equally wide. `scale` and
    `bias` go with the initialization (see `initialization.initialize`).
    """

    widths: tuple[int, ...]
    activation: Activation = "relu"
    normalization: Normalization = "none"
    dropout: float = 0.0
    residual: bool = False
    initialization: Initialization = "he"
    scale: float | None = None
    bias: float = 0.0


class Residual(nn.Module):
    """x + body(x); `body` keeps the shape."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, x: Tensor) -> Tensor:
        """Any shape that `body` takes and gives."""
        out: Tensor = x + self.body(x)
        return out


def perceptron(inputs: int, body: Body) -> nn.Sequential:
    """Hidden layers from `(batch, inputs)` to `(batch, widths[-1])`; without widths, what comes in goes out.

    Each is linear, normalization, activation, dropout, in this order.
    """
    layers: list[nn.Module] = []
    for width in body.widths:
        parts = [
            nn.Linear(inputs, width),
            normalization(body.normalization, width, 1),
            activation(body.activation),
            nn.Dropout(body.dropout),
        ]
        layer = nn.Sequential(*(part for part in parts if not _idle(part)))
        initialize(layer, body.initialization, scale=body.scale, bias=body.bias)
        layers.append(Residual(layer) if body.residual and inputs == width else layer)
        inputs = width
    return nn.Sequential(*layers)


def _idle(part: nn.Module) -> bool:
    return isinstance(part, nn.Identity) or (isinstance(part, nn.Dropout) and part.p == 0)
