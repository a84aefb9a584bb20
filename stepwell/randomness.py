"""The one source of randomness outside the network: numbers that are a pure function of what they are for.

A draw is keyed by (seed, purpose, epoch, example id) and counted within the example, never by time,
order or batch position: batch size, worker count, resuming and new consumers change nobody's numbers.
The numbers are SplitMix64's finalizer (Steele, Lea and Flood, OOPSLA 2014, with Stafford's "Mix13"
constants) over BLAKE2b hashes; they serve training, not cryptography.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def keys(ids: Sequence[str]) -> Keys:
    """A 64-bit key `(n,)` for each id: the first 8 bytes of its BLAKE2b, the same on every machine."""
    digests = b"".join(_digest(one) for one in ids)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def number(seed: int, purpose: str, epoch: int = 0) -> int:
    """An integer in [0, 2^64) for this seed, purpose and epoch: the seed of someone else's generator."""
    return int.from_bytes(_digest(f"{seed}\0{epoch}\0{purpose}"), "little")


def draw(seed: int, purpose: str, epoch: int, keys: Keys, shape: tuple[int, ...] = ()) -> Floats:
    """Uniform numbers `(n, *shape)` in [0, 1), one block an example.

    A longer block of the same example begins with the shorter one (in C order).
    """
    bits = _bits(seed, purpose, epoch, keys, math.prod(shape))
    bits >>= np.uint64(11)
    floats = bits.astype(np.float64)
    floats *= 2.0**-53
    return floats.reshape(len(keys), *shape)


def normal(seed: int, purpose: str, epoch: int, keys: Keys, shape: tuple[int, ...] = ()) -> Floats:
    """Standard normal numbers `(n, *shape)`, by Box and Muller's transform of `draw`; at most 8.6 in size."""
    count = math.prod(shape)
    half = (count + 1) // 2
    pairs = draw(seed, purpose, epoch, keys, (half, 2))
    radius = np.sqrt(-2.0 * np.log1p(-pairs[..., 0]))
    angle = (2.0 * np.pi) * pairs[..., 1]
    both = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
    return both.reshape(len(keys), 2 * half)[:, :count].reshape(len(keys), *shape)


def order(seed: int, purpose: str, epoch: int, keys: Keys) -> npt.NDArray[np.int64]:
    """A permutation `(n,)` of 0 … n-1: positions by their random number, ties by key, then by position.

    Which example follows which does not depend on the order in which they are given.
    """
    return np.lexsort((keys, _bits(seed, purpose, epoch, keys, 1)[:, 0])).astype(np.int64, copy=False)


def mixed(bits: Keys) -> Keys:
    """Each of `bits` `(n,)` well mixed (SplitMix64's finalizer), as a new array: sums and products become keys."""
    return _mix(bits.copy())


def unit(seed: int, purpose: str, text: str) -> float:
    """One uniform number in [0, 1) for a text: what a split decides a group by."""
    return float(draw(seed, purpose, 0, keys([text]))[0])


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()


def _bits(seed: int, purpose: str, epoch: int, keys: Keys, count: int) -> Keys:
    """Random bits `(n, count)`: a finalizer over a hashed row (the example) and a hashed column (the counter)."""
    rows = _mix(keys ^ np.uint64(number(seed, purpose, epoch)))
    columns = _mix(np.arange(1, count + 1, dtype=np.uint64) * _GOLDEN)
    return _mix(rows[:, None] ^ columns[None, :])


def _mix(bits: Keys) -> Keys:
    """SplitMix64's finalizer, in place."""
    bits ^= bits >> np.uint64(30)
    bits *= _FIRST
    bits ^= bits >> np.uint64(27)
    bits *= _SECOND
    bits ^= bits >> np.uint64(31)
    return bits
