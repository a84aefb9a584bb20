"""Misspelled: in one word of eight two letters change places, or one is lost or doubled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

EXPECTS = "same"
EXAMPLE = ("a really good camera", "a relaly good camera")
REMEDY = "--augmentation misspell"

_WORD = re.compile(r"[^\W\d_]{4,}")
_EVERY = 8


def change(example: Mapping[str, Any], draw: np.random.Generator) -> dict[str, Any] | None:
    """The text with slips in it; None where no word has four letters."""
    text = str(example["text"])
    words = [(found.start(), found.end()) for found in _WORD.finditer(text)]
    if not words:
        return None
    chosen = np.sort(draw.permutation(len(words))[: max(1, round(len(words) / _EVERY))])
    for start, end in (words[place] for place in reversed(chosen.tolist())):
        text = text[:start] + slip(text[start:end], draw) + text[end:]
    return {**example, "text": text}


def slip(word: str, draw: np.random.Generator) -> str:
    """A word of three letters or more with one slip within it; its first letter stays."""
    at = int(draw.integers(1, len(word) - 1))
    kind = int(draw.integers(3))
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]
