"""Pictures and texts that are alike: a short hash of each, and the sets of those whose hashes are near each other.

The hash of a picture is made of signs: of its 16 x 16 lowest frequencies (DCT-II), gray and shrunk to 32 x 32
pixels, after Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010. Saving anew,
resizing, and a change of brightness or contrast leave nearly all of them; cropping and mirroring do not. Pairs are
looked for by the 64 lowest frequencies, and believed where all 256 agree as well: measured on two classes of
CIFAR-10, all of 48 pairs looked at within the default distance were copies, shifted or recolored.

The hash of a text is one bit of each of 256 minimal hashes of its runs of three words (Li and König, "b-Bit Minwise
Hashing", 2010). Two texts that share a part J of all their runs differ in (1 - J) / 2 of the bits, strangers in half of
them: the default distance finds J = 0.9 nearly always, 0.8 half the time, and 0.6 never.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from stepwell import randomness

NEAR = 6
"""How many of the 64 bits of two hashes may differ where nothing else is said."""

SMALLEST = 32
"""Pixels a side from which pictures have a hash: of smaller ones, different things look alike too often."""

FLAT = 2.0
"""Standard deviation in gray levels (0 to 255) up to which a picture shows nothing that a hash could hold."""

CROWD = 0.1
"""Where one set holds more than this share of all examples, and more than `FEW`, likeness is their nature."""

FEW = 20

SHORTEST = 8
"""Words from which a text has a hash: of shorter ones only equal ones are copies."""

_RUN = 3  # words in a row that are compared as one
_HELD = 2**14  # runs that are hashed at a time
_WORD = re.compile(r"[^\W_]+")
_MOST = 1_000_000_000  # pairs that are compared at most: half a minute
_SIDE, _KEPT = 32, 16
_ODD = randomness.mixed(np.arange(256, dtype=np.uint64)) | np.uint64(1)
_SHIFTS = randomness.mixed(np.arange(256, 512, dtype=np.uint64))
_COSINES = np.cos(np.pi / (2 * _SIDE) * np.arange(_KEPT)[:, None] * (2 * np.arange(_SIDE)[None] + 1))
_LOW = np.zeros((_KEPT, _KEPT), dtype=bool)
_LOW[:8, :8] = True

Words = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Alike:
    """Sets of examples that are alike, each of two or more ascending indices; and why there are none, if so."""

    sets: tuple[tuple[int, ...], ...]
    why_none: str = ""


def perceptual(pixels: npt.NDArray[np.uint8]) -> str | None:
    """The hash of a gray picture `(height, width)`: 64 hexadecimal digits, the first 16 for the lowest frequencies.

    None where it is smaller than `SMALLEST` on a side, or shows nothing (see `FLAT`).
    """
    if min(pixels.shape) < SMALLEST:
        return None
    small = Image.fromarray(pixels).resize((_SIDE, _SIDE), Image.Resampling.BILINEAR)
    gray = np.asarray(small, dtype=np.float64)
    if gray.std() <= FLAT:
        return None
    signs = (_COSINES @ (gray - gray.mean()) @ _COSINES.T) > 0
    return np.packbits(np.concatenate([signs[_LOW], signs[~_LOW]])).tobytes().hex()


def words(text: str) -> list[str]:
    """The words of a text without regard to case: what is compared of it, and equal in equal texts."""
    return _WORD.findall(text.casefold())


def shingled(words: Sequence[str]) -> str | None:
    """The hash of a text of these `words`, 64 hexadecimal digits; None where it has fewer than `SHORTEST`."""
    if len(words) < SHORTEST:
        return None
    known = list(dict.fromkeys(words))
    places = {word: place for place, word in enumerate(known)}
    keyed = randomness.keys(known)[[places[word] for word in words]]
    runs = np.zeros(len(words) - _RUN + 1, dtype=np.uint64)
    for place in range(_RUN):
        runs = randomness.mixed(runs + keyed[place : place + len(runs)])
    runs = np.unique(runs)
    least = np.full(len(_ODD), np.iinfo(np.uint64).max, dtype=np.uint64)
    for start in range(0, len(runs), _HELD):
        hashed = runs[None, start : start + _HELD] * _ODD[:, None] + _SHIFTS[:, None]
        least = np.minimum(least, hashed.min(axis=1))
    bits = (least >> np.uint64(24)) & np.uint64(1)  # the highest bits of a minimum are 0, the lowest badly mixed
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()


def sets(hashes: Sequence[str | None], near: int = NEAR) -> Alike:
    """The sets of examples that are alike, those without a hash (None) left out.

    Two are alike where at most `near` of the first 64 bits differ (of a picture those for the lowest frequencies), and
    at most 8 * `near` of all 256; what is like the same example is in one set. Up to some 100,000 every such pair is
    found; beyond, nearly every one. Where one set is a crowd (see `CROWD`), or too many pairs would have to be
    compared, these are examples that are all alike: there are no sets, and `why_none` says so.
    """
    known = [i for i, one in enumerate(hashes) if one is not None]
    if len(known) < 2:
        return Alike(())
    raw = np.frombuffer(bytes.fromhex("".join(one for one in hashes if one is not None)), dtype=">u8")
    unique, owner = np.unique(raw.astype(np.uint64).reshape(len(known), 4), axis=0, return_inverse=True)
    bands = _bands(len(unique), near)
    if sum(_candidates(unique[:, 0], band) for band in bands) > _MOST:
        return Alike((), "they are all so much alike that copies cannot be told from likeness")
    parent = _joined(unique, bands, near)
    members: dict[int, list[int]] = {}
    for i, at in zip(known, parent[owner.reshape(-1)].tolist(), strict=True):
        members.setdefault(at, []).append(i)
    found = tuple(tuple(one) for one in members.values() if len(one) > 1)
    largest = max(map(len, found), default=0)
    if largest > max(FEW, CROWD * len(known)):
        why = f"one set would hold {largest:,} of {len(known):,} examples: likeness is their nature"
        return Alike((), why)
    return Alike(found)


def _bands(count: int, near: int) -> list[tuple[int, int]]:
    """Bits `start … end` of the 64; hashes that differ in fewer bits than there are bands agree in one of them."""
    width = max(1, int(np.ceil(np.log2(count))) - 8)
    number = max(1, min(near + 1, 64 // width))
    borders = [64 * at // number for at in range(number + 1)]
    return list(itertools.pairwise(borders))


def _keys(coarse: Words, band: tuple[int, int]) -> Words:
    start, end = band
    return (coarse << np.uint64(start)) >> np.uint64(64 - (end - start))


def _candidates(coarse: Words, band: tuple[int, int]) -> int:
    counts = np.unique(_keys(coarse, band), return_counts=True)[1].astype(np.float64)
    return int((counts * (counts - 1) / 2).sum())


def _agreeing(keys: Words) -> Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
    """All pairs of places with equal keys, many at a time: neighbors in order of the keys, then those two apart …"""
    order = np.argsort(keys, kind="stable")
    ends = np.searchsorted(keys[order], keys[order], side="right")
    at, lag = np.arange(len(keys)), 1
    while len(at := at[at + lag < ends[at]]):
        yield order[at], order[at + lag]
        lag += 1


def _joined(words: Words, bands: Sequence[tuple[int, int]], near: int) -> npt.NDArray[np.int64]:
    """For each of the hashes `(n, 4)` one of those that it is connected with, the same for all of them."""
    parent = list(range(len(words)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for band in bands:
        for left, right in _agreeing(_keys(words[:, 0], band)):
            close = np.bitwise_count(words[left, 0] ^ words[right, 0]) <= near
            left, right = left[close], right[close]
            believed = np.bitwise_count(words[left] ^ words[right]).sum(axis=1, dtype=np.int64) <= 8 * near
            for i, j in zip(left[believed].tolist(), right[believed].tolist(), strict=True):
                parent[root(i)] = root(j)
    return np.array([root(i) for i in range(len(parent))], dtype=np.int64)
