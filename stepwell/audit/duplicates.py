"""Exact copies: the same decoded content more than once, within a part or, worse, in two parts."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.errors import counted
from stepwell.inspection import Inspection
from stepwell.schema import PARTS, Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2 where copies lie in two parts; 1 for all copies together, wherever they lie."""
    alike: dict[str, list[int]] = {}
    for i in inspection.looked:
        digest = inspection.digests[i]
        if digest is not None:
            alike.setdefault(digest, []).append(i)
    sets = [indices for indices in alike.values() if len(indices) > 1]
    known = inspection.parts(parts)
    across = [indices for indices in sets if len({known[i] for i in indices} - {""}) > 1]
    found = [_within(inspection, sets)] if sets else []
    if across:
        found.append(_across(inspection, across, known))
    return found


def _within(inspection: Inspection, sets: Sequence[Sequence[int]]) -> Finding:
    surplus = sum(len(indices) - 1 for indices in sets)
    return Finding(
        name="duplicates",
        severity=1,
        message=f"{counted(surplus, 'example is an exact copy of another', 'examples are exact copies of others')}, in "
        f"{counted(len(sets), 'set', 'sets')}{inspection.scope}.",
        why="Copies count several times in what is learnt and in what is scored; the intervals look narrower than "
        "they are. A split made here keeps copies in one part.",
        remedy="remove all but one of each set, unless the repetition is meant",
        evidence={"copies": surplus, "sets": len(sets), "largest_set": max(len(indices) for indices in sets)},
        examples=inspection.names(max(sets, key=len)),
        refuted_by="a difference between the decoded contents of the examples named here",
    )


def _across(inspection: Inspection, across: Sequence[Sequence[int]], known: Sequence[str]) -> Finding:
    totals = {part: known.count(part) for part in PARTS}
    leaked = {
        part: sum(
            known[i] == part
            for indices in across
            if any(known[j] in PARTS[: PARTS.index(part)] for j in indices)
            for i in indices
        )
        for part in PARTS[1:]
    }
    said = " and ".join(
        f"{count:,} of {totals[part]:,} {part} examples ({100 * count / totals[part]:.1f} %)"
        for part, count in leaked.items()
        if count
    )
    return Finding(
        name="duplicates_across_parts",
        severity=2,
        message=f"{said} are exact copies of examples in an earlier part{inspection.scope}.",
        why="What was seen in training is answered from memory, so that the score on it says nothing about new data.",
        remedy="remove the copies from valid and test, or leave out the given parts so that copies stay together",
        where={"part": " and ".join(part for part, count in leaked.items() if count)},
        evidence={"sets": len(across), **{f"in_{part}": count for part, count in leaked.items()}},
        examples=inspection.names([i for indices in across[:3] for i in indices[:2]], 6),
        refuted_by="the score without these examples being as high as with them",
    )
