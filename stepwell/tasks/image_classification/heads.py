"""What makes any backbone of the shelf a classifier of pictures."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from stepwell.blocks.standardize import Standardize
from stepwell.schema import Schema


class Classifier(nn.Module):
    """Raw pixels standardized, the backbone's coarsest map averaged over all places, one linear layer."""

    def __init__(self, backbone: nn.Module, schema: Schema, channels: int) -> None:
        super().__init__()
        self.standardize = Standardize(schema.inputs[0])
        self.backbone = backbone
        self.output = nn.Linear(channels, len(schema.targets[0].classes))
        # Small weights: the first loss is that of a guess, whatever the backbone's features are.
        nn.init.normal_(self.output.weight, std=0.01)
        nn.init.zeros_(self.output.bias)

    def forward(self, image: Tensor) -> Tensor:
        """`(batch, channels, height, width)` raw pixels to logits `(batch, classes)`."""
        features: Tensor = self.backbone(self.standardize(image))[-1]
        logits: Tensor = self.output(features.mean((2, 3)))
        return logits


def attach(backbone: nn.Module, schema: Schema) -> Classifier:
    """The classifier on top of a backbone; `schema` gives the pictures' statistics and the classes."""
    channels = cast("tuple[int, ...]", backbone.channels)
    return Classifier(backbone, schema, channels[-1])
