"""New rows of small classes, each between a row and one of its nearest of the same class; for tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from msgspec import Meta

from stepwell.imbalance import Balance, Labels, Numbers, Ratio, generator
from stepwell.schema import Array, Columns, Schema

TAKES = ("number", "category")
BLOCK = 2_000_000  # distances held at a time


@dataclass(frozen=True)
class Options:
    """How many rows are made, and from how many neighbors."""

    neighbors: Annotated[int, Meta(ge=1, description="Nearest rows of the class of which one is chosen.")] = 5
    ratio: Ratio = 1.0


def balance(options: Options, labels: Labels, classes: int, seed: int) -> Balance:
    """Rows are made once, before training (`synthesize`); then each is shown once an epoch."""
    del options, labels, classes, seed
    return Balance()


def synthesize(options: Options, columns: Columns, labels: Labels, schema: Schema, seed: int) -> Columns:
    """New rows of every class smaller than `ratio` of the largest, in prepared columns: SMOTE-NC.

    Numbers lie at a random place between a row and one of its `neighbors` nearest of the class; categories are the
    most frequent among these neighbors. Where two rows differ in a category their squared distance grows by
    the square of the median deviation of the class's numbers (Chawla et al., JAIR 16, 2002).
    A class of one row is repeated.
    """
    inputs = {field.name: np.asarray(columns[field.name]) for field in schema.inputs}
    kinds = {field.name: field.kind for field in schema.inputs}
    sizes = np.bincount(labels)
    wanted = int(np.ceil(options.ratio * sizes.max()))
    made: dict[str, list[Array]] = {name: [] for name in (*inputs, schema.targets[0].name)}
    for one in np.flatnonzero((sizes > 0) & (sizes < wanted)):
        own = np.flatnonzero(labels == one)
        chance = generator(seed, f"smote {one}", 0)
        count = wanted - len(own)
        base = chance.permutation(np.resize(np.arange(len(own)), count))
        near = _nearest({name: value[own] for name, value in inputs.items()}, kinds, options.neighbors)[base]
        other = near[np.arange(count), chance.integers(0, near.shape[1], count)]
        place = chance.random((count, 1))
        for name, value in inputs.items():
            rows = value[own]
            if kinds[name] == "number":
                between = rows[base] + place * (rows[other] - rows[base])
                made[name].append(between.astype(value.dtype))
            else:
                made[name].append(_modes(rows[near]))
        made[schema.targets[0].name].append(np.full(count, one, dtype=np.int64))
    if not made[schema.targets[0].name]:
        return {}
    return {name: np.concatenate(parts) for name, parts in made.items()}


def _nearest(rows: dict[str, Array], kinds: dict[str, str], neighbors: int) -> Labels:
    """The rows nearest to each, `(n, k)`, never itself unless it is alone; ties go to the first."""
    count = len(next(iter(rows.values())))
    if count == 1:
        return np.zeros((1, 1), dtype=np.int64)
    numbers = [value.reshape(count, -1).astype(np.float64) for name, value in rows.items() if kinds[name] == "number"]
    codes = [value.reshape(count, -1) for name, value in rows.items() if kinds[name] == "category"]
    wide: Numbers = np.concatenate(numbers, axis=1) if numbers else np.zeros((count, 0))
    penalty = float(np.median(wide.std(axis=0))) ** 2 if wide.shape[1] else 1.0
    k = min(neighbors, count - 1)
    step = max(1, BLOCK // count)
    found = []
    for begin in range(0, count, step):
        here = slice(begin, begin + step)
        square = (wide[here] ** 2).sum(1)[:, None] + (wide**2).sum(1)[None, :] - 2 * wide[here] @ wide.T
        for code in codes:
            for column in code.T:
                square += penalty * (column[here, None] != column[None, :])
        square[np.arange(len(square)), np.arange(begin, begin + len(square))] = np.inf
        found.append(np.argsort(square, axis=1, kind="stable")[:, :k])
    return np.concatenate(found).astype(np.int64)


def _modes(codes: Array) -> Array:
    """The most frequent code among the neighbors of each row, of equals the least: `(n, k, c)` to `(n, c)`."""
    ordered = np.sort(codes, axis=1)
    often = (ordered[:, :, None, :] == ordered[:, None, :, :]).sum(axis=2)
    best = often.argmax(axis=1)
    return np.take_along_axis(ordered, best[:, None, :], axis=1)[:, 0, :]
