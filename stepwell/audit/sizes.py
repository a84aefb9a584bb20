"""Pictures of other sizes than most, and sizes that tell the class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from stepwell import columns
from stepwell.columns import Answer
from stepwell.inspection import Inspection
from stepwell.schema import Finding

TELLS = 0.5
"""Share of the error that the size alone must take away to be said to tell the class."""

SAME = 0.95
"""From this share of pictures of one size on, the others are odd."""

SMALL, LONG = 4.0, 3.0
"""A picture is odd whose shorter side is so many times below the usual one, or whose sides are that much less alike."""


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2 where the size tells the class, 1 where a few have an odd size; before the split alone."""
    looks = {i: look for i, look in sorted(inspection.looks.items()) if "height" in look and "width" in look}
    if parts is not None or len(looks) < 2:
        return []
    sizes = {i: (int(look["height"]), int(look["width"])) for i, look in looks.items()}
    if len(set(sizes.values())) == 1:
        return []
    odd = _odd(sizes)
    return [*_telling(inspection, sizes), *([_finding(inspection, sizes, odd)] if odd else [])]


def _odd(sizes: dict[int, tuple[int, int]]) -> list[int]:
    """The pictures of an odd size: others than nearly all, or much smaller or longer than usual."""
    usual, often = Counter(sizes.values()).most_common(1)[0]
    if often >= SAME * len(sizes):
        return [i for i, size in sizes.items() if size != usual]
    shorter = float(np.median([min(size) for size in sizes.values()]))
    shape = float(np.median([max(size) / min(size) for size in sizes.values()]))
    return [i for i, size in sizes.items() if min(size) * SMALL < shorter or max(size) > LONG * shape * min(size)]


def _finding(inspection: Inspection, sizes: dict[int, tuple[int, int]], odd: Sequence[int]) -> Finding:
    usual, often = Counter(sizes.values()).most_common(1)[0]
    first = sizes[odd[0]]
    return Finding(
        name="sizes",
        severity=1,
        message=f"{len(odd):,} of {len(sizes):,} pictures have an odd size, for instance {first[1]} × {first[0]} "
        f"pixels; the commonest is {usual[1]} × {usual[0]} ({often:,}).",
        why="All are brought to one size: what is much smaller gets blurred, what is much longer gets stretched or "
        "cut, and thumbnails or banners are often no pictures of the thing.",
        remedy="look at these pictures; remove what does not belong, or choose --prepare.fit crop or letterbox",
        evidence={
            "count": len(odd),
            "sizes": {
                f"{width} x {height}": count for (height, width), count in Counter(sizes.values()).most_common(10)
            },
        },
        examples=inspection.names(odd),
        refuted_by="these pictures looking like the others once prepared",
    )


def _telling(inspection: Inspection, sizes: dict[int, tuple[int, int]]) -> list[Finding]:
    labeled = [i for i in sizes if inspection.labels and inspection.labels[i] is not None]
    known = {label: code for code, label in enumerate(dict.fromkeys(inspection.labels[i] for i in labeled))}
    if len(labeled) < columns.ENOUGH or len(known) < 2:
        return []
    codes, levels = columns.coded([f"{sizes[i]}" for i in labeled])
    answer = Answer(np.array([known[inspection.labels[i]] for i in labeled]), tuple(map(str, known)))
    share = columns.strength(codes, levels, answer)
    if share < TELLS:
        return []
    common = {
        str(label): list(Counter(sizes[i] for i in labeled if inspection.labels[i] == label).most_common(1)[0][0])
        for label in list(known)[:10]
    }
    return [
        Finding(
            name="size_reveals",
            severity=2,
            message=f"The size of a picture tells its class: knowing it takes away {100 * share:.0f} % of the error.",
            why="The classes come from different sources. Whatever else differs between these (sharpness, border, "
            "compression) will be learnt instead of what is shown.",
            remedy="bring all pictures to one size by the same steps before they are stored, or take every class from "
            "every source",
            evidence={"error_taken_away": round(share, 4), "commonest_height_and_width": common},
            examples=inspection.names(labeled),
            refuted_by="a score as high on pictures of one size alone",
        )
    ]
