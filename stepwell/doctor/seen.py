"""Rows that were seen on their way into training, so far as they fit: what the data says of itself."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.doctor.first import Example, rows_of
from stepwell.doctor.tape import tensors

MOST_ROWS, MOST_NUMBERS = 2048, 2**22
NEIGHBORS = 5


class Seen:
    """Keeps the first rows of training with their targets, their digests, and the classes of each batch."""

    def __init__(self) -> None:
        self._rows: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._digests: set[bytes] = set()
        self._batches: list[tuple[int, int]] = []
        self._count = 0
        self._repeated = False
        self._flat = True  # rows of columns, not pictures or sequences

    def add(self, example: Example) -> None:
        """Take in one batch that is learnt from."""
        if not example.inputs:
            return
        inputs, targets = example.inputs[0], example.replay.targets
        alike = inputs.ndim > 0 and inputs.shape[0] == example.rows  # one target a sample, not one a token
        if alike and targets is not None and not targets.is_floating_point() and targets.ndim == 1:
            self._batches.append((len(targets), int(torch.unique(targets).numel())))
        if self._repeated or self._count >= MOST_ROWS or inputs.ndim < 2 or not alike:
            return
        rows = rows_of(inputs)
        if (self._count + len(rows)) * rows.shape[1] > MOST_NUMBERS:
            return
        new = digests(rows)
        if self._count > 4 * len(rows) and sum(one in self._digests for one in new) > len(new) // 2:
            self._repeated = True  # a second epoch
            return
        self._digests.update(new)
        self._flat = self._flat and inputs.ndim == 2
        self._rows.append(rows.detach().float().cpu())
        if targets is not None and targets.shape[:1] == rows.shape[:1]:
            self._targets.append(rows_of(targets).detach().cpu())
        self._count += len(rows)

    def holds(self, inputs: Tensor) -> bool:
        """Whether most of the first rows were learnt from."""
        if inputs.ndim < 2:
            return True
        some = digests(rows_of(inputs[:64]))
        return sum(one in self._digests for one in some) > len(some) // 2

    def facts(self, validation: tuple[Any, Any] | None) -> dict[str, Any]:
        """What rows and targets say: classes per batch, neighbors that agree, columns that tell, held-out rows seen."""
        facts: dict[str, Any] = {"rows_seen": self._count}
        if self._batches:
            facts["batch_classes"] = [one for _, one in self._batches[:256]]
            facts["batch_rows"] = self._batches[0][0]
        if not self._rows or len({one.shape[1] for one in self._rows}) > 1:
            return facts
        rows = torch.cat(self._rows).numpy()
        if validation is not None and (held := tensors(validation[0])) and held[0].shape[0]:
            mine = digests(rows_of(held[0]))
            facts["held_out_seen"] = sum(one in self._digests for one in mine) / len(mine)
            facts["seen_twice"] = 1.0 - len(self._digests) / max(self._count, 1)
        if len(self._targets) == len(self._rows) and self._targets[0].shape[1] == 1:
            targets = torch.cat(self._targets).numpy()[:, 0]
            if not np.issubdtype(targets.dtype, np.floating) or len(np.unique(targets)) <= 2:
                facts.update(_labels(rows, targets.astype(np.int64), columns=self._flat))
        return facts


def digests(rows: Tensor) -> list[bytes]:
    """One per row, of its bytes."""
    values = rows.detach().cpu().contiguous()
    return [hashlib.blake2b(one.numpy().tobytes(), digest_size=8).digest() for one in values]


def _labels(rows: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], *, columns: bool) -> dict[str, Any]:
    """How often neighbors share a label, against chance; and columns of which one threshold tells two classes apart."""
    classes, counts = np.unique(targets, return_counts=True)
    share = counts / counts.sum()
    facts: dict[str, Any] = {"classes_seen": len(classes), "rarest_share": float(share.min()), "labels": len(targets)}
    ok = np.isfinite(rows).all(1)
    rows, targets = rows[ok], targets[ok]
    if len(classes) < 2 or len(rows) < 50:
        return facts
    scaled = (rows - rows.mean(0)) / np.where(rows.std(0) > 0, rows.std(0), 1.0)
    some = scaled[:1024]
    distances = (some**2).sum(1)[:, None] + (some**2).sum(1)[None] - 2 * some @ some.T
    np.fill_diagonal(distances, np.inf)
    nearest = np.argpartition(distances, NEIGHBORS, axis=1)[:, :NEIGHBORS]
    agreement = float((targets[:1024][nearest] == targets[:1024, None]).mean())
    chance = float((share**2).sum())
    error = (chance * (1 - chance) / (len(some) * NEIGHBORS / 2)) ** 0.5
    facts.update(
        neighbors_agree=agreement, neighbors_chance=chance, neighbors_z=(agreement - chance) / max(error, 1e-9)
    )
    facts["telling_columns"] = [] if len(classes) > 10 or not columns else _telling(rows, targets, classes)
    return facts


def _telling(rows: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], classes: np.ndarray[Any, Any]) -> list[int]:
    """Columns in which the ranges of the classes do not touch."""
    some = rows[:, :2000]
    lowest = np.stack([some[targets == one].min(0) for one in classes])
    highest = np.stack([some[targets == one].max(0) for one in classes])
    order = lowest.argsort(0)
    lowest, highest = np.take_along_axis(lowest, order, 0), np.take_along_axis(highest, order, 0)
    telling: list[int] = np.flatnonzero((highest[:-1] < lowest[1:]).all(0)).tolist()
    return telling
