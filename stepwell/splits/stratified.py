"""Random parts of the wanted shares, groups whole, every class in every part in equal measure.

Chance is a hash of the group's name and the seed: the order of a listing decides nothing, and where data
are added only groups whose hash lies near a border change their part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from stepwell.schema import Examples
from stepwell.splits import NEAR, Assignment, Keys, Near, Share, honor
from stepwell.splits._dealing import deal, strata


@dataclass(frozen=True)
class Options:
    """Shares of the three parts, which together are 1, and what stays in one of them."""

    train: Annotated[Share, msgspec.Meta(description="Share of the examples to train on.")] = 0.7
    valid: Annotated[Share, msgspec.Meta(description="Share of the examples by which weights are chosen.")] = 0.1
    test: Annotated[Share, msgspec.Meta(description="Share of the examples that only the final scores see.")] = 0.2
    keys: Keys = ()
    near: Near = NEAR


def assign(options: Options, examples: Examples, groups: Sequence[str], seed: int) -> Assignment:
    """Put every group into a part; stratified by the fact `label` where it names classes.

    Given parts are kept (see `splits.honor`). A class with three groups or more is in all three
    parts, however few they are; one with fewer is in train first. Raises `RecipeError` where the
    shares do not add up to 1, `DataError` where a given part is unknown.
    """
    pool = honor(examples, groups, {"train": options.train, "valid": options.valid, "test": options.test})
    labels = strata([examples.facts["label"][i] for i in pool.open] if "label" in examples.facts else [])
    dealt = deal([groups[i] for i in pool.open], labels, pool.shares, seed, learns="train")
    reason = "by chance" if not labels else "by chance within its class"
    return pool.fill(dealt, [reason] * len(dealt))
