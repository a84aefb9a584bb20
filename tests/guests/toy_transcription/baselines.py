"""The simple rival: the same word for everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stepwell.preparation import Prepared
from stepwell.schema import Columns, Schema, Trace
from stepwell.task import Rival


def rivals(train: Prepared, schema: Schema, seed: int, seconds: float) -> dict[str, Rival]:
    """`constant`: the commonest word of the training part, of equals the first in the alphabet."""
    counts = Counter(train.truth["text"])
    word = min(counts, key=lambda text: (-counts[text], text))

    def answer(columns: Columns, traces: Sequence[Trace]) -> Columns:
        return {"text": [word] * len(columns["signal"])}

    return {"constant": Rival(answer, len(train), f"always {word!r}, the commonest of {len(train):,} training words")}
