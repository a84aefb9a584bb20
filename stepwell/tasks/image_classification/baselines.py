"""The simple rivals of an image classifier: the shares of the classes, and a linear model of small pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from stepwell.baselines import constant, linear
from stepwell.preparation import Prepared
from stepwell.schema import Array, Columns, Schema, Trace
from stepwell.task import Rival

SIDE = 32
"""Pixels a side that the linear model sees at most."""


def rivals(train: Prepared, schema: Schema, seed: int, seconds: float) -> dict[str, Rival]:
    """`constant` and `linear`, fitted on prepared training pictures in about `seconds`.

    Both answer `label`, `probability` and `probabilities`, as `prepare.decode` does.
    """
    image, target = schema.inputs[0], schema.targets[0]
    targets = np.asarray(train.columns[target.name], dtype=np.int64)
    shares = constant.fit(targets, len(target.classes))
    model = linear.fit(pixels(train.columns[image.name]), targets, len(target.classes), train.ids, seed, seconds)

    def answer_constant(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return _answers(shares(len(columns[image.name])), target.classes)

    def answer_linear(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return _answers(model.predict(pixels(columns[image.name])), target.classes)

    note = f"the shares of the classes in all {len(train):,} training examples"
    return {
        "constant": Rival(answer_constant, len(train), note),
        "linear": Rival(answer_linear, model.n, model.note),
    }


def pixels(images: Array | list[Array], side: int = SIDE) -> Array:
    """Pictures `(n, channels, h, w)`, or a list of `(channels, h, w)`, as rows of pixels `(n, features)`.

    A picture larger than `side` is averaged over blocks to that size, in the number type that it came in.
    Pictures of unequal sizes all become `side` x `side`.
    """
    if isinstance(images, np.ndarray):
        small = _shrunk(images, min(side, images.shape[2]), min(side, images.shape[3]))
        return small.reshape(len(images), math.prod(small.shape[1:]))
    if not images:
        return np.zeros((0, 0), dtype=np.uint8)
    return np.stack([_shrunk(np.asarray(one)[None], side, side).reshape(-1) for one in images])


def _shrunk(images: Array, height: int, width: int) -> Array:
    """Means over blocks that cover the picture; where a side is too short its rows or columns are repeated."""
    if images.shape[2:] == (height, width):
        return images
    small = np.empty((*images.shape[:2], height, width), dtype=images.dtype)
    for start in range(0, len(images), 256):
        chunk: Array = images[start : start + 256].astype(np.float32)
        for axis, size in ((2, height), (3, width)):
            first = np.arange(size) * chunk.shape[axis] // size
            counts = np.maximum(1, np.diff(np.append(first, chunk.shape[axis])))
            # With equal neighbors in `first`, reduceat gives that one row: repetition.
            chunk = np.add.reduceat(chunk, first, axis=axis) / counts.reshape(
                [-1 if a == axis else 1 for a in range(4)]
            )
        small[start : start + 256] = np.rint(chunk) if images.dtype.kind in "iu" else chunk
    return small


def _answers(probabilities: Array, classes: Sequence[str]) -> Columns:
    best = probabilities.argmax(axis=1)
    return {
        "label": [classes[i] for i in best.tolist()],
        "probability": probabilities[np.arange(len(best)), best],
        "probabilities": probabilities,
    }
