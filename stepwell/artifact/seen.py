"""What a network was trained on: a 64-bit key of the content of each example, so that it is known again in new data.

The keys of the training and the validation part travel in the artifact, sorted, 8 bytes an example: 80 kB for ten
thousand, 8 MB for a million. They tell nobody what the examples hold; of a million keys a stranger's example has one
by chance with a probability of 5e-14.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell.schema import Array

FILE = "seen.bin"
_KEY = np.dtype("<u8")


def encoded(digests: Sequence[str | None]) -> bytes:
    """The keys of these contents (`Inspection.digests`), each once; an unknown content (None) has none."""
    return np.unique(_keys([one for one in digests if one is not None])).tobytes()


def among(content: bytes, digests: Sequence[str | None]) -> Array:
    """Which of these contents are among the `encoded` ones, `(n,)` bool; an unknown one (None) is not."""
    known = np.array([one is not None for one in digests], dtype=bool)
    keys = _keys([one or "0" for one in digests])
    found: Array = known & np.isin(keys, np.frombuffer(content, dtype=_KEY))
    return found


def _keys(digests: Sequence[str]) -> Array:
    return np.array([int(one[:16], 16) for one in digests], dtype=_KEY)
