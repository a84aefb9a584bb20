"""Pieces of text to numbers: one for each piece that the training part knows, one for all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import msgspec
import numpy as np

from stepwell.schema import Array, Columns, Trace

PADDING, UNKNOWN, FIRST = 0, 1, 2
"""The number of what fills a batch, that of a piece that is not known, and that of the first known one."""


@dataclass(frozen=True)
class Options:
    """Which pieces get a number of their own, and how many of a text are kept."""

    most: Annotated[int, msgspec.Meta(ge=1, description="pieces that get a number, at most")] = 30_000
    least: Annotated[int, msgspec.Meta(ge=1, description="times that a piece must have been seen")] = 1
    longest: Annotated[int, msgspec.Meta(ge=1, description="pieces of a text that are kept")] = 512


@dataclass(frozen=True)
class Fitted:
    """Writes `tokens`, int64 `(time,)` an example, from `pieces`; `vocabulary[k]` has the number k + 2.

    A text of more than `longest` pieces keeps its beginning and its end, half each: what is thought of a thing stands
    at either more often than between. One without pieces is a single unknown one, so that every text has a length.
    The trace notes how many `pieces` there were, and how many of them were `unknown`.
    """

    vocabulary: tuple[str, ...]
    longest: int

    @property
    def reads(self) -> tuple[str, ...]:
        """The column of pieces."""
        return ("pieces",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The column of numbers."""
        return ("tokens",)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {piece: number for number, piece in enumerate(self.vocabulary, FIRST)}

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Look every piece up."""
        numbers = self._numbers
        tokens = []
        for pieces, trace in zip(columns["pieces"], traces, strict=True):
            found = np.asarray([numbers.get(piece, UNKNOWN) for piece in pieces] or [UNKNOWN], dtype=np.int64)
            trace["look_up"] = {"pieces": len(pieces), "unknown": int((found == UNKNOWN).sum()) if pieces else 0}
            tokens.append(shortened(found, self.longest))
        return {"tokens": tokens}


def fit(options: Options, texts: Iterable[Sequence[str]]) -> Fitted:
    """The commonest pieces of the training texts; of equally common ones the first in the order of their letters."""
    counts = Counter(piece for pieces in texts for piece in pieces)
    known = sorted((piece for piece, count in counts.items() if count >= options.least), key=lambda p: (-counts[p], p))
    return Fitted(tuple(known[: options.most]), options.longest)


def shortened(tokens: Array, longest: int) -> Array:
    """At most `longest` tokens `(time,)`: the first half of so many and the last."""
    if len(tokens) <= longest:
        return tokens
    head = -(-longest // 2)
    return np.concatenate([tokens[:head], tokens[len(tokens) - (longest - head) :]])
