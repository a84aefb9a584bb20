"""Shelf of what is done, in training alone, about classes of unequal size: one method a file.

A method is a module with a frozen dataclass `Options` and `balance(options, labels, classes, seed) -> Balance`, where
`labels` `(n,)` are the class numbers of the training examples. One that makes examples has
`synthesize(options, columns, labels, schema, seed) -> Columns` too, and names in `TAKES` the kinds of inputs that it
can make. Valid and test stay as they are: scores are those of the classes as they occur.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from stepwell import randomness

Labels = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]
Draw = Callable[[int], Labels]
"""epoch -> the rows that it shows, in their order and with repeats; a pure function of seed and epoch."""

Ratio = Annotated[
    float,
    msgspec.Meta(gt=0, le=1, description="Size of the smallest class, relative to the largest, that is aimed at."),
]


@dataclass(frozen=True)
class Balance:
    """What training does: `weight` `(n,)` on each example's loss, of mean 1; `draw` with `shown` rows an epoch, or each
    row once; `offset` `(classes,)` added to the logits in the loss, not in the answers. None: nothing of the kind.
    """

    weight: Numbers | None = None
    draw: Draw | None = None
    shown: int | None = None
    offset: Numbers | None = None


def counts(labels: Labels, classes: int) -> Numbers:
    """How many examples each class has, `(classes,)`, at least 1 (a class without any draws nothing)."""
    return np.maximum(np.bincount(labels, minlength=classes), 1).astype(np.float64)


def by_class(labels: Labels, weight: Numbers) -> Numbers:
    """Each example's weight `(n,)` from those of the classes, scaled to mean 1 over the examples."""
    each: Numbers = weight[labels]
    each /= each.mean()
    return each


def generator(seed: int, purpose: str, epoch: int) -> np.random.Generator:
    """The generator of one epoch: a pure function of seed, purpose and epoch."""
    return np.random.Generator(np.random.Philox(key=randomness.number(seed, purpose, epoch)))
