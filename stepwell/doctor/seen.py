"""Rows that were seen on their way into training, so far as they fit: what the data says of itself."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import numpy as np
import torch
from torch import Tensor

from stepwell.doctor.first import Example, rows_of
from stepwell.doctor.tape import tensors

MOST_ROWS, MOST_NUMBERS = 2048, 2**22
NEIGHBORS, LEAST_ROWS, MOST_COMPARED, MOST_CLASSES = 5, 50, 1024, 1000


class Seen:
    """Keeps the first rows of training with their targets, their digests, and the classes of each batch."""

    def __init__(self) -> None:
        self._rows: list[Tensor] = []
        self._targets: list[Tensor] = []
        self._digests: set[bytes] = set()
        self._batches: list[tuple[int, int]] = []
        self._classes: Counter[int] = Counter()
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
            classes, counts = torch.unique(targets, return_counts=True)
            self._batches.append((len(targets), len(classes)))
            if len(self._classes) <= MOST_CLASSES:
                self._classes.update(dict(zip(classes.tolist(), counts.tolist(), strict=True)))
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
            else:
                facts.update(_numbers(rows, targets))
        if "classes_seen" in facts:
            facts.update(self._shares())
        return facts

    def _shares(self) -> dict[str, Any]:
        """The classes of all batches and what each holds; {} where they are too many to count."""
        if not 0 < len(self._classes) <= MOST_CLASSES:
            return {}
        shares = [one / self._classes.total() for one in self._classes.values()]
        return {"classes_seen": len(shares), "rarest_share": min(shares), "class_shares": shares}


def digests(rows: Tensor) -> list[bytes]:
    """One per row, of its bytes."""
    values = rows.detach().cpu().contiguous()
    return [hashlib.blake2b(one.numpy().tobytes(), digest_size=8).digest() for one in values]


def _labels(rows: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], *, columns: bool) -> dict[str, Any]:
    """How often neighbors share a label, against chance, and what a vote of theirs gets right; columns that tell.

    Of such a column one threshold tells two classes apart.
    """
    classes, codes, counts = np.unique(targets, return_inverse=True, return_counts=True)
    share = counts / counts.sum()
    facts: dict[str, Any] = {"classes_seen": len(classes), "rarest_share": float(share.min()), "labels": len(targets)}
    ok = np.isfinite(rows).all(1)
    rows, codes = rows[ok], codes[ok]
    if len(classes) < 2 or len(rows) < LEAST_ROWS:
        return facts
    nearest = _nearest(rows)
    own = codes[: len(nearest)]
    agreement = float((codes[nearest] == own[:, None]).mean())
    chance = float((share**2).sum())
    error = (chance * (1 - chance) / (len(own) * NEIGHBORS / 2)) ** 0.5
    facts.update(
        neighbors_agree=agreement, neighbors_chance=chance, neighbors_z=(agreement - chance) / max(error, 1e-9)
    )
    if len(classes) <= MOST_CLASSES:
        votes = np.zeros((len(own), len(classes)))
        np.add.at(votes, (np.arange(len(own))[:, None], codes[nearest]), 1)
        right = votes.argmax(1) == own
        facts["neighbors_balanced"] = float(np.mean([right[own == one].mean() for one in np.unique(own)]))
    facts["telling_columns"] = [] if len(classes) > 10 or not columns else _telling(rows, codes, np.unique(codes))
    return facts


def _numbers(rows: np.ndarray[Any, Any], targets: np.ndarray[Any, Any]) -> dict[str, Any]:
    """How far targets go with the mean of their neighbors', and what of the constant's absolute error that leaves."""
    ok = np.isfinite(rows).all(1) & np.isfinite(targets)
    rows, targets = rows[ok], targets[ok].astype(np.float64)
    if len(rows) < LEAST_ROWS or targets.std() == 0:
        return {}
    nearest = _nearest(rows)
    own, near = targets[: len(nearest)], targets[nearest].mean(1)
    apart = float(np.abs(own - np.median(own)).mean())
    if own.std() == 0 or apart == 0:
        return {}
    together = float(np.corrcoef(own, near)[0, 1]) if near.std() > 0 else 0.0
    return {
        "labels": len(targets),
        "neighbors_correlation": together,
        "neighbors_z": together * (len(own) / 2) ** 0.5,  # two are often each other's neighbor
        "neighbors_left": float(np.abs(own - near).mean()) / apart,
    }


def _nearest(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The `NEIGHBORS` nearest others of each of the first rows, every column scaled to deviation 1: `[rows, 5]`."""
    scaled = (rows - rows.mean(0)) / np.where(rows.std(0) > 0, rows.std(0), 1.0)
    some = scaled[:MOST_COMPARED]
    distances = (some**2).sum(1)[:, None] + (some**2).sum(1)[None] - 2 * some @ some.T
    np.fill_diagonal(distances, np.inf)
    return np.argpartition(distances, NEIGHBORS, axis=1)[:, :NEIGHBORS]


def _telling(rows: np.ndarray[Any, Any], targets: np.ndarray[Any, Any], classes: np.ndarray[Any, Any]) -> list[int]:
    """Columns in which the ranges of the classes do not touch."""
    some = rows[:, :2000]
    lowest = np.stack([some[targets == one].min(0) for one in classes])
    highest = np.stack([some[targets == one].max(0) for one in classes])
    order = lowest.argsort(0)
    lowest, highest = np.take_along_axis(lowest, order, 0), np.take_along_axis(highest, order, 0)
    telling: list[int] = np.flatnonzero((highest[:-1] < lowest[1:]).all(0)).tolist()
    return telling
