"""Exactly the parts that come with the data: all three must be there, and every example must be in one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from stepwell.errors import DataError
from stepwell.schema import PARTS, Examples
from stepwell.splits import Assignment


@dataclass(frozen=True)
class Options:
    """Nothing to set."""


def assign(options: Options, examples: Examples, groups: Sequence[str], seed: int) -> Assignment:
    """The fact `part` of every example, unchanged; `DataError` where an example or a whole part lacks."""
    given = examples.facts.get("part", (None,) * len(examples))
    counts = Counter(given)
    unknown = [name for name, part in zip(examples.ids, given, strict=True) if part not in PARTS]
    missing = [part for part in PARTS if not counts[part]]
    if missing or unknown:
        listed = ", ".join(f"{part} {counts[part]:,}" for part in PARTS)
        shown = f", for instance {unknown[0]!r}" if unknown else ""
        raise DataError(
            f"The data do not come with all three parts: {listed}, in none of these {len(unknown):,}{shown}.",
            where=examples.source,
            do="mark every example as train, valid or test, or use --split stratified, which keeps the parts "
            "that are given and cuts a missing one from train",
        )
    return Assignment(tuple(given), ("given",) * len(examples))


def moves(options: Options) -> bool:
    """The data alone say which part an example is in."""
    return True
