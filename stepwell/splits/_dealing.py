"""Dealing groups to parts by chance, each class in equal measure: what stratified, grouped and k-fold splits share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from stepwell import randomness

Name = TypeVar("Name", bound=Hashable)
Content = tuple[tuple[int, int], ...]
"""What a group holds: the number of each class and how many examples are of it, by class."""


def strata(labels: Sequence[Any]) -> Sequence[Hashable]:
    """The labels if they are classes; nothing where they are measured numbers, missing, or mostly unlike each other."""
    if any(label is None or not isinstance(label, (str, int)) for label in labels):
        return ()
    return labels if 2 * len(set(labels)) <= len(labels) else ()


def deal(
    groups: Sequence[str],
    labels: Sequence[Hashable],
    shares: Mapping[Name, float],
    seed: int,
    *,
    learns: Name | None = None,
    purpose: str = "split",
) -> list[Name]:
    """The part of every example, one of the names of `shares`, so that no group is cut.

    Each group goes to the part that has least of its classes, relative to the part's share. For groups of
    one this is Adams's apportionment within each class: every part gets one before any gets its second.
    Large groups are dealt first, so that small ones can level them out. The part `learns` gets the first of
    every class, and what is equally fitting for several; else the larger share, then the first of them has it.
    `labels` is one class an example, or empty. Chance is a hash of the group's name, `seed` and `purpose`.
    """
    names = sorted(set(groups))
    place = {name: at for at, name in enumerate(names)}
    owner = np.fromiter((place[group] for group in groups), dtype=np.int64, count=len(groups))
    contents, totals = _contents(owner, labels, len(names))
    chance = randomness.draw(seed, purpose, 0, randomness.keys(names))
    sizes = np.bincount(owner, minlength=len(names))
    ordered = np.lexsort((np.arange(len(names)), chance, -sizes)).tolist()
    dealt = _in_turn([contents[at] for at in ordered], totals, shares, learns if labels else None, learns)
    settled = _settled([contents[at] for at in ordered], dealt, list(shares))
    found: list[Any] = [None] * len(names)
    for at, name in zip(ordered, settled, strict=True):
        found[at] = name
    return [found[at] for at in owner.tolist()]


def _contents(owner: np.ndarray[Any, Any], labels: Sequence[Hashable], count: int) -> tuple[list[Content], list[int]]:
    """What each of `count` groups holds, and how many examples there are of each class."""
    classes = sorted(set(labels), key=repr) or [None]
    code = {label: at for at, label in enumerate(classes)}
    own = np.fromiter((code[label] for label in labels), dtype=np.int64, count=len(labels)) if labels else owner * 0
    pairs, counts = np.unique(owner * len(classes) + own, return_counts=True)
    held: list[Content] = [()] * count
    known: dict[tuple[int, int], Content] = {}
    at_class = zip((pairs % len(classes)).tolist(), counts.tolist(), strict=True)
    for at, pair in zip((pairs // len(classes)).tolist(), at_class, strict=True):
        held[at] += known.setdefault(pair, (pair,))
    return held, np.bincount(own, minlength=len(classes)).tolist()


def _in_turn(
    contents: Iterable[Content],
    totals: Sequence[int],
    shares: Mapping[Name, float],
    needs_all: Name | None,
    preferred: Name | None,
) -> list[Name]:
    """The part of each group, one after the other."""
    names = list(shares)
    choice = sorted(names, key=lambda one: (one != preferred, -shares[one], names.index(one)))
    parts = [([0] * len(totals), shares[name]) for name in choice]
    size = [0] * len(choice)
    first = choice.index(needs_all) if needs_all is not None else None
    unlearnt = set(range(len(totals))) if first is not None else set()
    dealt: list[Name] = []
    for content in contents:
        if first is not None and unlearnt and any(label in unlearnt for label, _ in content):
            best = first
        else:
            fill = _fill(content, parts, totals)
            least = min(fill)
            best = fill.index(least)
            if fill.count(least) > 1:
                ties = [at for at, one in enumerate(fill) if one == least]
                best = min(ties, key=lambda at: size[at] / parts[at][1])
        for label, n in content:
            parts[best][0][label] += n
            size[best] += n
            if best == first:
                unlearnt.discard(label)
        dealt.append(choice[best])
    return dealt


def _fill(content: Content, parts: Sequence[tuple[list[int], float]], totals: Sequence[int]) -> list[float]:
    """How much each part holds of the classes of a group, relative to its share."""
    if len(content) == 1:  # nearly always, and three times as fast
        ((label, n),) = content
        total = totals[label]
        return [n * have[label] / total / share for have, share in parts]
    return [sum([n * have[label] / totals[label] for label, n in content]) / share for have, share in parts]


def _settled(contents: Sequence[Content], dealt: Sequence[Name], names: Sequence[Name]) -> list[Name]:
    """Among groups of the same content, give the first by chance to the last of `names`, and so on to the first.

    How many go where stays as it was dealt; which ones no longer hangs on how many there are before them.
    """
    alike: dict[Content, list[int]] = {}
    for at, content in enumerate(contents):
        alike.setdefault(content, []).append(at)
    settled = list(dealt)
    for places in alike.values():
        counts = Counter(dealt[at] for at in places)
        wanted = [name for name in reversed(names) for _ in range(counts[name])]
        for at, name in zip(places, wanted, strict=True):
            settled[at] = name
    return settled
