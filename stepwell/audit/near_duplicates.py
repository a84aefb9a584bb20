"""Examples that are nearly the same: a picture saved anew, a text with another ending; worst, in two parts."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell import likeness
from stepwell.inspection import Inspection
from stepwell.schema import PARTS, Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2 where they lie in two given parts, else 1; before the split alone. Exact copies have a check."""
    looks = inspection.looks
    if parts is not None or not any("likeness" in look for look in looks.values()):
        return []
    hashes = [looks[i].get("likeness") if i in looks else None for i in range(len(inspection.examples))]
    alike = [one for one in likeness.sets(hashes).sets if len({inspection.digests[i] for i in one}) > 1]
    if not alike:
        return []
    known = inspection.parts(None)
    across = [one for one in alike if len({known[i] for i in one} - {""}) > 1]
    found = [_across(inspection, across, known)] if across else []
    within = [one for one in alike if one not in across]
    return [*found, _within(inspection, within)] if within else found


def _within(inspection: Inspection, alike: Sequence[Sequence[int]]) -> Finding:
    return Finding(
        name="near_duplicates",
        severity=1,
        message=f"{sum(map(len, alike)):,} examples are nearly the same as another, in {len(alike):,} sets"
        f"{inspection.scope}.",
        why="What is nearly a copy is nearly known: it counts several times in what is learnt, and on the other side "
        "of a split it would be answered from memory. A split made here keeps such sets in one part.",
        remedy="look at the sets and keep one example of each; frames of one clip are better named as a group",
        evidence=_evidence(inspection, alike),
        examples=inspection.names(alike[0]),
        refuted_by="the examples named here being different things",
    )


def _across(inspection: Inspection, alike: Sequence[Sequence[int]], known: Sequence[str]) -> Finding:
    counts = {
        part: sum(
            known[i] == part for one in alike for i in one if any(known[j] in PARTS[: PARTS.index(part)] for j in one)
        )
        for part in PARTS[1:]
    }
    said = " and ".join(
        f"{count:,} of {known.count(part):,} {part} examples" for part, count in counts.items() if count
    )
    return Finding(
        name="near_duplicates_across_parts",
        severity=2,
        message=f"{said} are nearly the same as one in an earlier part{inspection.scope}.",
        why="What was nearly seen in training is nearly answered from memory, so that the score on it says little "
        "about new examples.",
        remedy="remove them from valid and test, or leave out the given parts, so that a split keeps them together",
        where={"part": " and ".join(part for part, count in counts.items() if count)},
        evidence={**_evidence(inspection, alike), **{f"in_{part}": count for part, count in counts.items()}},
        examples=inspection.names(alike[0]),
        refuted_by="the score without these examples being as high as with them",
    )


def _evidence(inspection: Inspection, alike: Sequence[Sequence[int]]) -> dict[str, object]:
    return {
        "sets": len(alike),
        "largest_set": max(map(len, alike)),
        "shown": [list(inspection.names(one, 4)) for one in alike[:10]],
    }
