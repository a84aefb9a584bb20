"""Too few examples to learn from or to judge by: one class, one example a class, a class of two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from stepwell.inspection import Inspection
from stepwell.schema import Finding

ENOUGH = 10
"""Examples of a class below which it is said: its test share is then two at most."""


def check(inspection: Inspection, parts: Sequence[str] | None) -> list[Finding]:
    """Severity 3 for one class or one example a class, 2 for classes of fewer than 3, 1 for fewer than 10."""
    readable = [label for i, label in enumerate(inspection.labels) if label is not None and i not in inspection.errors]
    counts = Counter(readable)
    if not counts:
        return []
    if len(counts) == 1:
        return [_one_class(str(readable[0]), len(readable), inspection)]
    if max(counts.values()) == 1:
        return [_one_each(len(counts), inspection)]
    least = min(counts.values())
    if least >= ENOUGH:
        return []
    few = {str(label): count for label, count in sorted(counts.items(), key=lambda one: one[1]) if count < ENOUGH}
    label = next(iter(few))
    return [
        Finding(
            name="too_few",
            severity=2 if least < 3 else 1,
            message=f"{len(few):,} of {len(counts):,} classes have fewer than {ENOUGH} examples, the smallest, "
            f"{label!r}, has {least:,}.",
            why="A class needs three examples to be in train, valid and test at all, and with one or two in test its "
            "score is a coin toss.",
            remedy="collect more examples of these classes, join classes that belong together, or take them out",
            evidence={"classes": len(few), "smallest": dict(list(few.items())[:20])},
            examples=inspection.names([i for i, one in enumerate(inspection.labels) if str(one) == label]),
            refuted_by="narrow intervals of the scores of these classes",
        )
    ]


def _one_class(label: str, count: int, inspection: Inspection) -> Finding:
    return Finding(
        name="one_class",
        severity=3,
        message=f"All {count:,} examples have the label {label!r}.",
        why="There is nothing to tell apart: every model is right by always giving the same answer.",
        remedy="add examples of another class, or check that the source is the folder above the class folders",
        evidence={"classes": 1, "examples": count},
        examples=inspection.names(range(len(inspection.labels))),
        refuted_by="an example with another label",
    )


def _one_each(classes: int, inspection: Inspection) -> Finding:
    return Finding(
        name="one_example_a_class",
        severity=3,
        message=f"Each of the {classes:,} classes has one example only.",
        why="An example that is learnt from cannot be judged by: no class would be in train and in test.",
        remedy="give every class at least 3 examples (one each for train, valid and test); 50 or more are better",
        evidence={"classes": classes, "examples": classes},
        examples=inspection.names(range(len(inspection.labels))),
        refuted_by="a second example of a class",
    )
