"""Word vectors from files of text: GloVe, word2vec and fastText write a word and its numbers a line, also as .gz.

    good 0.25 -0.11 …           GloVe: no header
    400000 300                  word2vec and fastText (.vec): how many words, how many numbers
    good 0.25 -0.11 …

What words of one meaning have in common is judged by the cosine of their vectors: against pairs of words that people
rated (Spearman's correlation), and by the nearest words of some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from stepwell import archives
from stepwell.errors import DataError
from stepwell.tabular import text
from stepwell.tasks.sentiment.raw import decoded

Matrix = npt.NDArray[np.float32]
Found = npt.NDArray[np.bool_]

SKIPGRAM = "skipgram"
"""What stands in place of a file where vectors are trained when training begins (`begin.py`)."""

WIDTH = 50
"""Numbers of a vector that is trained so."""

WIDEST = 4096
"""Numbers of a word, at most."""

_HEADER = re.compile(rb"(\d+) (\d+)\s*")
_PAIR = re.compile(r"[\t,;]| +")


@dataclass(frozen=True)
class Pairs:
    """Pairs of words with a rating of how alike they are, as people gave it; of any scale."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    rating: npt.NDArray[np.float64]


def read(path: Path | str, words: Sequence[str]) -> tuple[Matrix, Found]:
    """The vectors of `words` in a file: `(len(words), width)`, zeros where it has none, and where it has one.

    A word is looked up as it is written, else in lower case; of a word that stands there twice the first vector counts.
    `DataError`, which names the line, where one has not as many numbers as the first, or one that is no finite number:
    of a file that is damaged, or cut off in the middle, no vector is to be trusted. The numbers of words that nobody
    asks for are counted and not read. `skipgram` is no file (see `wanted_here`): no word has a vector yet.
    """
    if wanted_here(path):
        return np.zeros((len(words), WIDTH), dtype=np.float32), np.zeros(len(words), dtype=np.bool_)
    path = Path(path).expanduser()
    written, lower = _places(words), _places([word.lower() for word in words])
    matrix = np.zeros((len(words), 0), dtype=np.float32)
    found, exact = (np.zeros(len(words), dtype=np.bool_) for _ in range(2))
    for number, word, numbers in _lines(path):
        if not matrix.shape[1]:
            matrix = np.zeros((len(words), numbers.count(b" ") + 1), dtype=np.float32)
        own = [place for place in written.get(word, ()) if not exact[place]]
        folded = [place for place in lower.get(word, ()) if not found[place]]
        if own or folded:
            matrix[[*own, *folded]] = _vector(numbers, path, number)
            found[[*own, *folded]] = True
            exact[own] = True
    return matrix, found


def wanted_here(path: Path | str) -> bool:
    """Whether this is no file but asks for vectors to be trained: `skipgram`, or `skipgram:FILE` of further texts."""
    return str(path).partition(":")[0] == SKIPGRAM


def words_of(path: Path | str, most: int | None = None) -> list[str]:
    """The first `most` words of a file, each once, in its order: those of common files are sorted by frequency."""
    found: dict[str, None] = {}
    for _, word, _ in _lines(Path(path).expanduser()):
        found.setdefault(word.decode("utf-8", "replace"))
        if len(found) == most:
            break
    return list(found)


def read_pairs(path: Path | str) -> Pairs:
    """Pairs of rated words: two words and a number a line, between tabs, commas or blanks; # begins a comment.

    `DataError`, which names the line, where one is otherwise; a first line of names is passed over.
    """
    path = Path(path).expanduser()
    first, second, ratings = [], [], []
    for number, line in enumerate(decoded(archives.read_file(path))[0].splitlines(), start=1):
        cells = [cell for cell in _PAIR.split(line.strip()) if cell]
        if not cells or line.startswith("#"):
            continue
        try:
            one, other, rating = cells[0], cells[1], float(cells[2])
        except (IndexError, ValueError) as error:
            if number == 1:
                continue
            raise DataError(
                "The line has not two words and a number.", where=f"{path}, line {number:,}", do="mend the line"
            ) from error
        first.append(one)
        second.append(other)
        ratings.append(rating)
    if len(ratings) < 2:
        raise DataError("There are no pairs of words.", where=str(path), do="give two words and a number a line")
    return Pairs(tuple(first), tuple(second), np.asarray(ratings))


def similarity(matrix: Matrix, words: Sequence[str], pairs: Pairs) -> tuple[float, int]:
    """Spearman's correlation of cosines with ratings, and of how many pairs: those whose words both have a vector.

    Words of pairs are looked up as they are written, else in lower case. NaN where fewer than two pairs are left.
    """
    places = {word: place for place, word in reversed(list(enumerate(words)))}
    unit = _unit(matrix)
    known = [
        (places.get(one, places.get(one.lower())), places.get(other, places.get(other.lower())), row)
        for row, (one, other) in enumerate(zip(pairs.first, pairs.second, strict=True))
    ]
    there = [(one, other, row) for one, other, row in known if one is not None and other is not None]
    if len(there) < 2:
        return float("nan"), len(there)
    left, right, rows = (np.asarray(column, dtype=np.int64) for column in zip(*there, strict=True))
    cosines = np.einsum("nd,nd->n", unit[left], unit[right], dtype=np.float64)
    return spearman(cosines, pairs.rating[rows]), len(there)


def neighbors(matrix: Matrix, words: Sequence[str], word: str, count: int = 5) -> list[tuple[str, float]]:
    """The words nearest to `word` by cosine, with it, the nearest first; `KeyError` where it has no vector."""
    if word not in words:
        raise KeyError(word)
    unit = _unit(matrix)
    own = list(words).index(word)
    cosines = unit @ unit[own]
    order = np.argsort(-cosines, kind="stable")
    return [(words[at], float(cosines[at])) for at in order.tolist() if at != own][:count]


def spearman(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """The correlation of the ranks of two columns `(n,)`; equal values share the mean of their ranks."""
    ranks = [_ranks(column) - (len(column) - 1) / 2 for column in (one, other)]
    spread = np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum())
    return float((ranks[0] * ranks[1]).sum() / spread) if spread > 0 else float("nan")


def _ranks(column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    _, codes, counts = np.unique(column, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts, dtype=np.float64) - (counts + 1) / 2
    found: npt.NDArray[np.float64] = middle[codes]
    return found


def _unit(matrix: Matrix) -> Matrix:
    """The rows at length 1; a row of zeros stays."""
    lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
    scaled: Matrix = (matrix / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return scaled


def _places(words: Sequence[str]) -> dict[bytes, list[int]]:
    """Where each word stands, by its bytes in a file."""
    places: dict[bytes, list[int]] = {}
    for place, word in enumerate(words):
        places.setdefault(word.encode("utf-8", "replace"), []).append(place)
    return places


def _lines(path: Path) -> Iterator[tuple[int, bytes, bytes]]:
    """The number of each line, its word and its numbers; `DataError` where there are not as many as in the first.

    A word may hold blanks: its numbers are counted from the end.
    """
    width = 0
    try:
        with text.opened(path) as file:
            for number, raw in enumerate(file, start=1):
                line = raw.rstrip(b" \r\n")
                if number == 1 and (header := _HEADER.fullmatch(line)):
                    width = int(header[2])
                    if not 0 < width <= WIDEST:
                        raise DataError(
                            f"The first line says that words have {width:,} numbers; 1 to {WIDEST:,} are taken.",
                            where=str(path),
                            do="give a file of word vectors as text",
                        )
                    continue
                width = width or line.count(b" ")
                word, *numbers = line.rsplit(b" ", width) if 0 < width <= WIDEST else (line,)
                if len(numbers) != width or not word or not numbers:
                    raise DataError(
                        f"The line has {len(numbers):,} numbers after its word, the others {width:,}."
                        if width
                        else "The line is no word with its numbers.",
                        where=f"{path}, line {number:,}",
                        do="give a whole file of word vectors as text: GloVe, word2vec or fastText (.vec)",
                    )
                yield number, word, b" ".join(numbers)
    except text.DAMAGED as error:
        raise text.cannot_be_read(path, error) from error
    if not width:
        raise DataError("The file is empty.", where=str(path), do="give a file of word vectors as text")


def _vector(numbers: bytes, path: Path, number: int) -> Matrix:
    try:
        values: Matrix = np.array(numbers.split(b" "), dtype=np.float32)
    except ValueError as error:
        raise _damaged(path, number) from error
    if not np.isfinite(values).all():
        raise _damaged(path, number)
    return values


def _damaged(path: Path, number: int) -> DataError:
    return DataError(
        "The line holds something else than finite numbers after its word.",
        where=f"{path}, line {number:,}",
        do="mend the file, or get it again",
    )
