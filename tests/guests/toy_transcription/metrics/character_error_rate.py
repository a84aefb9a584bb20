"""Character error rate: edits (insertions, deletions, substitutions) over the letters of the truth.

Undefined (NaN) where the truth has no letters. Levenshtein, 1966.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from stepwell.schema import Array, Columns, Schema

DIRECTION: Literal["max", "min"] = "min"
KIND = "number"
MEASURE = "share"
HIGHER = "lower is better; 0 means that every letter is right, and more than 100 % is possible"


def prepare(truth: Columns, predictions: Columns, schema: Schema) -> Array:
    """Edits and letters of each example: `(2, n)` float64."""
    pairs = list(zip(truth["text"], predictions["text"], strict=True))
    return np.array([[edits(true, said) for true, said in pairs], [len(true) for true, _ in pairs]], dtype=np.float64)


def score(state: Array, weight: Array | None) -> float:
    """All edits over all letters, at least 0."""
    made, letters = state.sum(axis=1) if weight is None else state @ weight
    return float(made / letters) if letters else math.nan


def per_example(state: Array) -> Array:
    """The rate of each example: `(n,)`."""
    return np.asarray(state[0] / np.maximum(state[1], 1.0))


def edits(true: str, said: str) -> int:
    """The least number of insertions, deletions and substitutions that turn one text into the other."""
    row = list(range(len(said) + 1))
    for i, letter in enumerate(true, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(said, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (letter != other))
    return row[-1]
