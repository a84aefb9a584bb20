"""Shelf of splits: rules by which every group of examples is put into train, valid or test, one a file.

A rule is a module with a frozen dataclass `Options` and
`assign(options, examples, groups, seed) -> Assignment`; `groups` names for every example what must
stay together. Parts that come with the data are kept by every rule: `honor` says what is left to divide.
The options `keys` and `near`, where a rule has them, say what else stays together (see `splitting.find_ties`).
`moves(options) -> bool`, where it is there and says so, tells that parts follow the data (their times, their given
parts) and do not stay with the units as data grow.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import numpy as np

from stepwell.errors import DataError, RecipeError, did_you_mean
from stepwell.likeness import NEAR
from stepwell.schema import PARTS, Columns, Examples, Part

Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
"""The share of one part; those of the three parts add up to 1."""

Keys = Annotated[
    tuple[str, ...],
    msgspec.Meta(description="Columns or facts; examples that agree in all of them stay in one part."),
]
"""Names of raw columns (of a table) or of facts; an example that lacks one of the values is tied to nothing by them."""

Near = Annotated[
    Annotated[int, msgspec.Meta(ge=0, le=10)] | None,
    msgspec.Meta(
        description="Pictures or texts that are alike, in all but so many of the 64 bits of a hash, stay in one part; "
        "none compares exact contents alone."
    ),
]
"""How near examples must be to count as copies (see `likeness.sets`); without effect where they have no hash."""

__all__ = ["NEAR", "Assignment", "Keys", "Near", "Pool", "Share", "given_parts", "honor", "key_values"]


@dataclass(frozen=True)
class Assignment:
    """For every example its part ("" = in none) and the reason, in a few words."""

    parts: tuple[Part | str, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Pool:
    """What is left to divide once given parts are kept.

    `shares` are those of the parts to be filled from the examples at the indices `open`, and add up
    to 1; `kept` is the assignment so far, in which the open ones count as train; `why` begins the
    reason of every example that is divided.
    """

    kept: Assignment
    open: tuple[int, ...]
    shares: Mapping[Part, float]
    why: str = ""

    def fill(self, parts: Sequence[Part | str], reasons: Sequence[str]) -> Assignment:
        """The whole assignment, from the parts and reasons chosen for the open examples."""
        all_parts, all_reasons = list(self.kept.parts), list(self.kept.reasons)
        for index, part, reason in zip(self.open, parts, reasons, strict=True):
            all_parts[index], all_reasons[index] = part, self.why + reason
        return Assignment(tuple(all_parts), tuple(all_reasons))


def honor(examples: Examples, groups: Sequence[str], shares: Mapping[Part, float]) -> Pool:
    """Keep the parts that come with the data (fact `part`), and say what is left to divide.

    Where none are given everything is open. Otherwise an example without a part joins its group's,
    or train; and a part that nobody was given is cut from those training groups that lie in no other
    part. `shares` are the wanted ones of all three parts. Raises `RecipeError` where they do not add
    up to 1, `DataError` where a given part is none of train, valid, test.
    """
    _check(shares)
    given = given_parts(examples)
    if not any(given):
        nothing = ("",) * len(examples)
        return Pool(Assignment(nothing, nothing), tuple(range(len(examples))), dict(shares))
    spans: dict[str, set[Part]] = {}
    for part, group in zip(given, groups, strict=True):
        spans.setdefault(group, set()).update((part,) if part else ())
    parts: list[Part] = []
    reasons: list[str] = []
    for part, group in zip(given, groups, strict=True):
        mates = [one for one in PARTS if one in spans[group]]
        parts.append(part or (mates or ["train"])[0])
        reasons.append("given" if part else "joins its group" if mates else "no part given, so train")
    kept = Assignment(tuple(parts), tuple(reasons))
    missing = [part for part in PARTS if part != "train" and part not in given]
    if not missing:
        return Pool(kept, (), {"train": 1.0})
    total = shares["train"] + sum(shares[part] for part in missing)
    filled: dict[Part, float] = {part: shares[part] / total for part in PARTS if part == "train" or part in missing}
    alone = tuple(i for i, group in enumerate(groups) if spans[group] <= {"train"})
    return Pool(kept, alone, filled, f"no {' or '.join(missing)} part given, cut from train: ")


def given_parts(examples: Examples) -> list[Part | None]:
    """The part that comes with each example (fact `part`); `DataError` where one is none of train, valid, test."""
    given: list[Part | None] = []
    by_name = {str(part): part for part in PARTS}
    for name, part in zip(examples.ids, examples.facts.get("part", (None,) * len(examples)), strict=True):
        if part is not None and part not in by_name:
            raise DataError(
                f"The part {part!r} is none of train, valid, test.",
                where=f"{examples.source}, example {name!r}",
                do="name the part train, valid or test, or leave it empty",
            )
        given.append(None if part is None else by_name[part])
    return given


def key_values(examples: Examples, keys: Sequence[str]) -> list[tuple[Any, ...] | None]:
    """For every example its values of some facts or raw columns, None where it lacks one of them.

    `DataError` where there is no such fact or column.
    """
    raw: Columns = {}
    if any(name not in examples.facts for name in keys) and examples.columns:
        raw = examples.fetch(range(len(examples)), None)
    columns = []
    for name in keys:
        if name not in examples.facts and name not in raw:
            known = sorted({*examples.facts, *raw})
            raise DataError(
                f"There is no column {name!r} by which examples could stay together.",
                where=f"{examples.source}, --split.keys",
                do=did_you_mean(name, known) if known else "the reader of these data gives no columns to choose from",
            )
        values = examples.facts[name] if name in examples.facts else raw[name]
        plain = values.tolist() if isinstance(values, np.ndarray) else values
        # A number that is missing is not equal to itself.
        columns.append([None if value is None or value != value else value for value in plain])
    return [None if None in row else row for row in zip(*columns, strict=True)]


def _check(shares: Mapping[Part, float]) -> None:
    total = math.fsum(shares.values())
    if abs(total - 1) <= 1e-6:
        return
    others = total - shares["train"]
    do = f"set split.train to {1 - others:.4g}" if others < 1 - 1e-6 else "choose smaller shares of valid and test"
    raise RecipeError(
        f"The shares of train ({shares['train']:g}), valid ({shares['valid']:g}) and test ({shares['test']:g}) "
        f"add up to {total:.4g}; they must add up to 1.",
        where="split",
        do=do,
    )
