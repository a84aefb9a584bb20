"""Other trainers on their defaults: each trains two epochs and gives the seconds a step of the second.

They get the same modules (Keras its own layers of the same sizes), the same tensors, batch size and Adam's rate.
Where a trainer asks for a choice, the one of its own first example is taken.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from peers.work import Work

Timed = Callable[[], float]
RATE = 1e-3


class Stamps:
    """When each epoch ended, in seconds of CPU time."""

    def __init__(self, steps: int) -> None:
        self._steps, self._times = steps, [0.0]

    def mark(self, *_: Any, **__: Any) -> None:
        """An epoch is over."""
        self._times.append(time.process_time())

    def per_step(self) -> float:
        """Seconds a step of the last epoch."""
        return (self._times[-1] - self._times[-2]) / self._steps


def some(x: Tensor, y: Tensor, work: Work) -> tuple[Tensor, Tensor]:
    """The examples of one epoch."""
    count = work.epoch * work.batch
    rows = torch.arange(count) % len(x)
    return x[rows], y[rows]


def lightning(work: Work, x: Tensor, y: Tensor, folder: Path) -> Timed:
    """`lightning.Trainer` with its bar, logger and checkpoints; the loss is logged as in its first example."""
    import lightning.pytorch as pl

    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)
    x, y = some(x, y, work)

    class Module(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = work.network()

        def training_step(self, batch: Any, _: int) -> Tensor:
            loss = functional.cross_entropy(self.network(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=RATE)

    class Stamp(pl.Callback):  # type: ignore[misc]
        def on_train_epoch_end(self, *_: Any) -> None:
            stamps.mark()

    stamps = Stamps(work.epoch)

    def run() -> float:
        trainer = pl.Trainer(max_epochs=2, accelerator="cpu", default_root_dir=folder, callbacks=[Stamp()])
        trainer.fit(Module(), DataLoader(TensorDataset(x, y), work.batch, shuffle=True))
        return stamps.per_step()

    return run


def keras(work: Work, x: Tensor, y: Tensor, _: Path) -> Timed:
    """`keras.Model.fit` on torch, compiled with Adam and accuracy."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    k.backend.set_image_data_format("channels_first")
    x, y = some(x, y, work)
    images, labels = x.numpy(), y.numpy()
    stamps = Stamps(work.epoch)

    def build() -> Any:
        inputs = k.Input(images.shape[1:], dtype=str(images.dtype))
        if work.name == "mlp":
            hidden = k.layers.Dense(64, "relu")(k.layers.Dense(64, "relu")(inputs))
            return k.Model(inputs, k.layers.Dense(work.classes)(hidden))
        scaled = k.layers.Rescaling(1 / 255)(inputs)
        if work.name == "cnn":
            for filters in (32, 64):
                scaled = k.layers.MaxPooling2D()(k.layers.Conv2D(filters, 3, padding="same", activation="relu")(scaled))
            hidden = k.layers.Dense(128, "relu")(k.layers.Flatten()(scaled))
            return k.Model(inputs, k.layers.Dense(work.classes)(hidden))
        rows = k.layers.Reshape(images.shape[2:])(scaled)
        if work.name == "lstm":
            return k.Model(inputs, k.layers.Dense(work.classes)(k.layers.LSTM(64)(rows)))
        hidden = k.layers.Dense(64)(rows)
        for _ in range(2):
            attended = k.layers.MultiHeadAttention(4, 16, dropout=0.1)(hidden, hidden)
            hidden = k.layers.LayerNormalization()(hidden + k.layers.Dropout(0.1)(attended))
            wide = k.layers.Dropout(0.1)(k.layers.Dense(128, "relu")(hidden))
            hidden = k.layers.LayerNormalization()(hidden + k.layers.Dropout(0.1)(k.layers.Dense(64)(wide)))
        return k.Model(inputs, k.layers.Dense(work.classes)(k.layers.GlobalAveragePooling1D("channels_last")(hidden)))

    class Stamp(k.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            stamps.mark()

    def run() -> float:
        model = build()
        loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(k.optimizers.Adam(RATE), loss, metrics=["accuracy"])
        model.fit(images, labels, batch_size=work.batch, epochs=2, callbacks=[Stamp()])
        return stamps.per_step()

    return run


def skorch(work: Work, x: Tensor, y: Tensor, _: Path) -> Timed:
    """`skorch.NeuralNetClassifier`; its own split of a fifth for validation is switched off."""
    from skorch import NeuralNetClassifier
    from skorch.callbacks import Callback

    x, y = some(x, y, work)
    stamps = Stamps(work.epoch)

    class Stamp(Callback):  # type: ignore[misc]
        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            stamps.mark()

    def run() -> float:
        net = NeuralNetClassifier(
            work.network(),
            criterion=nn.CrossEntropyLoss,
            optimizer=torch.optim.Adam,
            lr=RATE,
            batch_size=work.batch,
            max_epochs=2,
            iterator_train__shuffle=True,
            train_split=None,
            classes=np.arange(work.classes),
            callbacks=[("stamp", Stamp())],
        )
        net.fit(x, y)
        return stamps.per_step()

    return run


class Named(Dataset[dict[str, Tensor]]):
    """Examples by name, one at a time, as the Trainer takes them."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self._x, self._y = x, y

    def __len__(self) -> int:
        return len(self._y)

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        return {"x": self._x[index], "labels": self._y[index]}


class WithLoss(nn.Module):
    """A network that answers its own loss, as the Trainer asks."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        logits = self.network(x)
        return {"loss": functional.cross_entropy(logits, labels), "logits": logits}


def transformers(work: Work, x: Tensor, y: Tensor, folder: Path) -> Timed:
    """`transformers.Trainer`: AdamW, a linear schedule, gradients clipped to 1."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    data = Named(*some(x, y, work))
    stamps = Stamps(work.epoch)

    class Stamp(TrainerCallback):  # type: ignore[misc]
        def on_epoch_end(self, *_: Any, **__: Any) -> None:
            stamps.mark()

    def run() -> float:
        arguments = TrainingArguments(
            output_dir=str(folder / "trainer"),
            per_device_train_batch_size=work.batch,
            num_train_epochs=2,
            learning_rate=RATE,
            use_cpu=True,
        )
        Trainer(WithLoss(work.network()), arguments, train_dataset=data, callbacks=[Stamp()]).train()
        return stamps.per_step()

    return run


PEERS: Mapping[str, Callable[[Work, Tensor, Tensor, Path], Timed]] = {
    "lightning": lightning,
    "keras": keras,
    "skorch": skorch,
    "transformers": transformers,
}


def installed(name: str) -> bool:
    """Whether a trainer is installed here, found without importing it."""
    needs = {"transformers": ("transformers", "accelerate")}.get(name, (name,))
    return all(importlib.util.find_spec(one) is not None for one in needs)
