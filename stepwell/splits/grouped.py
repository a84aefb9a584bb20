"""Whole groups, named by a column, in random parts of the wanted shares: no patient, user or day in two parts.

As `stratified`, which keeps groups whole as well, but the column of the groups must be there and full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from stepwell.errors import DataError
from stepwell.schema import Examples
from stepwell.splits import NEAR, Assignment, Near, Share, honor, key_values
from stepwell.splits._dealing import deal, strata


@dataclass(frozen=True)
class Options:
    """Shares of the three parts, which together are 1, and what names the groups."""

    train: Annotated[Share, msgspec.Meta(description="Share of the examples to train on.")] = 0.7
    valid: Annotated[Share, msgspec.Meta(description="Share of the examples by which weights are chosen.")] = 0.1
    test: Annotated[Share, msgspec.Meta(description="Share of the examples that only the final scores see.")] = 0.2
    keys: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="Columns or facts that together name the group of an example.", min_length=1),
    ] = ("group",)
    near: Near = NEAR


def assign(options: Options, examples: Examples, groups: Sequence[str], seed: int) -> Assignment:
    """Put every group into a part; among groups, by chance, the classes of the fact `label` in equal measure.

    `groups` are those that `keys` name, joined where more ties them. Given parts are kept (see `splits.honor`).
    Raises `DataError` where there is no such column, an example has no group, or there are fewer groups than parts.
    """
    values = key_values(examples, options.keys)
    named = " and ".join(options.keys)
    lacking = [i for i, value in enumerate(values) if value is None]
    if lacking:
        raise DataError(
            f"{len(lacking):,} of {len(examples):,} examples name no group ({named}).",
            where=f"{examples.source}, example {examples.ids[lacking[0]]!r}",
            do=f"fill {named} in for every example, or use --split stratified --split.keys {','.join(options.keys)}, "
            "where an example without a group stands alone",
        )
    pool = honor(examples, groups, {"train": options.train, "valid": options.valid, "test": options.test})
    own = [groups[i] for i in pool.open]
    if own and len(set(own)) < len(pool.shares):
        count = len(set(own))
        raise DataError(
            f"{', '.join(pool.shares)} need a group each, and there {'is' if count == 1 else 'are'} {count} ({named}).",
            where=examples.source,
            do="add examples of other groups, or name with --split.keys a column with more values",
        )
    labels = strata([examples.facts["label"][i] for i in pool.open] if "label" in examples.facts else [])
    dealt = deal(own, labels, pool.shares, seed, learns="train")
    return pool.fill(dealt, [f"by chance, by {named}"] * len(dealt))
