"""What an answer about a text may rest on: its words, or, of a long text, runs of words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Any

MOST = 64
"""Parts of a text, at most: of more words several together make one."""

_WORD = re.compile(r"\S+\s*")


def parts(example: Mapping[str, Any]) -> list[str]:
    """The parts of a text in their order: joined they are the text, but for spaces before it."""
    words: list[str] = _WORD.findall(str(example["text"]))
    if len(words) <= MOST:
        return words
    borders = [len(words) * place // MOST for place in range(MOST + 1)]
    return ["".join(words[start:end]) for start, end in itertools.pairwise(borders)]


def without(example: Mapping[str, Any], places: Sequence[int]) -> dict[str, Any]:
    """The example without some of its parts."""
    left = set(places)
    return {**example, "text": "".join(one for place, one in enumerate(parts(example)) if place not in left)}
