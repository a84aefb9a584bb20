"""Other trainers on their defaults: each trains two epochs and gives the seconds a step of the second.

They get the same modules (Keras its own layers of the same sizes), the same tensors, batch size and Adam's rate, and
validate once an epoch, on the same examples, in batches as large as all the others'. Where a trainer asks for a choice,
the one of its own first example is taken.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
VALIDATED = 256
"""Examples in a batch of a validation."""


@dataclass(frozen=True)
class Parts:
    """What is trained on, an epoch of it, and what is validated on: inputs and classes."""

    train: tuple[Tensor, Tensor]
    valid: tuple[Tensor, Tensor]


class Stamps:
    """When each epoch ended with its validation, in seconds of CPU time."""

    def __init__(self, steps: int) -> None:
        self._steps, self._times = steps, [0.0]

    def mark(self, *_: Any, **__: Any) -> None:
        """An epoch is over."""
        self._times.append(time.process_time())

    def per_step(self) -> float:
        """Seconds a step of the last epoch."""
        return (self._times[-1] - self._times[-2]) / self._steps


def parts(train: tuple[Tensor, Tensor], valid: tuple[Tensor, Tensor], batch: int, steps: int) -> Parts:
    """The examples, for epochs of so many steps."""
    rows = torch.arange(steps * batch) % len(train[0])
    return Parts((train[0][rows], train[1][rows]), valid)


def lightning(work: Work, data: Parts, folder: Path) -> Timed:
    """`lightning.Trainer` with its bar, logger and checkpoints; the losses are logged as in its first example."""
    import lightning.pytorch as pl

    for name in ("lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.ERROR)

    class Module(pl.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.network = work.network()

        def training_step(self, batch: Any, _: int) -> Tensor:
            loss = functional.cross_entropy(self.network(batch[0]), batch[1])
            self.log("train_loss", loss)
            return loss

        def validation_step(self, batch: Any, _: int) -> None:
            self.log("val_loss", functional.cross_entropy(self.network(batch[0]), batch[1]))

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=RATE)

    class Stamp(pl.Callback):  # type: ignore[misc]
        def on_train_epoch_end(self, *_: Any) -> None:
            stamps.mark()

    stamps = Stamps(len(data.train[0]) // work.batch)

    def run() -> float:
        trainer = pl.Trainer(max_epochs=2, accelerator="cpu", default_root_dir=folder, callbacks=[Stamp()])
        train, valid = TensorDataset(*data.train), TensorDataset(*data.valid)
        trainer.fit(Module(), DataLoader(train, work.batch, shuffle=True), DataLoader(valid, VALIDATED))
        return stamps.per_step()

    return run


def keras(work: Work, data: Parts, _: Path) -> Timed:
    """`keras.Model.fit` on torch, compiled with Adam and accuracy."""
    os.environ["KERAS_BACKEND"] = "torch"
    import keras as k

    k.backend.set_image_data_format("channels_first")
    (images, labels), valid = (tuple(one.numpy() for one in part) for part in (data.train, data.valid))
    stamps = Stamps(len(images) // work.batch)

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
        model.fit(
            *(images, labels, work.batch, 2),
            validation_data=valid,
            validation_batch_size=VALIDATED,
            callbacks=[Stamp()],
        )
        return stamps.per_step()

    return run


def skorch(work: Work, data: Parts, _: Path) -> Timed:
    """`skorch.NeuralNetClassifier`; the given part takes the place of its own split of a fifth for validation."""
    from skorch import NeuralNetClassifier
    from skorch.callbacks import Callback
    from skorch.helper import predefined_split

    stamps = Stamps(len(data.train[0]) // work.batch)

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
            iterator_valid__batch_size=VALIDATED,
            train_split=predefined_split(TensorDataset(*data.valid)),
            classes=np.arange(work.classes),
            callbacks=[("stamp", Stamp())],
        )
        net.fit(*data.train)
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


def transformers(work: Work, data: Parts, folder: Path) -> Timed:
    """`transformers.Trainer`: AdamW, a linear schedule, gradients clipped to 1."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    train, valid = Named(*data.train), Named(*data.valid)
    stamps = Stamps(len(train) // work.batch)

    class Stamp(TrainerCallback):  # type: ignore[misc]
        def on_evaluate(self, *_: Any, **__: Any) -> None:
            stamps.mark()

    def run() -> float:
        arguments = TrainingArguments(
            output_dir=str(folder / "trainer"),
            per_device_train_batch_size=work.batch,
            per_device_eval_batch_size=VALIDATED,
            eval_strategy="epoch",
            num_train_epochs=2,
            learning_rate=RATE,
            use_cpu=True,
        )
        network = WithLoss(work.network())
        Trainer(network, arguments, train_dataset=train, eval_dataset=valid, callbacks=[Stamp()]).train()
        return stamps.per_step()

    return run


PEERS: Mapping[str, Callable[[Work, Parts, Path], Timed]] = {
    "lightning": lightning,
    "keras": keras,
    "skorch": skorch,
    "transformers": transformers,
}


def installed(name: str) -> bool:
    """Whether a trainer is installed here, found without importing it."""
    needs = {"transformers": ("transformers", "accelerate")}.get(name, (name,))
    return all(importlib.util.find_spec(one) is not None for one in needs)
