"""Files of word vectors: word2vec and GloVe text."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt


def read(path: str | Path, words: Sequence[str]) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """The vectors of `words` `(n, width)`, zeros where the file lacks one, and whether it has each `(n,)`."""
    place = Path(path)
    wanted = {word: number for number, word in enumerate(words)}
    found: dict[int, npt.NDArray[np.float32]] = {}
    with gzip.open(place, "rt", encoding="utf-8") if place.suffix == ".gz" else place.open(encoding="utf-8") as file:
        for line in file:
            word, *numbers = line.rstrip().split(" ")
            if word in wanted and len(numbers) > 1:
                found[wanted[word]] = np.asarray(numbers, dtype=np.float32)
    width = len(next(iter(found.values()))) if found else 1
    table = np.zeros((len(words), width), dtype=np.float32)
    for number, vector in found.items():
        table[number] = vector
    known = np.zeros(len(words), dtype=np.bool_)
    known[list(found)] = True
    return table, known
