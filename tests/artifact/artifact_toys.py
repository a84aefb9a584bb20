"""Four tiny tasks: pictures, ragged sequences, a volume in tiles, pictures from noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from stepwell.artifact.export import export
from stepwell.artifact.manifest import Manifest
from stepwell.errors import ExampleError, UsageError
from stepwell.preparation import Inference, Preparation, Prepared
from stepwell.schema import Array, Columns, Examples, Field, Network, Schema, Trace

Decode = Callable[[Columns, Sequence[Trace], Schema], Columns]


@dataclass(frozen=True)
class Toy:
    """A task in miniature: its networks, its preparation, and some validation examples."""

    name: str
    networks: dict[str, Network]
    preparation: Preparation
    valid: Prepared
    decode: Decode


def export_toy(toy: Toy, folder: Path, networks: dict[str, Network] | None = None) -> Manifest:
    return export(networks or toy.networks, toy.preparation, folder, task=toy.name, samples=toy.valid)


def network(module: nn.Module, schema: Schema) -> Network:
    return Network(module, schema.inputs, schema.outputs)


def prepared(columns: Columns) -> Prepared:
    count = len(next(iter(columns.values())))
    return Prepared(tuple(f"example {place}" for place in range(count)), columns, {}, tuple({} for _ in range(count)))


def classify(outputs: Columns, traces: Sequence[Trace], schema: Schema) -> Columns:
    logits = np.asarray(outputs["logits"], dtype=np.float64)
    odds = np.exp(logits - logits.max(1, keepdims=True))
    return {
        "label": [schema.targets[0].classes[place] for place in logits.argmax(1)],
        "probabilities": odds / odds.sum(1, keepdims=True),
    }


class Pictures(nn.Module):
    """uint8 pictures `(batch, 1, 4, 4)` -> logits `(batch, 2)`; BatchNorm and dropout make the mode matter."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5))
        self.outer = nn.Linear(8, 2)

    def forward(self, image: Tensor) -> Tensor:
        scores: Tensor = self.outer(self.inner((image.float() / 255 - 0.5) / 0.25))
        return scores


def pictures() -> Toy:
    torch.manual_seed(0)
    schema = Schema(
        (Field("image", "image", "uint8", (1, 4, 4)),),
        (Field("label", "category", "int64", (), ("cat", "dog")),),
        (Field("logits", "logits", "float32", (2,)),),
    )
    module = Pictures()
    module(torch.randint(0, 256, (32, 1, 4, 4)))  # running statistics other than 0 and 1
    images = np.random.default_rng(0).integers(0, 256, (9, 1, 4, 4), dtype=np.uint8)
    return Toy(
        "pictures", {"model": network(module, schema)}, Preparation(schema, ()), prepared({"image": images}), classify
    )


class Speech(nn.Module):
    """Sequences `(batch, time, 3)` and lengths -> scores at every second step, and their lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Conv1d(3, 4, 3, stride=2, padding=1)

    def forward(self, speech: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        inside = torch.arange(speech.shape[1])[None, :] < lengths[:, None]
        return self.filter((speech * inside[..., None]).transpose(1, 2)).transpose(1, 2), (lengths + 1) // 2


def speech() -> Toy:
    torch.manual_seed(1)
    schema = Schema(
        (Field("speech", "sequence", "float32", ("time", 3)),),
        (),
        (Field("scores", "logits", "float32", ("steps", 4)), Field("scores_lengths", "number", "int64")),
    )
    rng = np.random.default_rng(1)
    sequences = [rng.normal(size=(7, 3)).astype(np.float32) for _ in range(4)]
    return Toy(
        "speech",
        {"model": network(Speech(), schema)},
        Preparation(schema, ()),
        prepared({"speech": sequences}),
        lambda outputs, traces, schema: {"scores": outputs["scores"]},
    )


def volume() -> Toy:
    torch.manual_seed(2)
    sizes = ("depth", "height", "width")
    schema = Schema(
        (Field("volume", "volume", "float32", (1, *sizes)),), (), (Field("volume", "logits", "float32", (2, *sizes)),)
    )
    rng = np.random.default_rng(2)
    volumes = [rng.normal(size=(1, *shape)).astype(np.float32) for shape in ((6, 5, 7), (3, 4, 4))]
    return Toy(
        "volume",
        {"model": network(nn.Conv3d(1, 2, 3, padding=1), schema)},
        Preparation(schema, (), Inference("tiled", {"size": [4, 4, 4]})),
        prepared({"volume": volumes}),
        lambda outputs, traces, schema: {"labels": [np.asarray(one).argmax(0) for one in outputs["volume"]]},
    )


def noise() -> Toy:
    torch.manual_seed(3)
    drawn, image = Field("noise", "noise", "float32", (3,)), Field("image", "image", "float32", (1, 2, 2))
    schema = Schema((drawn,), (image,), (image,))
    generator = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Unflatten(1, (1, 2, 2)))
    critic = nn.Sequential(nn.Flatten(), nn.Linear(4, 1))
    return Toy(
        "noise",
        {
            "generator": network(generator, schema),
            "critic": Network(critic, (image,), (Field("score", "number", "float32", (1,)),)),
        },
        Preparation(schema, ()),
        prepared({"image": np.random.default_rng(3).normal(size=(5, 1, 2, 2)).astype(np.float32)}),
        lambda outputs, traces, schema: {"image": outputs["image"]},
    )


TOYS = {toy.name: toy for toy in (pictures(), speech(), volume(), noise())}


def listed(source: Sequence[Array | None]) -> Examples:
    """What a toy is asked to predict: arrays, of which None cannot be read."""
    field = {"pictures": "image", "speech": "speech", "volume": "volume", "noise": "noise"}
    name = next(field[toy] for toy in TOYS if any(_fits(toy, one) for one in source if one is not None))

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        for index in indices:
            if source[index] is None:
                raise ExampleError("This file is empty.", where=f"file {index}")
        return {name: [source[index] for index in indices]}

    ids = tuple(f"file {place}" for place in range(len(source)))
    return Examples(ids, ids, {}, fetch, "memory", "toy")


def _fits(toy: str, array: Array) -> bool:
    return len(TOYS[toy].preparation.schema.inputs[0].shape) == array.ndim


def find_task(name: str) -> Any:
    if name not in TOYS:
        raise UsageError(f"There is no task {name!r}.")
    prepare = SimpleNamespace(inputs=listed, decode=TOYS[name].decode)
    return SimpleNamespace(module=lambda _: prepare, rooms=lambda room: (room,))
