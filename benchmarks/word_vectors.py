"""Word vectors: how a file that is read agrees with people, and what skip-gram makes of a few thousand reviews.

    STEPWELL_DATA=… python benchmarks/word_vectors.py [--pairs 10000000]

(a) GloVe's 20,000 commonest words: Spearman's correlation of cosines with four sets of rated pairs, and the share of
    analogies (a is to b as c is to d, by the sum of cosines) that are right.
(b) Vectors trained on the reviews of `blitzer_amazon`, on the same pairs, beside GloVe on the same words.
(c) Labels that nothing was trained on (`zero_shot`): kinds of product and opinions, in one word each and in four.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from pathlib import Path

import numpy as np

from stepwell import likeness
from stepwell.tasks.sentiment import skipgram, vectors, zero_shot
from stepwell.tasks.sentiment.readers import pseudo_xml

DATA = Path(os.environ.get("STEPWELL_DATA", "data"))
SETS = DATA / "word_vectors" / "similarity_sets"
GLOVE = DATA / "word_vectors" / "glove_6B_50d_top" / "glove.6B.50d.top20000.txt.gz"
PAIRS = ("wordsim353.tsv", "simlex999.txt", "EN-MEN-TR-3k.txt", "EN-RW-STANFORD.txt")
KINDS = {
    "books": ("books", "book novel reading author"),
    "dvd": ("film", "film movie actor watch"),
    "electronics": ("electronics", "electronics camera computer sound"),
    "kitchen_&_housewares": ("kitchen appliances", "kitchen cooking pan coffee"),
}
OPINIONS = {
    "negative": ("negative", "terrible waste broken disappointed"),
    "positive": ("positive", "excellent perfect love wonderful"),
}
LEAST = 5  # times that a word of the reviews is seen


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=10_000_000, help="pairs of words that skip-gram learns from")
    most = parser.parse_args().pairs
    start = time.process_time()
    words = vectors.words_of(GLOVE)
    matrix, _ = vectors.read(GLOVE, words)
    print(f"{GLOVE.name}: {len(words):,} words of {matrix.shape[1]}, read in {time.process_time() - start:.1f} s")
    similarities(matrix, words)
    right, covered = analogies(matrix, words)
    print(f"  analogies: {right / covered:.4f} of {covered:,}")
    texts, words = reviews()
    start = time.process_time()
    trained = skipgram.train(texts, len(words), skipgram.Settings(most=most), 0)
    count, seconds = sum(map(len, texts)), time.process_time() - start
    print(f"skip-gram on {count:,} words of reviews, {len(words):,} different: {seconds:.0f} s of the processor")
    similarities(trained, words)
    for word in ("good", "terrible", "camera"):
        print(f"  near {word}: {', '.join(one for one, _ in vectors.neighbors(trained, words, word))}")
    matrix, found = vectors.read(GLOVE, words)
    print("GloVe on the words of the reviews that it has")
    similarities(matrix[found], [word for word, there in zip(words, found, strict=True) if there])
    unseen_labels()


def similarities(matrix: vectors.Matrix, words: list[str]) -> None:
    """Print a line a set of pairs."""
    for name in PAIRS:
        pairs = vectors.read_pairs(SETS / name)
        value, covered = vectors.similarity(matrix, words, pairs)
        print(f"  {name}: {value:.4f} ({covered}/{len(pairs.rating)})")


def analogies(matrix: vectors.Matrix, words: list[str]) -> tuple[int, int]:
    """How many analogies are right, of those whose four words are known (3CosAdd; its own words are no answer)."""
    places = {word: place for place, word in enumerate(words)}
    lines = (SETS / "questions-words.txt").read_text().lower().splitlines()
    asked = [[places.get(word) for word in line.split()] for line in lines if not line.startswith(":")]
    known = np.array([one for one in asked if None not in one], dtype=np.int64)
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    right = 0
    for chunk in np.array_split(known, max(1, len(known) // 500)):
        a, b, c, d = chunk.T
        cosines = (unit[b] - unit[a] + unit[c]) @ unit.T
        for own in (a, b, c):
            cosines[np.arange(len(chunk)), own] = -np.inf
        right += int((cosines.argmax(axis=1) == d).sum())
    return right, len(known)


def unseen_labels() -> None:
    """Print how many reviews get the right one of labels that nothing was trained on."""
    examples = pseudo_xml.read(DATA / "sentiment" / "blitzer_amazon", pseudo_xml.Options())
    texts = examples.fetch(range(len(examples)), None)["text"]
    for what, true in (
        (KINDS, [name.partition("/")[0] for name in examples.ids]),
        (OPINIONS, [str(label) for label in examples.facts["label"]]),
    ):
        for place in (0, 1):
            labels = [words[place] for words in what.values()]
            found = zero_shot.of(GLOVE, labels)(texts).argmax(axis=1)
            right = np.mean([list(what)[at] == one for at, one in zip(found.tolist(), true, strict=True)])
            print(f"zero-shot {labels}: {right:.4f} right, by chance {1 / len(labels):.2f}")


def reviews() -> tuple[list[skipgram.Numbers], list[str]]:
    """The reviews as numbers of words that are seen five times (-1: another), and the words."""
    examples = pseudo_xml.read(DATA / "sentiment" / "blitzer_amazon", pseudo_xml.Options())
    cut = [likeness.words(text) for text in examples.fetch(range(len(examples)), None)["text"]]
    counts = Counter(word for text in cut for word in text)
    words = [word for word, count in counts.most_common() if count >= LEAST]
    numbers = {word: number for number, word in enumerate(words)}
    return [np.array([numbers.get(word, -1) for word in text], dtype=np.int64) for text in cut], words


if __name__ == "__main__":
    main()
