"""Convolutions over time, every second frame kept; what lies beyond a signal's end counts nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import torch
from torch import Tensor, nn

from stepwell.schema import Schema


@dataclass(frozen=True)
class Options:
    """The size of the network."""

    width: Annotated[int, msgspec.Meta(ge=1, description="channels of a layer")] = 48
    depth: Annotated[int, msgspec.Meta(ge=1, description="convolutions after the first")] = 2


class Convolutional(nn.Module):
    """`(batch, time, channels)` and lengths to log-probabilities `(batch, ceil(time / 2), letters)` and lengths."""

    mean: Tensor
    std: Tensor

    def __init__(self, options: Options, schema: Schema) -> None:
        super().__init__()
        signal = schema.inputs[0]
        self.register_buffer("mean", torch.tensor(signal.mean))
        self.register_buffer("std", torch.tensor(signal.std))
        self.first = nn.Conv1d(len(signal.mean), options.width, 5, stride=2, padding=2)
        self.others = nn.ModuleList(nn.Conv1d(options.width, options.width, 5, padding=2) for _ in range(options.depth))
        self.output = nn.Linear(options.width, 1 + len(schema.outputs[0].classes))

    def forward(self, signal: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probabilities of the blank and of each letter, and how many frames are true."""
        x = _cut((signal - self.mean) / self.std, lengths).transpose(1, 2)
        shorter = (lengths + 1) // 2
        x = self.first(x).relu()
        for layer in self.others:
            x = x + layer(_cut(x.transpose(1, 2), shorter).transpose(1, 2)).relu()
        return self.output(x.transpose(1, 2)).log_softmax(-1), shorter


def _cut(x: Tensor, lengths: Tensor) -> Tensor:
    """`(batch, time, …)` with zeros beyond the lengths."""
    inside = torch.arange(x.shape[1], device=x.device)[None, :] < lengths[:, None]
    return x * inside[:, :, None]


def build(options: Options, schema: Schema) -> Convolutional:
    """The network for the signals and letters of `schema`."""
    return Convolutional(options, schema)
