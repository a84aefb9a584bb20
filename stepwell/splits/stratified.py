"""Random parts of the wanted shares, groups whole, every class in every part in equal measure.

Chance is a hash of the group's name and the seed: the order of a listing decides nothing, and where data
are added only groups whose hash lies near a border change their part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from stepwell import randomness
from stepwell.schema import PARTS, Examples, Part
from stepwell.splits import Assignment, Share, honor


@dataclass(frozen=True)
class Options:
    """Shares of the three parts; together they are 1."""

    train: Annotated[Share, msgspec.Meta(description="Share of the examples to train on.")] = 0.7
    valid: Annotated[Share, msgspec.Meta(description="Share of the examples by which weights are chosen.")] = 0.1
    test: Annotated[Share, msgspec.Meta(description="Share of the examples that only the final scores see.")] = 0.2


def assign(options: Options, examples: Examples, groups: Sequence[str], seed: int) -> Assignment:
    """Put every group into a part; stratified by the fact `label` where it names classes.

    Given parts are kept (see `splits.honor`). A class with three groups or more is in all three
    parts, however few they are; one with fewer is in train first. Raises `RecipeError` where the
    shares do not add up to 1, `DataError` where a given part is unknown.
    """
    pool = honor(examples, groups, {"train": options.train, "valid": options.valid, "test": options.test})
    labels = _strata([examples.facts["label"][i] for i in pool.open] if "label" in examples.facts else [])
    members = [groups[i] for i in pool.open]
    content: dict[str, Counter[Hashable]] = {}
    for position, group in enumerate(members):
        content.setdefault(group, Counter())[labels[position] if labels else None] += 1
    dealt = _deal(content, pool.shares, seed, stratified=bool(labels))
    reason = "by chance" if not labels else "by chance within its class"
    return pool.fill([dealt[group] for group in members], [reason] * len(members))


def _strata(labels: Sequence[Any]) -> Sequence[Hashable]:
    """The labels if they are classes; nothing where they are measured numbers, missing, or mostly unlike each other."""
    if any(label is None or not isinstance(label, (str, int)) for label in labels):
        return ()
    return labels if 2 * len(set(labels)) <= len(labels) else ()


def _deal(
    content: Mapping[str, Counter[Hashable]], shares: Mapping[Part, float], seed: int, *, stratified: bool
) -> dict[str, Part]:
    """Give each group to the part that has least of its classes, relative to the part's share.

    For groups of one this is Adams's apportionment within each class: every part gets one before any
    gets its second. Large groups are dealt first, so that small ones can level them out.
    """
    totals: Counter[Hashable] = Counter()
    for labels in content.values():
        totals.update(labels)
    names = sorted(content)
    chance = randomness.draw(seed, "split", 0, randomness.keys(names)).tolist()
    ordered = [name for _, _, name in sorted(zip([-content[one].total() for one in names], chance, names, strict=True))]
    # Where all else is equal: train, then the larger share.
    choice: list[Part] = sorted(shares, key=lambda part: (part != "train", -shares[part], PARTS.index(part)))
    have: dict[Part, Counter[Hashable]] = {part: Counter() for part in choice}
    size = dict.fromkeys(choice, 0)
    dealt: list[Part] = []
    for name in ordered:
        labels = content[name]
        if stratified and any(not have["train"][label] for label in labels):
            part: Part = "train"
        else:
            fill = {
                one: sum(count * have[one][label] / totals[label] for label, count in labels.items()) / shares[one]
                for one in choice
            }
            part = min(choice, key=lambda one: (fill[one], size[one] / shares[one]))
        have[part].update(labels)
        size[part] += labels.total()
        dealt.append(part)
    return _settle(ordered, dealt, content)


def _settle(ordered: Sequence[str], dealt: Sequence[Part], content: Mapping[str, Counter[Hashable]]) -> dict[str, Part]:
    """Among groups of the same content give the first by chance to test, the next to valid, the rest to train.

    How many go where stays as it was dealt; which ones no longer hangs on how many there are before them.
    """
    alike: dict[Hashable, list[tuple[str, Part]]] = {}
    for name, part in zip(ordered, dealt, strict=True):
        alike.setdefault(frozenset(content[name].items()), []).append((name, part))
    settled: dict[str, Part] = {}
    for pairs in alike.values():
        parts = sorted((part for _, part in pairs), key=PARTS.index, reverse=True)
        settled.update(zip((name for name, _ in pairs), parts, strict=True))
    return settled
