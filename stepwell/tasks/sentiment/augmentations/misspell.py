"""Misspell words, hide some, and write some with capitals: what people type, and names nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

import numpy as np
from msgspec import Meta

from stepwell.augmentations import Draw, names, tensor, with_fields
from stepwell.schema import Batch, Schema
from stepwell.tasks.sentiment.transforms.look_up import FIRST, UNKNOWN

KINDS = 4
"""Ways to write a word otherwise: two letters changed, one lost, one doubled, all in capitals."""


@dataclass(frozen=True)
class Options:
    """The settings of misspelling."""

    share: Annotated[float, Meta(ge=0, le=1, description="Share of the tokens that are written otherwise.")] = 0.1
    hidden: Annotated[float, Meta(ge=0, le=1, description="Share of the tokens that become unknown ones.")] = 0.05


def apply(options: Options, batch: Batch, schema: Schema, draw: Draw) -> Batch:
    """The batch with some tokens as they would be looked up had they been written otherwise, or as unknown.

    What another spelling of a word is in the vocabulary, if it is in it at all, is what the network is given: that is
    nearly always the unknown token, of characters another one. Text and length stay. Padding is not touched.
    """
    changed = {}
    for name in names(batch, schema, "sequence"):
        old = batch.fields[name]
        tokens = old.cpu().numpy().copy()
        vocabulary = schema.field(name).classes
        numbers = _numbers(vocabulary)
        chance, way = (draw(f"misspell {name} {what}", tokens.shape[1:]) for what in ("chance", "way"))
        known = tokens >= FIRST
        for row, place in zip(*np.nonzero(known & (chance < options.share)), strict=True):
            other = otherwise(vocabulary[tokens[row, place]], float(way[row, place]))
            tokens[row, place] = numbers.get(other, UNKNOWN)
        tokens[known & (chance >= 1 - options.hidden)] = UNKNOWN
        changed[name] = tensor(tokens, old)
    return with_fields(batch, changed)


def otherwise(word: str, way: float) -> str:
    """A word written in one of `KINDS` other ways, which one and where by `way` in [0, 1)."""
    kind, rest = divmod(way * KINDS, 1.0)
    if kind == 0 or len(word) < 2:
        return word.upper()
    at = int(rest * (len(word) - 1))
    if kind == 1:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 2 else word[: at + 1] + word[at:]


@lru_cache(maxsize=4)
def _numbers(vocabulary: tuple[str, ...]) -> dict[str, int]:
    """The number of each token of a vocabulary."""
    return {piece: number for number, piece in enumerate(vocabulary) if number >= FIRST}
