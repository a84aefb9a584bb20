"""Parts in order of time: train before valid before test, with a gap between them, groups whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec

from stepwell.schema import PARTS, Examples
from stepwell.splits import NEAR, Assignment, Keys, Near, Share, honor
from stepwell.splits import _times as times


@dataclass(frozen=True)
class Options:
    """Shares of the three parts, which together are 1, and the gap between them."""

    train: Annotated[Share, msgspec.Meta(description="Share of the examples, the earliest, to train on.")] = 0.7
    valid: Annotated[Share, msgspec.Meta(description="Share of the examples by which weights are chosen.")] = 0.1
    test: Annotated[Share, msgspec.Meta(description="Share of the examples, the latest, for the final scores.")] = 0.2
    gap: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            description="How long before a border examples are left out, in the unit of time (seconds for dates).",
        ),
    ] = 0.0
    keys: Keys = ()
    near: Near = NEAR


def assign(options: Options, examples: Examples, groups: Sequence[str], seed: int) -> Assignment:
    """Put every group into the part in whose time it lies wholly, by the facts `time` and `until`.

    Times are numbers, dates, or ISO 8601 text (without a zone: UTC), all of one kind. An example that is an
    interval begins at its `time` and ends with its `until` (the last moment of its target; without that fact it
    is a moment). Examples of the same time are in the same part. A group that crosses a border, and what lies
    within `gap` before one, is in no part, and its reason says so. Given parts are kept (see `splits.honor`);
    chance has no say. Raises `DataError` where a time is missing or unreadable, or an interval ends before it begins.
    """
    pool = honor(examples, groups, {"train": options.train, "valid": options.valid, "test": options.test})
    moments = times.read(examples, pool.open)
    parts = [part for part in PARTS if part in pool.shares]
    borders = _borders([pool.shares[part] for part in parts], sorted(moments.begin))
    windows = times.windows(parts, borders, options.gap, moments)
    placed = times.place([groups[i] for i in pool.open], moments, windows)
    return pool.fill([part for part, _ in placed], [reason for _, reason in placed])


def _borders(shares: Sequence[float], ordered: Sequence[float]) -> list[float]:
    """The times at which the parts after the first begin; none falls on another where the examples suffice."""
    borders: list[float] = []
    share = 0.0
    for number, own in enumerate(shares[:-1], start=1):
        share += own
        position = min(max(round(share * len(ordered)), number), len(ordered) - len(shares) + number)
        if 0 <= position < len(ordered):
            borders.append(ordered[position])
    return borders


def moves(options: Options) -> bool:
    """Parts follow time: an old unit kept in test would lie before new ones in train."""
    return True
