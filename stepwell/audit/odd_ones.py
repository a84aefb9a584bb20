"""Pictures unlike all others: empty ones, and those that lie far from every other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell.errors import counted
from stepwell.inspection import Inspection
from stepwell.schema import Array, Finding

MOST = 20_000
"""The most pictures looked at, and `AMONG` of them are those that each is compared with."""

AMONG = 2_000
FEWEST = 100
FAR = 7.0
"""How many robust deviations further from its nearest than usual, on a log scale, an odd one lies."""

RARE = 0.01
"""What happens to more than this share of the pictures is not odd."""

FLAT = 1.0
"""Standard deviation of the 8 x 8 thumbnail, of 255, below which a picture is empty."""


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 1; on thumbnails, of a sample where there are many, before the split alone."""
    having = [i for i, look in sorted(inspection.looks.items()) if "thumbnail" in look]
    if parts is not None or len(having) < FEWEST:
        return []
    chosen = having[:: -(-len(having) // MOST)]
    small = np.array([np.frombuffer(inspection.looks[i]["thumbnail"], np.uint8) for i in chosen], dtype=np.float32)
    scope = f" (of {len(chosen):,} looked at, of {len(having):,})" if len(chosen) < len(having) else ""
    empty = np.flatnonzero(small.std(axis=1) < FLAT)
    found = []
    if 0 < len(empty) <= RARE * len(chosen):
        found.append(
            Finding(
                name="empty_pictures",
                severity=1,
                message=f"{counted(len(empty), 'picture is', 'pictures are')} of one color throughout{scope}.",
                why="Nothing is shown in them: their label can only be learnt by heart.",
                remedy="look at these pictures and remove them",
                evidence={"count": len(empty), "looked_at": len(chosen)},
                examples=inspection.names([chosen[at] for at in empty]),
                refuted_by="something to be seen in the pictures named here",
            )
        )
    far = [at for at in _far(small) if at not in set(empty.tolist())]
    if 0 < len(far) <= RARE * len(chosen):
        found.append(
            Finding(
                name="odd_ones",
                severity=1,
                message=f"{counted(len(far), 'picture is', 'pictures are')} unlike all others{scope}.",
                why="They are often screenshots, logos or pictures of something else, and what is learnt from them "
                "helps nowhere else.",
                remedy="look at these pictures; remove what does not belong, or collect more of the kind",
                evidence={"count": len(far), "looked_at": len(chosen), "compared_with": min(AMONG, len(chosen))},
                examples=inspection.names([chosen[at] for at in far]),
                refuted_by="pictures like these among the new ones",
            )
        )
    return found


def _far(small: Array) -> list[int]:
    """Which thumbnails `(n, d)` lie much further from the nearest other than usual, the furthest first."""
    step = -(-len(small) // AMONG)
    others = small[::step]
    squares = (others * others).sum(axis=1)
    nearest = np.empty(len(small))
    for start in range(0, len(small), AMONG):
        piece = small[start : start + AMONG]
        apart = (piece * piece).sum(axis=1)[:, None] + squares[None, :] - 2 * piece @ others.T
        own = np.arange(start, start + len(piece))
        itself = own[own % step == 0]
        apart[itself - start, itself // step] = np.inf
        nearest[start : start + len(piece)] = apart.min(axis=1)
    logs = 0.5 * np.log(np.maximum(nearest, 1.0))
    middle = float(np.median(logs))
    above = logs[logs > middle]
    # Half the distribution: copies, which lie at distance 0, say nothing of how far is far.
    deviation = max(float(np.median(above - middle)) / 0.6745, 0.05) if len(above) else 0.05
    ranked = np.argsort(-logs, kind="stable")
    return [int(at) for at in ranked if logs[at] > middle + FAR * deviation]
