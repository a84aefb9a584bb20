"""Texts to codes: a number for every value that the training part knows well enough, 0 for all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, cast

import msgspec
import numpy as np

from stepwell import archives
from stepwell.schema import Array, Columns, Trace


@dataclass(frozen=True)
class Options:
    """Which values get a code of their own."""

    rare: Annotated[int, msgspec.Meta(ge=1, description="a value seen less often counts as never seen")] = 1


@dataclass(frozen=True)
class Fitted:
    """Writes `categories`, int64 `(n, len(places))`, from the columns of `texts` at `places`.

    `levels[j]` are the known values of the j-th of them: the code of a value is its place plus 1, and 0 is what was
    never seen or too rarely. None among the levels is what is missing.
    """

    places: tuple[int, ...]
    levels: tuple[tuple[str | None, ...], ...]

    @property
    def reads(self) -> tuple[str, ...]:
        """The matrix of texts."""
        return ("texts",)

    @property
    def writes(self) -> tuple[str, ...]:
        """The codes."""
        return ("categories",)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many codes each column takes, 0 among them."""
        return tuple(len(known) + 1 for known in self.levels)

    @cached_property
    def _codes(self) -> list[dict[str | None, int]]:
        """Value to code for each column, made once: rows come a few hundred at a time."""
        return [{value: number for number, value in enumerate(known, 1)} for known in self.levels]

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        """Look every text up."""
        texts = cast("Array", columns["texts"])
        codes = np.zeros((len(traces), len(self.places)), dtype=np.int64)
        for at, (place, code) in enumerate(zip(self.places, self._codes, strict=True)):
            codes[:, at] = [code.get(value, 0) for value in texts[:, place].tolist()]
        return {"categories": codes}


def fit(options: Options, texts: Array, places: Sequence[int]) -> Fitted:
    """The values of the training part, `texts` being objects `(n, m)`, in natural order, what is missing last."""
    levels = []
    for place in places:
        counts = Counter(texts[:, place].tolist())
        common = [value for value, count in counts.items() if count >= options.rare]
        named = sorted((value for value in common if value is not None), key=archives.natural_key)
        levels.append((*named, None) if None in common else tuple(named))
    return Fitted(tuple(places), tuple(levels))
