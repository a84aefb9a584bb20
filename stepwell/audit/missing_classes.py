"""Classes that a part lacks: what train never shows cannot be learnt, what test never asks is not judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stepwell.inspection import Inspection
from stepwell.schema import PARTS, Finding


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 3 where valid or test holds a class that train lacks, 2 where a part lacks a class that train has."""
    known = inspection.parts(parts)
    if not inspection.labels or "train" not in known:
        return []
    counts: dict[str, Counter[object]] = {part: Counter() for part in PARTS}
    for i, (part, label) in enumerate(zip(known, inspection.labels, strict=True)):
        if part and label is not None and i not in inspection.errors:
            counts[part][label] += 1
    classes = sorted({label for count in counts.values() for label in count}, key=str)
    found = []
    strange = [label for label in classes if not counts["train"][label]]
    if strange:
        found.append(_untrained(strange, counts, inspection, known))
    for part in PARTS[1:]:
        lacking = [label for label in classes if counts["train"][label] and not counts[part][label]]
        if lacking and counts[part]:
            found.append(_unjudged(part, lacking, len(classes), counts))
    return found


def _untrained(
    strange: Sequence[object], counts: dict[str, Counter[object]], inspection: Inspection, known: Sequence[str]
) -> Finding:
    evidence = {str(label): {part: counts[part][label] for part in PARTS} for label in strange[:20]}
    total = sum(counts[part][label] for part in PARTS[1:] for label in strange)
    shown = [i for i, label in enumerate(inspection.labels) if label in set(strange) and known[i]]
    return Finding(
        name="untrained_classes",
        severity=3,
        message=f"{_named(strange)} in valid or test but not in train ({total:,} examples).",
        why="A class without a training example cannot be learnt: every one of these answers will be wrong.",
        remedy="add training examples of these classes, take the classes out, or mend their names",
        where={"part": "train"},
        evidence={"classes": len(strange), "examples": total, "counts": evidence},
        examples=inspection.names(shown),
        refuted_by="an example in train with one of these labels",
    )


def _unjudged(part: str, lacking: Sequence[object], classes: int, counts: dict[str, Counter[object]]) -> Finding:
    return Finding(
        name="missing_classes",
        severity=2,
        message=f"{_named(lacking)} in train but not in {part} ({len(lacking):,} of {classes:,} classes).",
        why="Nothing is known of how well these classes are told apart: a model that never answers them loses "
        f"nothing on {part}.",
        remedy=f"add examples of them to {part}; a split made here puts every class with three examples or more "
        "into all parts",
        where={"part": part},
        evidence={"classes": len(lacking), "in_train": {str(label): counts["train"][label] for label in lacking[:20]}},
        refuted_by=f"an example in {part} with one of these labels",
    )


def _named(labels: Sequence[object]) -> str:
    shown = ", ".join(repr(str(label)) for label in labels[:3])
    more = f" and {len(labels) - 3:,} more" if len(labels) > 3 else ""
    return f"{'The class' if len(labels) == 1 else 'The classes'} {shown}{more} {'is' if len(labels) == 1 else 'are'}"
