"""Word vectors by skip-gram with negative sampling (Mikolov et al., NIPS 2013), from texts given as numbers of words.

Each word is to tell the words around it from words drawn by chance (by their frequency to the power 3/4). Frequent
words are passed over in part, the window's width is drawn anew for each word, and the strangers of a batch are shared
by all its pairs, which makes one product of matrices of many small ones. Steps are those of Adagrad, one rate a word.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Numbers = npt.NDArray[np.int64]

_BATCH, _STRANGERS = 2048, 256  # pairs of a step, and the words drawn by chance that all of them are told from
_BLOCK = 2**16  # words whose pairs are made at a time
_TINY = 1e-8
_CALM = 1.0  # added to what Adagrad divides by, so that the first steps do not send all words one way


@dataclass(frozen=True)
class Settings:
    """How vectors are trained.

    `most` bounds the work: pairs of words in all, whatever the texts hold.
    """

    width: int = 50
    window: int = 5
    negatives: int = 5
    epochs: int = 5
    rate: float = 0.3
    frequent: float = 1e-3
    most: int = 10_000_000


def train(texts: Sequence[Numbers], count: int, settings: Settings, seed: int) -> npt.NDArray[np.float32]:
    """The vectors `(count, width)` of the words 0 … count-1 of some texts; what never occurs gets zeros.

    Negative numbers in a text stand for words without a vector, which are left out. The same numbers on the same
    machine whenever it is called with the same arguments.
    """
    flat, owner = _flat(texts)
    known = flat >= 0
    counts = np.bincount(flat[known], minlength=count).astype(np.float64)
    if not counts.sum():
        return np.zeros((count, settings.width), dtype=np.float32)
    draw = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed % 2**63)
    own = (torch.rand(count, settings.width, generator=generator) - 0.5) / settings.width
    beside = torch.zeros(count, settings.width)
    grown = torch.zeros(2, count)
    strangers = np.cumsum(counts**0.75)
    strangers /= strangers[-1]
    share = counts / counts.sum()
    kept = np.minimum(1.0, np.sqrt(settings.frequent / np.maximum(share, _TINY)))
    done = 0
    for _ in range(settings.epochs):
        stays = known & (draw.random(len(flat)) < np.where(known, kept[flat], 0.0))
        for centers, contexts in _pairs(flat[stays], owner[stays], settings.window, draw):
            chance = torch.from_numpy(np.searchsorted(strangers, draw.random(_STRANGERS)).clip(max=count - 1))
            _step(own, beside, grown, (centers, contexts, chance), settings)
            done += len(centers)
            if done >= settings.most:
                break
        if done >= settings.most:
            break
    own[torch.from_numpy(counts == 0)] = 0.0
    return own.numpy()


def _flat(texts: Sequence[Numbers]) -> tuple[Numbers, Numbers]:
    """All texts in a row, and which text each word is of."""
    lengths = [len(text) for text in texts]
    flat = np.concatenate([np.zeros(0, dtype=np.int64), *(np.asarray(text, dtype=np.int64) for text in texts)])
    return flat, np.repeat(np.arange(len(texts)), lengths)


def _pairs(flat: Numbers, owner: Numbers, window: int, draw: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """Batches of words and words beside them, a block of the texts at a time, mixed within it."""
    for start in draw.permutation(np.arange(0, len(flat), _BLOCK)).tolist():
        here, of = flat[start : start + _BLOCK], owner[start : start + _BLOCK]
        reach = draw.integers(1, window + 1, len(here))
        found = []
        for lag in range(1, min(window, len(here) - 1) + 1):
            near = np.flatnonzero((of[lag:] == of[:-lag]) & (reach[:-lag] >= lag))
            found.append(np.stack([here[near], here[near + lag]]))
        if not found:
            continue
        both = np.concatenate([np.concatenate(found, axis=1), np.concatenate(found, axis=1)[::-1]], axis=1)
        both = both[:, draw.permutation(both.shape[1])]
        for first in range(0, both.shape[1], _BATCH):
            centers, contexts = torch.from_numpy(np.ascontiguousarray(both[:, first : first + _BATCH]))
            yield centers, contexts


def _step(own: Tensor, beside: Tensor, grown: Tensor, words: tuple[Tensor, Tensor, Tensor], settings: Settings) -> None:
    """One step on a batch: the gradient of the loss by hand, since it is a few products."""
    centers, contexts, chance = words
    x, y, z = own[centers], beside[contexts], beside[chance]
    right = torch.sigmoid((x * y).sum(1, keepdim=True)) - 1  # (batch, 1)
    wrong = torch.sigmoid(x @ z.T) * (settings.negatives / len(chance))  # (batch, strangers)
    _move(own, grown[0], centers, right * y + wrong @ z, settings.rate)
    _move(beside, grown[1], torch.cat([contexts, chance]), torch.cat([right * x, wrong.T @ x]), settings.rate)


def _move(table: Tensor, grown: Tensor, rows: Tensor, slopes: Tensor, rate: float) -> None:
    """A step of Adagrad on some rows, whose slopes add up where a row comes again."""
    which, place = torch.unique(rows, return_inverse=True)
    slope = torch.zeros(len(which), table.shape[1]).index_add_(0, place, slopes)
    grown[which] += (slope * slope).mean(1)
    table[which] -= rate * slope / (grown[which].sqrt() + _CALM).unsqueeze(1)
