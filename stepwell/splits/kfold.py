"""One of k folds is the test part, the others are trained on: every example is tested exactly once over all folds."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from stepwell.errors import DataError
from stepwell.schema import Examples, Part
from stepwell.splits import NEAR, Assignment, Keys, Near, Share, given_parts
from stepwell.splits import _times as times
from stepwell.splits._dealing import deal, strata


@dataclass(frozen=True)
class Options:
    """How many folds, which one is tested, and how the others are divided."""

    k: Annotated[int, msgspec.Meta(ge=2, description="How many folds.")] = 5
    fold: Annotated[int, msgspec.Meta(ge=0, description="Which fold is the test part: 0 to k - 1.")] = 0
    valid: Annotated[
        Share, msgspec.Meta(description="Share of the examples of the other folds by which weights are chosen.")
    ] = 0.1
    by: Annotated[
        Literal["chance", "time"],
        msgspec.Meta(description="chance: within each class; time: a fold is tested by what came before it."),
    ] = "chance"
    gap: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            description="By time: how long before a border examples are left out (seconds for dates).",
        ),
    ] = 0.0
    keys: Keys = ()
    near: Near = NEAR

    def __post_init__(self) -> None:
        """ValueError where there is no such fold."""
        if self.fold >= self.k:
            raise ValueError(f"fold is {self.fold}, but of {self.k} folds the last is {self.k - 1}")


def assign(options: Options, examples: Examples, groups: Sequence[str], seed: int) -> Assignment:
    """Put fold `options.fold` into test, and divide the others into train and valid; groups whole.

    The folds are the same whichever of them is tested and however large `valid` is. By chance, they are
    stratified by the fact `label` where it names classes; a class of one group is always trained on and never
    tested, for otherwise it would be tested unlearnt. By time (see `splits.chronological`), the examples are cut
    into k + 1 stretches; fold i is stretch i + 1, the latest `valid` of what comes before it chooses weights, and
    what comes after it is in no part. What is given as `test` is in no part either, so that folds never touch it;
    what is given as train or valid is folded. Raises `DataError` where there are fewer groups, or moments, than folds.
    """
    given = given_parts(examples)
    used = [i for i, part in enumerate(given) if part != "test"]
    own = [groups[i] for i in used]
    chosen: Sequence[Part | str]
    if options.by == "time":
        chosen, why = _by_time(options, examples, used, own)
    else:
        labels = strata([examples.facts["label"][i] for i in used] if "label" in examples.facts else [])
        chosen, why = _by_chance(options, own, labels, seed, examples.source)
    parts: list[Part | str] = [""] * len(examples)
    reasons = ["left out: given as test, which folds do not touch"] * len(examples)
    for i, part, reason in zip(used, chosen, why, strict=True):
        parts[i], reasons[i] = part, reason
    return Assignment(tuple(parts), tuple(reasons))


def moves(options: Options) -> bool:
    """Folds by time follow time; those by chance stay."""
    return options.by == "time"


def _by_chance(
    options: Options, groups: Sequence[str], labels: Sequence[Hashable], seed: int, source: str
) -> tuple[list[Part], list[str]]:
    """Part and reason of every example, `groups` and `labels` (or none) being one each."""
    alone = _only_of_a_class(groups, labels)
    folded = [i for i, group in enumerate(groups) if group not in alone]
    _check_count(options, len({groups[i] for i in folded}), "groups of examples that belong together", source)
    shares = dict.fromkeys(range(options.k), 1 / options.k)
    folds = deal([groups[i] for i in folded], [labels[i] for i in folded] if labels else [], shares, seed)
    reason = "by chance" if not labels else "by chance within its class"
    parts: list[Part] = ["test"] * len(groups)
    reasons = [f"{reason}: fold {options.fold}"] * len(groups)
    tested = {i for i, fold in zip(folded, folds, strict=True) if fold == options.fold}
    rest = [i for i in range(len(groups)) if i not in tested]
    inner: dict[Part, float] = {"train": 1 - options.valid, "valid": options.valid}
    dealt = deal(
        [groups[i] for i in rest],
        [labels[i] for i in rest] if labels else [],
        inner,
        seed,
        learns="train",
        purpose=f"valid of fold {options.fold}",
    )
    for i, part in zip(rest, dealt, strict=True):
        parts[i] = part
        reasons[i] = reason if groups[i] not in alone else "never tested: no other group holds its class"
    return parts, reasons


def _only_of_a_class(groups: Sequence[str], labels: Sequence[Hashable]) -> set[str]:
    """The groups that hold all there is of some class."""
    holders: dict[Hashable, set[str]] = {}
    for group, label in zip(groups, labels or ("",) * len(groups), strict=True):
        holders.setdefault(label, set()).add(group)
    return {group for held in holders.values() if len(held) == 1 for group in held} if labels else set()


def _by_time(
    options: Options, examples: Examples, used: Sequence[int], groups: Sequence[str]
) -> tuple[list[Part | str], list[str]]:
    """Part and reason of every example at `used`."""
    moments = times.read(examples, used)
    ordered = sorted(moments.begin)
    _check_count(options, len(set(ordered)) - 1, "moments after the first", examples.source)
    count = len(ordered)
    start, end = ((options.fold + step) * count // (options.k + 1) for step in (1, 2))
    borders = [ordered[max(1, round(start * (1 - options.valid)))], ordered[start]]
    windows = times.windows(("train", "valid", "test"), borders, options.gap, moments)
    if options.fold < options.k - 1:
        windows = times.ending(windows, ordered[end], moments)
    placed = times.place(groups, moments, windows)
    return [part for part, _ in placed], [reason for _, reason in placed]


def _check_count(options: Options, count: int, what: str, source: str) -> None:
    if count < options.k:
        raise DataError(
            f"{options.k:,} folds need {options.k:,} {what}, and there are {count:,}.",
            where=source,
            do=f"choose at most {count:,} folds" if count > 1 else "add examples, or split otherwise",
        )
