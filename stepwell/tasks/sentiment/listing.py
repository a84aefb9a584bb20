"""Texts and their labels as examples: what has no label is passed over and said, what is no class is refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from stepwell.errors import DataError
from stepwell.schema import Examples, Finding, Part
from stepwell.tasks.sentiment import profile
from stepwell.tasks.sentiment.raw import Texts
from stepwell.transforms import class_index

MOST = 1000
"""Classes, at most; and half as many as texts."""

LAYOUT = """give a text and a label each, for instance in a table
    text,label
    "It broke on the second day.",negative
    "Works as it should.",positive"""


@dataclass(frozen=True)
class Found:
    """What a reader found, one entry a text: names, labels (None: not known), parts, groups, other facts."""

    get: Callable[[int], str]
    names: Sequence[str]
    labels: Sequence[str | None]
    parts: Sequence[Part | None] = ()
    groups: Sequence[str | None] = ()
    facts: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    settled: Mapping[str, tuple[Any, str]] = field(default_factory=dict)


def examples(found: Found, source: str, reader: str) -> Examples:
    """Labeled examples; units are groups where they are known, else the texts themselves.

    `DataError` where there are not two classes, or so many that a label is no class.
    """
    kept = [i for i, label in enumerate(found.labels) if label is not None]
    labels = [label for label in found.labels if label is not None]
    _refuse(labels, source)
    class_index.classes_of(labels)
    names = [found.names[i] for i in kept]
    facts: dict[str, tuple[Any, ...]] = {"label": tuple(labels)}
    for name, values in (("part", found.parts), ("group", found.groups), *found.facts.items()):
        if any(value is not None for value in values):
            facts[name] = tuple(values[i] for i in kept)
    units = tuple(group or name for group, name in zip(facts.get("group", (None,) * len(names)), names, strict=True))
    listed = Examples(
        ids=tuple(names),
        units=units,
        facts=facts,
        fetch=Texts(lambda i: found.get(kept[i]), names, labels),
        source=source,
        reader=reader,
        findings=(*found.findings, *_unlabeled(found)),
        settled=found.settled,
    )
    return replace(listed, findings=(*listed.findings, *profile.findings(listed)))


def unique(names: Sequence[str]) -> list[str]:
    """The names, each once: of one that comes again the second says so."""
    seen: Counter[str] = Counter()
    found = []
    for name in names:
        seen[name] += 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found


def _refuse(labels: Sequence[str], source: str) -> None:
    counts = Counter(labels)
    if len(counts) < 2:
        what = f"All {len(labels):,} texts have the label {labels[0]!r}" if labels else "No text has a label"
        raise DataError(f"{what}; a classifier needs two classes at least.", where=source, do=LAYOUT)
    if len(counts) > MOST or (len(counts) > 20 and 2 * len(counts) > len(labels)):
        shown = ", ".join(repr(one[:40]) for one in list(counts)[:3])
        raise DataError(
            f"The labels are {len(counts):,} different ones of {len(labels):,} texts, for instance {shown}: these are "
            "no classes.",
            where=source,
            do="name the column of the labels with --reader.label; of ratings, say where they are cut with "
            "--reader.negative_below and --reader.positive_above",
        )


def _unlabeled(found: Found) -> list[Finding]:
    names = [name for name, label in zip(found.names, found.labels, strict=True) if label is None]
    if not names:
        return []
    return [
        Finding(
            name="texts_without_label",
            severity=1,
            message=f"{len(names):,} texts have no label and were passed over ({names[0]} first).",
            why="What is passed over is neither learned from nor tested on.",
            remedy="fill the labels in; to have the texts answered, give them to predict",
            evidence={"texts": len(names)},
            examples=tuple(names[:5]),
            refuted_by="their having labels that were not seen",
        )
    ]
