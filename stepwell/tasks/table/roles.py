"""What each column of a table serves as: a number, a category, a date, or nothing, with the reason.

Decided on the training part alone. A text that names its row (an id, a remark) teaches nothing about other rows, and
neither does a running number or a column that never varies: these are left out, and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stepwell.errors import DataError, did_you_mean
from stepwell.schema import Array, Columns
from stepwell.tabular import cells
from stepwell.tasks.table import target
from stepwell.tasks.table.transforms.gather_columns import is_measured, numbers_of, texts_of
from stepwell.transforms import date_parts

RARE_MOST = 0.5  # a text column of which more than this share is too rare for a code of its own is left out
FEW = 50  # with fewer rows a column of ascending numbers may be so by chance
FAR = 10.0  # quartile ranges from the middle: what lies beyond is a heavy tail (of even numbers: 1; a bell: 3 to 4)


@dataclass(frozen=True)
class Wishes:
    """What the user decided: what to leave out (None: by looking), what to take as categories, what is rare.

    `missing` are the texts that stand for nothing.
    """

    omit: tuple[str, ...] | None
    categorical: tuple[str, ...]
    rare: int
    dates: bool
    missing: frozenset[str]


@dataclass(frozen=True)
class Roles:
    """Names of columns by role; `orders` says how each of the `dates` is written, `omitted` why a column is left out.

    `coded` are those of the `categories` that are numbers in the data, `truths` those that say yes and no in more
    than one spelling each.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    coded: tuple[str, ...]
    dates: tuple[str, ...]
    orders: tuple[date_parts.Order, ...]
    omitted: Mapping[str, str]
    truths: tuple[str, ...] = ()


def roles(wishes: Wishes, raw: Columns, names: Sequence[str], source: str) -> Roles:
    """The role of each of the `names`, columns of the training part `raw`.

    `DataError` where a wish names no column, or where nothing is left to learn from.
    """
    for name in (*(wishes.omit or ()), *wishes.categorical):
        if name not in names:
            raise DataError(f"There is no column {name!r}.", where=source, do=did_you_mean(name, names))
    numbers, categories, coded, truths, dates, omitted = [], [], [], [], {}, {}
    for name in names:
        column = raw[name]
        if wishes.omit is not None and name in wishes.omit:
            omitted[name] = "as asked"
            continue
        measured = is_measured(column)
        if measured and name not in wishes.categorical:
            reason = _useless_number(name, numbers_of(column, name, wishes.missing))
            if reason and wishes.omit is None:
                omitted[name] = reason
            else:
                numbers.append(name)
            continue
        texts = texts_of(column, wishes.missing)
        counts = Counter(texts)
        if not measured and _says_yes_and_no(counts):
            categories.append(name)
            truths.append(name)
            continue
        order = date_parts.order_of(counts) if wishes.dates and not measured else None
        reason = _useless_text(counts, wishes.rare if order is None else 1)
        if reason and wishes.omit is None:
            omitted[name] = reason
        elif order is not None:
            dates[name] = order
        else:
            categories.append(name)
            coded += [name] if measured else []
    if not (numbers or categories or dates):
        raise DataError(
            "There is no column to learn from.",
            where=f"{source}: " + listed(omitted),
            do="give columns beside the target that differ from row to row, or name what to leave out: --prepare.omit",
        )
    return Roles(
        tuple(numbers),
        tuple(categories),
        tuple(coded),
        tuple(dates),
        tuple(dates.values()),
        omitted,
        tuple(truths),
    )


def listed(omitted: Mapping[str, str], most: int = 5) -> str:
    """The columns left out, each with its reason, the first few by name."""
    told = [f"{name!r} ({reason})" for name, reason in list(omitted.items())[:most]]
    return ", ".join(told) + (f" and {len(omitted) - most:,} more" if len(omitted) > most else "")


def tails(numbers: Array, names: Sequence[str]) -> tuple[list[str], str, float]:
    """Which columns of `(n, d)` have heavy tails, and the worst with its reach.

    The reach is how many quartile ranges (or standard deviations, where that range is 0) the farthest value lies
    from the median; a column counts from `FAR` on. The worst is "" and 0 where there is none.
    """
    heavy, worst, farthest = [], "", 0.0
    for name, column in zip(names, numbers.T, strict=True):
        known = column[~np.isnan(column)]
        if not len(known):
            continue
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
        spread = float(high - low) or float(known.std())
        reach = float(np.abs(known - middle).max()) / spread if spread > 0 else 0.0
        if reach >= FAR:
            heavy.append(name)
            worst, farthest = (name, reach) if reach > farthest else (worst, farthest)
    return heavy, worst, farthest


def names_a_thing(name: str) -> bool:
    """Whether a column is called as what names things is: "id", "customer_id", "PassengerId"."""
    return target.words_of(name)[-1:] == ["id"]


def _useless_number(name: str, column: Array) -> str:
    """Why a column of numbers `(n,)` can teach nothing, or ""."""
    known = column[~np.isnan(column)]
    if not len(known):
        return "it is empty"
    if len(known) == len(column) and bool((known == known[0]).all()):
        return "it never varies"
    if names_a_thing(name) and len(np.unique(known)) == len(column) >= FEW and _are_whole(known):
        return "it names the rows"
    steps = np.diff(known)
    runs = len(known) == len(column) >= FEW and bool((steps > 0).all()) and _are_whole(known)
    if runs and known[0] <= 10 + 0.01 * len(known) and known[-1] - known[0] <= 3 * len(known):
        return "it numbers the rows"
    return ""


def _are_whole(values: Array) -> bool:
    return bool((values == np.floor(values)).all())


def _says_yes_and_no(counts: Mapping[str | None, int]) -> bool:
    """Whether a column of text answers yes and no in more than two spellings: "Yes", "y", "no", "FALSE"."""
    known = [text for text in counts if text is not None]
    return len(known) > 2 and {cells.truth(text) for text in known} == {"yes", "no"}


def _useless_text(counts: Mapping[str | None, int], rare: int) -> str:
    """Why a column of text with these counts can teach nothing, or ""."""
    if len(counts) == 1:
        return "it is empty" if None in counts else "it never varies"
    total = sum(counts.values())
    seldom = max(rare, 2)
    lonely = sum(count for count in counts.values() if count < seldom)
    if rare > 1 and lonely > RARE_MOST * total:
        return f"{100 * lonely / total:.0f} % of its texts are seen fewer than {seldom} times"
    return ""
