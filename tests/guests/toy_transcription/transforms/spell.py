"""A text to the numbers of its letters, from 1 on: 0 is CTC's blank."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from stepwell.errors import ExampleError
from stepwell.schema import Columns, Trace


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


@dataclass(frozen=True)
class Fitted:
    """Writes `letters`, int64 `(letters,)` each, from the column `text`."""

    alphabet: tuple[str, ...]

    @property
    def reads(self) -> tuple[str, ...]:
        return ("text",)

    @property
    def writes(self) -> tuple[str, ...]:
        return ("letters",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Number every letter; `ExampleError` for one that the training part lacks."""
        numbers = {letter: number for number, letter in enumerate(self.alphabet, start=1)}
        for text in columns["text"]:
            if strange := sorted(set(text) - set(numbers)):
                raise ExampleError(f"The letters {strange} of {text!r} are not in the training part.")
        return {"letters": [np.array([numbers[letter] for letter in text], np.int64) for text in columns["text"]]}


def fit(options: Options, texts: Iterable[str]) -> Fitted:
    """The letters of the training part, sorted."""
    return Fitted(tuple(sorted({letter for text in texts for letter in text})))
