"""The networks that every contender trains, and the data: random, since how well is learned is not what is measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Work:
    """A network and its data. `steps` is a measurement's length."""

    name: str
    sentence: str
    task: str
    x: npt.NDArray[Any]
    y: npt.NDArray[np.int64]
    classes: int
    batch: int
    steps: int
    build: Callable[[], nn.Module]

    def network(self) -> nn.Module:
        """The network, with the same first weights each time."""
        torch.manual_seed(0)
        return self.build()


class Rows(nn.Module):
    """Pixels `(batch, 1, height, width)`, bytes, as `(batch, height, width)` floats: a sequence of rows."""

    def forward(self, x: Tensor) -> Tensor:
        return x[:, 0].float() / 255


class Pixels(nn.Module):
    """Pixels, bytes, as floats from 0 to 1."""

    def forward(self, x: Tensor) -> Tensor:
        return x.float() / 255


class Recurrent(nn.Module):
    """An LSTM over rows, and a dense layer on its last state."""

    def __init__(self, width: int, units: int, classes: int) -> None:
        super().__init__()
        self.rows, self.lstm, self.head = Rows(), nn.LSTM(width, units, batch_first=True), nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        states: Tensor = self.lstm(self.rows(x))[0]
        logits: Tensor = self.head(states[:, -1])
        return logits


class Attending(nn.Module):
    """Rows with learned places, two encoder layers, the mean over places, a dense layer."""

    def __init__(self, length: int, width: int, units: int, classes: int) -> None:
        super().__init__()
        self.rows, self.embed = Rows(), nn.Linear(width, units)
        self.places = nn.Parameter(0.02 * torch.randn(length, units))
        layer = nn.TransformerEncoderLayer(units, 4, 2 * units, batch_first=True)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(units, classes)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.encoder(self.embed(self.rows(x)) + self.places).mean(1))
        return logits


def mlp() -> Work:
    """The smallest: what a step costs beside the arithmetic."""
    random = np.random.default_rng(0)
    x = random.normal(size=(20_000, 20)).astype(np.float32)
    y = (x @ random.normal(size=20) + random.normal(size=len(x)) > 0).astype(np.int64)

    def build() -> nn.Module:
        return nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))

    return Work("mlp", "20-64-64-2, batch 32", "table", x, y, 2, 32, 836, build)


def pictures(count: int, height: int, width: int, classes: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Random pictures whose mean brightness tells the class."""
    random = np.random.default_rng(0)
    y = np.arange(count) % classes
    x = random.integers(0, 100, (count, height, width)) + (100 * y / classes)[:, None, None]
    return x.astype(np.uint8), y.astype(np.int64)


def cnn() -> Work:
    """The textbook's network of pictures."""

    def build() -> nn.Module:
        return nn.Sequential(
            Pixels(),
            *(nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Flatten(), nn.Linear(64 * 49, 128), nn.ReLU(), nn.Linear(128, 10)),
        )

    x, y = pictures(2000, 28, 28, 10)
    sentence = "two convolutions of 28x28 pictures, batch 64"
    return Work("cnn", sentence, "image_classification", x, y, 10, 64, 22, build)


def lstm() -> Work:
    """A recurrent network."""
    x, y = pictures(4000, 32, 16, 10)
    sentence = "LSTM of 64 units over 32 rows of 16, batch 32"
    return Work("lstm", sentence, "image_classification", x, y, 10, 32, 63, lambda: Recurrent(16, 64, 10))


def transformer() -> Work:
    """A small encoder."""
    x, y = pictures(4000, 32, 16, 10)
    sentence = "Transformer, 2 layers of 64 units over 32 rows of 16, batch 32"
    return Work("transformer", sentence, "image_classification", x, y, 10, 32, 42, lambda: Attending(32, 16, 64, 10))


WORKS: Mapping[str, Callable[[], Work]] = {"mlp": mlp, "cnn": cnn, "lstm": lstm, "transformer": transformer}
