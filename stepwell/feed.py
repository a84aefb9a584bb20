"""Batches in an order that is a pure function of (seed, position).

A feed has no state: `batches(start)` gives the training batches from position `start` on, for ever, and the
batch at a position is the same whatever came before, however many workers decode, and on every run.
Position p belongs to epoch p // per_epoch; every epoch has an order of its own, drawn by counter
from the examples' keys. The last, smaller batch of an epoch is left out (another order leaves out
others next time), so that no batch of one ever reaches batch normalization. Where the lengths of ragged examples are
known, those of like length come in one batch, so that little is padded: of every `TOGETHER` batches in the drawn order
the examples are sorted by length and the batches shuffled.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import repeat
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from stepwell import preparation, randomness
from stepwell.errors import DataError
from stepwell.schema import Array, Batch, Columns, Examples, Field, Schema

Augment = Callable[[Batch, int], Batch]
"""(batch, epoch) -> batch: the augmentations of a recipe in order, drawing by example."""


class Feed(Protocol):
    """What gives training batches; `per_epoch` batches make an epoch.

    `longest()` is the length of the longest example in each batch of the first epoch `(per_epoch,)`, to which the
    others are padded; None where lengths are not known beforehand.
    """

    @property
    def per_epoch(self) -> int: ...

    def batches(self, start: int) -> Iterator[Batch]: ...

    def longest(self) -> npt.NDArray[np.int64] | None: ...


@dataclass(frozen=True)
class Placement:
    """Where batches go: a device, and whether 4-D float or byte images become channels-last."""

    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    channels_last: bool = False

    def tensor(self, value: Tensor) -> Tensor:
        """`value` on the device, in the memory format that convolutions want."""
        if self.device.type != "cpu":
            value = value.to(self.device, non_blocking=True)
        if self.channels_last and value.ndim == 4:
            value = value.contiguous(memory_format=torch.channels_last)
        return value


@dataclass(frozen=True)
class Showing:
    """Which rows an epoch shows, and how much each counts.

    `draw(epoch)` gives `shown` rows (int64, repeats allowed) in their order; None shows each once, in an order drawn
    from the examples' keys. `weight` `(n,)` is one an example, or None. A repeated row is augmented anew. `lengths`
    `(n,)`, where known, puts examples of like length into one batch.
    """

    draw: Callable[[int], npt.NDArray[np.int64]] | None = None
    shown: int | None = None
    weight: npt.NDArray[np.float64] | None = None
    lengths: npt.NDArray[np.int64] | None = None

    def count(self, examples: int) -> int:
        """How many rows an epoch shows of so many examples."""
        return examples if self.shown is None else self.shown

    def rows(
        self, seed: int, epoch: int, keys: randomness.Keys, size: int
    ) -> tuple[npt.NDArray[np.int64], randomness.Keys]:
        """The rows of an epoch in their order, and a key for each: the example's own, another for each repeat.

        `size` is that of a batch; where lengths are known, those that would be left over at the end are left out.
        """
        if self.draw is None:
            rows = randomness.order(seed, "order", epoch, keys)
            shown = keys[rows]
        else:
            rows = self.draw(epoch)
            repeat = _repeats(rows).astype(np.uint64)
            shown = keys[rows]
            shown = np.where(repeat == 0, shown, randomness.mixed(shown + repeat))
        if self.lengths is None:
            return rows, shown
        places = by_length(self.lengths[rows], size, seed, epoch)
        return rows[places], shown[places]

    def weights(self, rows: npt.NDArray[np.int64]) -> Tensor | None:
        """The weights of some rows, float32."""
        return None if self.weight is None else torch.from_numpy(self.weight[rows].astype(np.float32))


EACH_ONCE = Showing()
TOGETHER = 64  # batches among which examples of like length are put together: enough to find them, few enough to mix
GATHERED = 2**20  # bytes of dense columns that are gathered at once: many small batches, or one large one


class MemoryFeed:
    """Batches by index from prepared columns that lie in memory.

    Dense columns are tensors from which a batch is one `index_select`; ragged ones stay lists and
    are padded batch by batch.
    """

    def __init__(
        self,
        columns: Columns,
        ids: Sequence[str],
        schema: Schema,
        *,
        batch_size: int,
        seed: int,
        augment: Augment | None = None,
        placement: Placement | None = None,
        showing: Showing = EACH_ONCE,
    ) -> None:
        self._columns: dict[str, Tensor | list[Any]] = {
            name: torch.from_numpy(np.ascontiguousarray(column)) if isinstance(column, np.ndarray) else column
            for name, column in columns.items()
        }
        self._keys = randomness.keys(ids)
        self._schema = schema
        self._showing = showing
        self._size, self.per_epoch = _batching(showing.count(len(ids)), batch_size)
        self._together = self._batches_at_once()
        self._seed = seed
        self._augment = augment
        self._placement = placement or Placement()

    def batches(self, start: int) -> Iterator[Batch]:
        """The training batches from position `start` on, without end."""
        epoch, place = divmod(start, self.per_epoch)
        while True:
            order, keys = self._showing.rows(self._seed, epoch, self._keys, self._size)
            # Gathered from fixed places on, whatever `start` is: where a batch lies in memory decides its last bits.
            for first in range(place - place % self._together, self.per_epoch, self._together):
                here = slice(first * self._size, min(first + self._together, self.per_epoch) * self._size)
                batches = self._gathered(order[here], keys[here])
                for batch in batches[max(0, place - first) :]:
                    yield batch if self._augment is None else self._augment(batch, epoch)
            epoch, place = epoch + 1, 0

    def longest(self) -> npt.NDArray[np.int64] | None:
        """The length of the longest example in each batch of the first epoch; None where none is ragged."""
        if self._showing.lengths is None:
            return None
        order, _ = self._showing.rows(self._seed, 0, self._keys, self._size)
        shown = order[: self.per_epoch * self._size]
        longest: npt.NDArray[np.int64] = self._showing.lengths[shown].reshape(self.per_epoch, self._size).max(axis=1)
        return longest

    def _batches_at_once(self) -> int:
        """As many as take `GATHERED` bytes; one where a column is ragged, since how much it takes padded is unknown."""
        dense = [column for column in self._columns.values() if isinstance(column, Tensor)]
        if len(dense) < len(self._columns):
            return 1
        return max(1, GATHERED // max(1, self._size * sum(column[:1].nbytes for column in dense)))

    def _gathered(self, rows: npt.NDArray[np.int64], keys: randomness.Keys) -> list[Batch]:
        """The batches of the examples at `rows`, without augmentation; dense columns are gathered for all at once."""
        places = range(0, len(rows), self._size)
        fields: list[dict[str, Tensor]] = [{} for _ in places]
        lengths: list[dict[str, Tensor]] = [{} for _ in places]
        for name, column in self._columns.items():
            if isinstance(column, Tensor):
                gathered = self._placement.tensor(column.index_select(0, torch.from_numpy(rows)))
                for batch, part in zip(fields, gathered.split(self._size), strict=True):
                    batch[name] = part
                continue
            for place, batch, true in zip(places, fields, lengths, strict=True):
                values = [column[row] for row in rows[place : place + self._size]]
                padded, length = collate(values, self._schema.field(name))
                batch[name] = self._placement.tensor(padded)
                if length is not None:
                    true[name] = self._placement.tensor(length)
        weight = self._showing.weights(rows)
        weights = repeat(None) if weight is None else self._placement.tensor(weight).split(self._size)
        return [
            Batch(named, true, keys[place : place + self._size], one)
            for place, named, true, one in zip(places, fields, lengths, weights, strict=False)
        ]


class DecodedFeed:
    """Batches fetched and prepared when they are due, ahead of the training by a bounded number.

    Workers are threads: Pillow, zlib and numpy release the interpreter lock where the time goes, and
    threads cannot be orphaned, need no copies between processes and see the same memory. With
    `workers` = 0 everything happens in the training's own thread; the batches are the same.
    `views(epoch, keys, indices)` chooses a place an example, or is None; with it an epoch shows each example
    `each` times, at places and under augmentations of their own.
    """

    def __init__(
        self,
        examples: Examples,
        indices: Sequence[int],
        prepared_by: preparation.Preparation,
        *,
        batch_size: int,
        seed: int,
        workers: int,
        views: Callable[[int, npt.NDArray[np.uint64], Sequence[int]], Array] | None = None,
        each: int = 1,
        augment: Augment | None = None,
        placement: Placement | None = None,
        showing: Showing = EACH_ONCE,
    ) -> None:
        self._examples = examples
        self._indices = np.tile(np.asarray(indices, dtype=np.int64), each)
        self._preparation = prepared_by
        again = [f"\0view {number}" if number else "" for number in range(each)]
        self._keys = randomness.keys([examples.ids[i] + suffix for suffix in again for i in indices])
        self._showing = showing
        self._size, self.per_epoch = _batching(showing.count(len(self._indices)), batch_size)
        self._seed = seed
        self._workers = workers
        self._views = views
        self._augment = augment
        self._placement = placement or Placement()

    def batches(self, start: int) -> Iterator[Batch]:
        """The training batches from position `start` on, without end; workers end with the iterator."""
        jobs = self._jobs(start)
        if self._workers == 0:
            for epoch, rows, keys in jobs:
                yield self._finish(self._load(epoch, rows, keys), epoch)
        pool = ThreadPoolExecutor(self._workers, thread_name_prefix="stepwell-decode")
        waiting: deque[tuple[int, Future[Batch]]] = deque()
        try:
            while True:
                while len(waiting) <= 2 * self._workers:
                    epoch, rows, keys = next(jobs)
                    waiting.append((epoch, pool.submit(self._load, epoch, rows, keys)))
                epoch, future = waiting.popleft()
                yield self._finish(future.result(), epoch)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def longest(self) -> None:
        """Lengths are known once examples are decoded, which is when their batch is due."""
        return

    def _jobs(self, start: int) -> Iterator[tuple[int, npt.NDArray[np.int64], randomness.Keys]]:
        epoch, place = divmod(start, self.per_epoch)
        while True:
            order, keys = self._showing.rows(self._seed, epoch, self._keys, self._size)
            for position in range(place, self.per_epoch):
                here = slice(position * self._size, (position + 1) * self._size)
                yield epoch, order[here], keys[here]
            epoch, place = epoch + 1, 0

    def _load(self, epoch: int, rows: npt.NDArray[np.int64], keys: randomness.Keys) -> Batch:
        indices = self._indices[rows].tolist()
        places = None if self._views is None else self._views(epoch, keys, indices)
        columns, _ = preparation.run(self._preparation, self._examples.fetch(indices, places), training=True)
        fields, lengths = tensors(columns, self._preparation.schema)
        return Batch(fields, lengths, keys, self._showing.weights(rows))

    def _finish(self, batch: Batch, epoch: int) -> Batch:
        fields = {name: self._placement.tensor(value) for name, value in batch.fields.items()}
        lengths = {name: self._placement.tensor(value) for name, value in batch.lengths.items()}
        weight = None if batch.weight is None else self._placement.tensor(batch.weight)
        placed = Batch(fields, lengths, batch.keys, weight)
        return placed if self._augment is None else self._augment(placed, epoch)


def by_length(lengths: npt.NDArray[np.int64], size: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Places in an epoch's drawn order `(batches * size,)`, by which batches hold examples of like length.

    `lengths` `(n,)` are in that order; what does not fill a batch at its end is left out, whatever its length. Among
    `TOGETHER` batches at a time places are sorted by length (equal ones stay as drawn) and cut into batches, whose
    order is drawn by counter: long texts come at no particular time.
    """
    batches = len(lengths) // size
    found = []
    for first in range(0, batches, TOGETHER):
        count = min(TOGETHER, batches - first)
        here = np.arange(first * size, (first + count) * size)
        like = here[np.argsort(lengths[here], kind="stable")].reshape(count, size)
        numbers = np.arange(first, first + count, dtype=np.uint64)
        found.append(like[randomness.order(seed, "batches of like length", epoch, numbers)].reshape(-1))
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int64)


def lengths_of(columns: Columns, schema: Schema) -> npt.NDArray[np.int64] | None:
    """The length of every example `(n,)`, over all ragged fields together; None where none is ragged."""
    ragged = [column for name, column in columns.items() if schema.field(name).ragged]
    if not ragged:
        return None
    total: npt.NDArray[np.int64] = np.asarray([[len(one) for one in column] for column in ragged]).sum(axis=0)
    return total


def _repeats(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """How many of the same row came before each one, `(n,)`."""
    order = np.argsort(rows, kind="stable")
    first = np.flatnonzero(np.diff(rows[order], prepend=-1))
    begin = np.repeat(first, np.diff(first, append=len(rows)))
    repeats = np.empty_like(rows)
    repeats[order] = np.arange(len(rows)) - begin
    return repeats


def tensors(columns: Columns, schema: Schema) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Prepared columns as tensors, ragged ones padded with zeros; and the lengths of the ragged."""
    fields: dict[str, Tensor] = {}
    lengths: dict[str, Tensor] = {}
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            fields[name] = torch.from_numpy(np.ascontiguousarray(column))
            continue
        fields[name], true = collate(column, schema.field(name))
        if true is not None:
            lengths[name] = true
    return fields, lengths


def collate(values: Sequence[Array], spec: Field) -> tuple[Tensor, Tensor | None]:
    """Arrays of one field as one tensor: padded with zeros where the field is ragged, with their lengths."""
    if not spec.ragged:
        if len({value.shape for value in values}) > 1:
            raise DataError(
                f"The examples of one batch differ in the shape of {spec.name!r}: "
                + ", ".join(str(shape) for shape in sorted({value.shape for value in values})[:3])
                + ".",
                do="prepare them to one size, or train with --training.batch_size 1",
            )
        return torch.from_numpy(np.stack(values)), None
    lengths = [len(value) for value in values]
    padded = np.zeros((len(values), max(lengths, default=0), *values[0].shape[1:]), dtype=spec.dtype)
    for row, value in zip(padded, values, strict=True):
        row[: len(value)] = value
    return torch.from_numpy(padded), torch.tensor(lengths, dtype=torch.int64)


def augmentation(components: Sequence[tuple[str, Any, Any]], schema: Schema, seed: int) -> Augment | None:
    """The augmentations `(name, module, options)` of a recipe as one function; None where there are none."""
    if not components:
        return None

    def augment(batch: Batch, epoch: int) -> Batch:
        for name, module, options in components:
            batch = module.apply(options, batch, schema, partial(_draw, seed, name, epoch, batch.keys))
        return batch

    return augment


def _draw(
    seed: int, component: str, epoch: int, keys: npt.NDArray[np.uint64], name: str, shape: tuple[int, ...] = ()
) -> npt.NDArray[np.float64]:
    return randomness.draw(seed, f"augmentation/{component}/{name}", epoch, keys, shape)


def _batching(count: int, batch_size: int) -> tuple[int, int]:
    """The size of a batch and the number of batches an epoch for `count` examples."""
    if count < 2:
        raise DataError(
            f"The training part holds {count} example{'' if count == 1 else 's'}; at least 2 are needed to train.",
            do="add examples, or give the training part a larger share with --split.train",
        )
    size = min(batch_size, count)
    return size, count // size
