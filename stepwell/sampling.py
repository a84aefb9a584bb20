"""Samples that keep the shares of their strata and do not depend on the order of a listing."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

from stepwell import randomness


def order(seed: int, purpose: str, ids: Sequence[str], strata: Sequence[Hashable]) -> npt.NDArray[np.int64]:
    """A permutation `(n,)` of 0 … n-1 of which every beginning is a stratified sample.

    Within a stratum chance decides by id. The k-th of a stratum of m stands at (k - ½) / m, except
    that every stratum's first comes before any second, so that small strata are never missed.
    """
    codes = {name: code for code, name in enumerate(dict.fromkeys(strata))}
    code = np.array([codes[name] for name in strata], dtype=np.int64)
    shuffled = randomness.order(seed, purpose, 0, randomness.keys(ids))
    by_stratum = shuffled[np.argsort(code[shuffled], kind="stable")]
    counts = np.bincount(code, minlength=len(codes))
    starts = np.cumsum(counts) - counts
    rank = np.arange(len(code)) - starts[code[by_stratum]]
    place = (rank + 0.5) / counts[code[by_stratum]]
    chance = np.empty(len(code), dtype=np.int64)
    chance[shuffled] = np.arange(len(code))
    return by_stratum[np.lexsort((chance[by_stratum], place, rank > 0))]


def first(seed: int, purpose: str, ids: Sequence[str], strata: Sequence[Hashable], count: int) -> npt.NDArray[np.int64]:
    """The indices, ascending, of a stratified sample of `count` (all where there are no more)."""
    if count >= len(ids):
        return np.arange(len(ids), dtype=np.int64)
    return np.sort(order(seed, purpose, ids, strata)[:count])
