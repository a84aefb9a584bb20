"""Problems of real data, read from the folder that STEPWELL_DATA names; each reader takes what it needs of one set."""

from __future__ import annotations

import csv
import gzip
import os
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .problems import Problem, itself, split, tokens

LENGTH = 30  # words of a text
WORDS = 1000


def folder() -> Path | None:
    """Where the sets lie; None where STEPWELL_DATA does not say."""
    named = os.environ.get("STEPWELL_DATA", "")
    return Path(named) if named else None


def _at(*parts: str) -> Path:
    found = folder()
    if found is None:
        raise SystemExit("set STEPWELL_DATA to the folder of the real data")
    return found.joinpath(*parts)


def fashion_maps(seed: int = 0) -> Problem:
    """3,000 of Fashion-MNIST's pictures, nine pixels averaged to one: 9 x 9 of 0 to 1."""
    place = _at("image_classification", "fashion_mnist")
    with gzip.open(place / "t10k-images-idx3-ubyte.gz") as file:
        pictures = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    with gzip.open(place / "t10k-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(), np.uint8, offset=8)
    small = pictures[:, :27, :27].reshape(-1, 9, 3, 9, 3).mean((2, 4)).astype(np.float32) / 255
    return split("fashion_maps", "classes", small[:, None], labels, seed=seed)


def fashion() -> Problem:
    """The same pictures as standardized columns."""
    maps = fashion_maps()
    x = np.concatenate([maps.v.flatten(1).numpy(), maps.x.flatten(1).numpy()])
    y = np.concatenate([maps.w.numpy(), maps.y.numpy()])
    return split("fashion", "classes", x, y)


def fashion_rows() -> Problem:
    """The same pictures, a row of 9 pixels after the other."""
    maps = fashion_maps()
    return Problem("fashion_rows", "classes", maps.x[:, 0], maps.y, maps.v[:, 0], maps.w, maps.width)


def fashion_same() -> Problem:
    """The same pictures, to be answered with themselves."""
    return itself(fashion_maps())


def _coded(rows: Sequence[Sequence[str]], words: frozenset[int]) -> NDArray[np.float32]:
    """Columns of numbers as they are, columns of words as one column a value that at least 20 rows have."""
    columns = []
    for place, column in enumerate(zip(*rows, strict=True)):
        if place not in words:
            columns.append(np.array([float(one or "nan") for one in column]))
            continue
        columns += [
            np.array([one == value for one in column], float) for value, n in Counter(column).items() if n >= 20
        ]
    return np.nan_to_num(np.stack(columns, 1)).astype(np.float32)


def adult() -> Problem:
    """Whether a person of the census earns over 50,000 dollars."""
    text = gzip.decompress(_at("table", "adult_income", "adult.data.gz").read_bytes()).decode()
    rows = [line.split(", ") for line in text.splitlines()[:6000] if line]
    x = _coded([row[:-1] for row in rows], frozenset({1, 3, 5, 6, 7, 8, 9, 13}))
    return split("adult", "classes", x, np.array([row[-1] == ">50K" for row in rows], int))


def california() -> Problem:
    """What houses of a Californian district are worth."""
    with _at("table", "california_housing", "housing.csv").open() as file:
        rows = list(csv.reader(file))[1:]
    rows = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))[:4000]]
    x = _coded([[*row[:8], row[9]] for row in rows], frozenset({8}))
    return split("california", "numbers", x, np.array([float(row[8]) for row in rows]))


def nsl_kdd() -> Problem:
    """Whether a connection is an attack."""
    text = gzip.decompress(_at("network_anomaly", "nsl_kdd", "KDDTrain+_20Percent.txt.gz").read_bytes()).decode()
    rows = [line.split(",") for line in text.splitlines()[:5000]]
    x = _coded([row[:41] for row in rows], frozenset({1, 2, 3}))
    x = np.where(np.abs(x) > 100, np.sign(x) * np.log1p(np.abs(x)), x)
    return split("nsl_kdd", "classes", x.clip(-20, 20), np.array([row[41] != "normal" for row in rows], int))


def oil_temperature() -> Problem:
    """48 hours of a transformer's seven sensors; its oil temperature an hour later."""
    with _at("forecasting", "ETTh1", "ETTh1.csv").open() as file:
        values = np.array([[float(one) for one in row[1:]] for row in list(csv.reader(file))[1:8000]])
    values = (values - values.mean(0)) / values.std(0)
    starts = range(0, len(values) - 49, 3)
    x = np.stack([values[start : start + 48] for start in starts]).astype(np.float32)
    return split("oil_temperature", "numbers", x[:, ::2], np.array([values[start + 48, 6] for start in starts]))


def _words(texts: Sequence[str]) -> tuple[NDArray[np.int64], int]:
    """The first words of each text by their rank, 0 where there are none and 1 for rare ones; and how many ranks."""
    cut = [re.findall(r"[a-z']+|[!?]", text.lower())[:LENGTH] for text in texts]
    ranks = {word: rank for rank, (word, _) in enumerate(Counter(w for c in cut for w in c).most_common(WORDS), 2)}
    rows = np.zeros((len(cut), LENGTH), np.int64)
    for row, words in zip(rows, cut, strict=True):
        row[: len(words)] = [ranks.get(word, 1) for word in words]
    return rows, len(ranks) + 2


def snippets() -> Problem:
    """Snippets of reviews: negative, neutral or positive."""
    place = _at("sentiment", "vader_amazon_snippets", "amazonReviewSnippets_GroundTruth.txt")
    rows = [line.split("\t") for line in place.read_text("utf-8").splitlines() if line]
    rates = np.array([float(row[1]) for row in rows])
    inputs, count = _words([row[2] for row in rows])
    return tokens("snippets", "classes", inputs, np.digitize(rates, [-0.5, 0.5]), count)


def reviews() -> Problem:
    """Titles and first words of reviews of books, films and things: good or bad."""
    texts, labels = [], []
    for file in sorted(_at("sentiment", "blitzer_amazon").glob("*/*.review.gz")):
        content = gzip.decompress(file.read_bytes()).decode("utf-8", "replace")
        for one in content.split("</review>"):
            title = re.search(r"<title>\s*(.*?)\s*</title>", one, re.DOTALL)
            body = re.search(r"<review_text>\s*(.*?)\s*</review_text>", one, re.DOTALL)
            if title and body:
                texts.append(f"{title[1]} {body[1]}")
                labels.append(file.name.startswith("positive"))
    inputs, count = _words(texts)
    return tokens("reviews", "classes", inputs, np.array(labels, int), count)


def _letters(name: str, text: str) -> Problem:
    """Pieces of 48 letters and each one's next."""
    kept = [one for one, n in Counter(text).most_common(60) if n > 5]
    code = {letter: rank for rank, letter in enumerate(kept, 1)}
    values = np.array([code.get(letter, 0) for letter in text], np.int64)
    rows = np.lib.stride_tricks.sliding_window_view(values, 49)[::48]
    return tokens(name, "next", rows[:3000, :48].copy(), rows[:3000, 1:].copy(), len(kept) + 1)


def captions() -> Problem:
    """Letters of English captions of pictures."""
    place = _at("translation", "multi30k", "train.en.gz")
    return _letters("captions", gzip.decompress(place.read_bytes()).decode()[:200_000].lower())


def german_captions() -> Problem:
    """Letters of German captions of pictures."""
    place = _at("translation", "multi30k", "train.de.gz")
    return _letters("german_captions", gzip.decompress(place.read_bytes()).decode()[:200_000].lower())


def sentences() -> Problem:
    """Letters of short French sentences."""
    lines = _at("translation", "eng_fra_tatoeba_5k", "eng-fra.txt").read_text("utf-8").splitlines()
    order = np.random.default_rng(0).permutation(len(lines))
    return _letters("sentences", "\n".join(lines[one].split("\t")[1] for one in order).lower())


def word_vectors() -> Problem:
    """Vectors of the 4,000 most frequent words, to be answered with themselves."""
    place = _at("word_vectors", "glove_6B_50d_top", "glove.6B.50d.top20000.txt.gz")
    lines = gzip.decompress(place.read_bytes()).decode("utf-8").splitlines()[:4000]
    vectors = np.array([[float(one) for one in line.split(" ")[1:]] for line in lines], np.float32)
    return itself(split("word_vectors", "classes", vectors, np.zeros(len(vectors)), rows=4000))


def volumes() -> Problem:
    """The traded volume of four shares, as logarithms, over 20 days; that of the day after."""
    content = gzip.decompress(_at("forecasting", "stocks_daily", "bokeh_stocks_5tickers.csv.gz").read_bytes()).decode()
    inputs, targets = [], []
    rows = list(csv.DictReader(content.splitlines()))
    for ticker in ("AAPL", "GOOG", "IBM", "MSFT"):
        own = np.log([max(float(row["Volume"]), 1.0) for row in rows if row["Ticker"] == ticker])
        own = (own - own.mean()) / own.std()
        windows = np.lib.stride_tricks.sliding_window_view(own, 21)[::4]
        inputs.append(windows[:, :20, None])
        targets.append(windows[:, 20])
    return split("volumes", "numbers", np.concatenate(inputs).astype(np.float32), np.concatenate(targets))


REAL: dict[str, Callable[[], Problem]] = {
    one.__name__: one
    for one in (
        *(fashion_maps, fashion, fashion_rows, fashion_same, adult, california, nsl_kdd, oil_temperature),
        *(snippets, reviews, captions, german_captions, sentences, word_vectors, volumes),
    )
}
