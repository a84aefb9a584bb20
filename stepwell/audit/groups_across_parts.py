"""Groups that given parts cut: rows of one person, patient or device in train and in test."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.inspection import Inspection
from stepwell.schema import PARTS, Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 2; where a fact `group` or a unit of several examples lies in two parts."""
    known = inspection.parts(parts)
    if not any(known):
        return []
    units = inspection.examples.units
    groups = inspection.examples.facts.get("group", (None,) * len(units))
    held: dict[tuple[str, str], set[str]] = {}
    for part, unit, group in zip(known, units, groups, strict=True):
        if part:
            held.setdefault(_name(unit, group), set()).add(part)
    cut = {name for name, own in held.items() if len(own) > 1}
    if not cut:
        return []
    within = [part if _name(unit, group) in cut else "" for part, unit, group in zip(known, units, groups, strict=True)]
    counts = {part: within.count(part) for part in PARTS[1:]}
    said = " and ".join(
        f"{count:,} of {known.count(part):,} {part} examples" for part, count in counts.items() if count
    )
    return [
        Finding(
            name="groups_across_parts",
            severity=2,
            message=f"{len(cut):,} of {len(held):,} groups lie in more than one part: {said} belong to them.",
            why="What is particular to a group (a person, a device, a place) is known from train; the score says how "
            "well known groups are answered, not new ones.",
            remedy="leave out the given parts, so that a split keeps groups whole, or move these groups into one part",
            where={"part": " and ".join(part for part, count in counts.items() if count)},
            evidence={"groups": len(cut), "of": len(held), **{f"in_{part}": count for part, count in counts.items()}},
            examples=inspection.names([i for i, part in enumerate(within) if part]),
            refuted_by="a score on groups that train does not hold as high as on those that it does",
        )
    ]


def _name(unit: str, group: object) -> tuple[str, str]:
    return ("unit", unit) if group is None else ("group", str(group))
