"""Gray pictures among colored ones, and color that tells the class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from stepwell import columns
from stepwell.columns import Answer
from stepwell.inspection import Inspection
from stepwell.schema import Finding

TELLS = 0.5
"""Share of the error that being gray or not must take away to be said to tell the class."""

MIXED = 0.01
"""From this share of the rarer kind on, gray and colored pictures are mixed."""


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2 where being gray tells the class, else 1; before the split alone."""
    gray = {i: bool(look["gray"]) for i, look in sorted(inspection.looks.items()) if "gray" in look}
    rarer = sum(gray.values()) * 2 <= len(gray)
    few = [i for i, one in gray.items() if one == rarer]
    if parts is not None or not few or len(few) < MIXED * len(gray):
        return []
    share = _told(inspection, gray)
    tells = share >= TELLS
    kind = "gray" if rarer else "colored"
    said = f", and that tells their class ({100 * share:.0f} % of the error taken away)" if tells else ""
    return [
        Finding(
            name="mode_reveals" if tells else "modes",
            severity=2 if tells else 1,
            message=f"{len(few):,} of {len(gray):,} pictures are {kind}, the others are not{said}.",
            why="The classes come from different cameras or scanners, and that will be learnt instead of what is shown."
            if tells
            else "Gray and colored pictures often come from different sources, and color that is there only sometimes "
            "is learnt as if it meant something.",
            remedy="make all pictures gray with --prepare.channels 1, or take every class from every source",
            evidence={"gray": sum(gray.values()), "of": len(gray), "error_taken_away": round(share, 4)},
            examples=inspection.names(few),
            refuted_by="a score as high with all pictures made gray",
        )
    ]


def _told(inspection: Inspection, gray: dict[int, bool]) -> float:
    """How much of the error of a guess goes away by knowing whether the picture is gray."""
    labeled = [i for i in gray if inspection.labels and inspection.labels[i] is not None]
    known = {label: code for code, label in enumerate(dict.fromkeys(inspection.labels[i] for i in labeled))}
    if len(labeled) < columns.ENOUGH or len(known) < 2:
        return 0.0
    answer = Answer(np.array([known[inspection.labels[i]] for i in labeled]), tuple(map(str, known)))
    return columns.strength(np.array([int(gray[i]) for i in labeled]), 2, answer)
