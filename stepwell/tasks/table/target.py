"""Which column is to be answered, and whether its answers are classes or measured."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from stepwell import archives
from stepwell.errors import DataError, did_you_mean
from stepwell.schema import Finding
from stepwell.tabular import cells
from stepwell.tabular.cells import Column, Numbers, Texts
from stepwell.transforms import class_index

Problem = Literal["classification", "regression"]

NAMES = ("target", "label", "labels", "class", "classes", "y", "outcome", "response", "groundtruth", "truth")
"""What a target is called, in small letters without anything between them."""

CLASSES = ("class", "classes")
"""What names the target if nothing else does, wherever it stands."""

WORDS = ("target", "label", "class", "outcome")
"""Words in the name of a target."""

OUTER = ("y", "class", "classes")
"""Names and words that mean a target in the first or last column alone: inside, a class is one of seats as often,
and y stands between x and z."""

USUAL = (
    *("price", "saleprice", "medv", "value", "species", "variety", "diagnosis", "survived", "churn", "churned"),
    *("exited", "attrition", "quality", "fraud", "mpg", "tip", "stroke", "readmitted"),
)
"""What is most often asked of a table, by the last word of a name."""

FEW = 20
"""Up to so many different whole numbers are classes, where each stands in `EACH` rows on average."""

EACH = 10

LETTERS = 26
"""Up to so many different texts in the first column may be the classes."""

SURE = 10
"""More different whole numbers than these are classes only where the rarest stands in `EACH` rows too: counts of
things thin out at their ends, and names of classes need not."""

LARGEST = 1e100
"""The size of a number that can be asked for."""

MOST_CLASSES = 1000
_TIMES = ("year", "month", "quarter", "week", "day", "date", "time", "hour")
_MOSTLY = 0.9  # share of the texts that are numbers from which on the others are mistakes


LAST = "it is the last column"
"""Why a column was taken where no name gave a hint."""


@dataclass(frozen=True)
class Found:
    """The name of the target, and how it was found: as asked for, or a sentence and whether there is doubt."""

    name: str
    why: str
    asked: bool


def find(names: Sequence[str], wanted: str, source: str, lacking: Sequence[str] = ()) -> Found:
    """The target among the columns `names`: as `wanted` (name, or number from 1 on), else by what it is called.

    `lacking` are the columns that a second file (to be answered) lacks: if it is one alone, it is the target. Without
    any hint it is the last column. `DataError` where there is no column as wanted.
    """
    if wanted != "auto":
        return Found(named(names, wanted, "target", source), "as given", True)
    if len(lacking) == 1:
        return Found(lacking[0], "it is the only column that the test file lacks", False)
    plain = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in names]
    words = [words_of(name) for name in names]
    ends = (0, len(names) - 1)
    inner = [set[str]() if i in ends else set(OUTER) for i in range(len(names))]
    ways = (
        ("it is called as targets are", [i for i, one in enumerate(plain) if one in set(NAMES) - inner[i]]),
        ("its name holds a word for targets", [i for i, one in enumerate(words) if set(one) & set(WORDS) - inner[i]]),
        ("that is what is often asked", [i for i, one in enumerate(words) if one and one[-1] in USUAL]),
        ("it is called as classes are", [i for i, one in enumerate(plain) if one in CLASSES]),
    )
    for why, places in ways:
        if places:
            return Found(names[places[-1]], why, False)
    return Found(names[-1], LAST, False)


def classes_first(columns: Sequence[Column], names: Sequence[str] = ()) -> bool:
    """Whether the first of some columns holds classes, no other one does, and nothing speaks for the last.

    Beside a text whole numbers of few values are counts and no classes, but in the last column.

    Those with `names` must be text above numbers, with no time among them: a place in each of several years is no
    class. What speaks for the last, if the first is text (a sex, a site), is that it alone of all numbers is whole, as
    a count or a grade among measures is.
    """
    if len(columns) < 3 or not _are_classes(columns[0]) or _are_classes(columns[-1]):
        return False
    rivals = [one for one in columns[1:] if isinstance(one, Texts) or isinstance(columns[0], Numbers)]
    if any(map(_are_classes, rivals)):
        return False
    if names and not (isinstance(columns[0], Texts) and all(isinstance(one, Numbers) for one in columns[1:])):
        return False
    if any(set(words_of(name)) & set(_TIMES) for name in names):
        return False
    whole = [isinstance(one, Numbers) and _is_whole(one) for one in columns[1:]]
    return isinstance(columns[0], Numbers) or not whole[-1] or any(whole[:-1])


def words_of(name: str) -> list[str]:
    """The words of a column's name in small letters: "customer_ID", "CustomerId" and "customer id" are alike."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower())


def _are_classes(column: Column) -> bool:
    """Whether a column has few values, each in several rows: text or whole numbers."""
    found = cells.as_text(column) if isinstance(column, Texts) or _is_whole(column) else None
    if found is None:
        return False
    counts = np.bincount(found.codes[found.codes >= 0], minlength=len(found.values))
    most = LETTERS if isinstance(column, Texts) else FEW
    return 1 < len(counts) <= most and bool(counts.min() >= EACH)


def _is_whole(column: Numbers) -> bool:
    there = column.values[~np.isnan(column.values)]
    return np.array_equal(there, np.floor(there))


def named(names: Sequence[str], wanted: str, role: str, source: str) -> str:
    """The column called `wanted`, or of that number; `DataError`, which names the nearest, where there is none."""
    if wanted in names:
        return wanted
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    hint = did_you_mean(wanted, names if len(names) <= 50 else [*names[:25], *names[-25:]])
    raise DataError(f"There is no column {wanted!r}.", where=source, do=f"name the {role} as it is written. {hint}")


def chosen_finding(found: Found, names: Sequence[str], source: str) -> list[Finding]:
    """What is said where the target was not named by hand."""
    if found.asked:
        return []
    others = ", ".join(repr(name) for name in [one for one in names if one != found.name][:5])
    return [
        Finding(
            name="target_chosen",
            severity=1,
            message=f"The target is taken to be {found.name!r}: {found.why}.",
            why="Everything that follows answers this question and no other.",
            remedy=f"name another with --target COLUMN ({others}{', …' if len(names) > 6 else ''})",
            where={"column": found.name},
            evidence={"why": found.why, "columns": len(names)},
            refuted_by="another column being what you want to know",
        )
    ]


def problem(column: Column, wanted: str) -> tuple[Problem, str]:
    """Whether a target is a class or measured, and why; its rows without a value count for nothing."""
    if wanted in ("classification", "regression"):
        return ("classification" if wanted == "classification" else "regression"), "as given"
    if isinstance(column, Texts):
        return "classification", "its values are text"
    there = column.values[~column.missing()]
    different, counts = np.unique(there, return_counts=True)
    if len(different) <= 2:
        return "classification", f"it has {len(different)} different values"
    if not np.array_equal(different, np.floor(different)):
        return "regression", "its values have decimals"
    told = f"it has {len(different):,} different whole numbers in {len(there):,} rows"
    if len(different) > FEW or len(there) < EACH * len(different):
        return "regression", told
    if len(different) > SURE and counts.min() < EACH:
        return "regression", f"{told}, and the rarest in {counts.min()}"
    return "classification", told


def problem_finding(name: str, kind: Problem, why: str, wanted: str, column: Column) -> list[Finding]:
    """What is said where whole numbers were taken for classes or for measures and nobody said which they are."""
    if wanted != "auto" or isinstance(column, Texts) or why == "its values have decimals":
        return []
    other = "regression" if kind == "classification" else "classification"
    taken = "classes" if kind == "classification" else "measured"
    return [
        Finding(
            name="problem_chosen",
            severity=1,
            message=f"The values of the target {name!r} are taken for {taken}: {why}.",
            why="Classes have no order and no distance; measures have both.",
            remedy=f"say so with --reader.problem {other}",
            where={"column": name},
            refuted_by=f"the question being one of {other}",
        )
    ]


def labels(column: Column, name: str, source: str) -> Texts:
    """The target as classes; `DataError` where it is one class alone, or as many as there are rows."""
    found = cells.as_text(column)
    rows = int((~found.missing()).sum())
    classes = used(found)
    if len(classes) == 1:
        empty = len(found) - rows
        raise DataError(
            f"The target {name!r} is {classes[0]!r} in all {rows:,} rows"
            + (f" and missing in {empty:,}" if empty else "")
            + "; there is nothing to learn.",
            where=f"{source}, column {name!r}",
            do="name another column with --target"
            + (", or say with --reader.missing what stands for nothing, so that all else is a class" if empty else ""),
        )
    if len(classes) > MOST_CLASSES or 2 * len(classes) > rows > 20:
        raise DataError(
            f"The target {name!r} has {len(classes):,} different values in {rows:,} rows: these are no classes.",
            where=f"{source}, column {name!r}",
            do="name another column with --target, or, if it is measured, --reader.problem regression",
        )
    return found


def used(answers: Texts) -> list[str]:
    """The classes that stand in some row."""
    return [answers.values[code] for code in np.unique(answers.codes[answers.codes >= 0]).tolist()]


def alike_finding(name: str, classes: Sequence[str]) -> list[Finding]:
    """What is said of classes that differ in case alone: mostly one is the other, misspelled."""
    pairs = class_index.alike(sorted(classes, key=archives.natural_key))
    if not pairs:
        return []
    first, second = pairs[0]
    return [
        Finding(
            name="classes_alike",
            severity=3,
            message=f"Two classes of the target {name!r} differ only in upper and lower case or in how a letter is "
            f"encoded: {first!r} and {second!r}" + (f" ({len(pairs) - 1:,} more pairs do)." if pairs[1:] else "."),
            why="Mostly they are one class, and the network would be made to tell apart what is the same.",
            remedy="give them one name, if they are one",
            where={"column": name},
            evidence={"pairs": [list(pair) for pair in pairs[:20]]},
            refuted_by="the two meaning different things",
        )
    ]


def measured(column: Column, name: str, where: str, row: Callable[[int], str], rules: cells.Rules) -> Numbers:
    """The target as numbers; `DataError` at one that is none or is infinite, named by `row`, or where all are one."""
    if isinstance(column, Texts):
        known = [cells.number(one, rules.decimal) for one in column.values]
        _refuse_text(column, known, name, where, row)
        values = np.asarray([*(one if one is not None else np.nan for one in known), np.nan])
        column = Numbers(values[column.codes])
    infinite = np.flatnonzero(np.abs(column.values) > LARGEST)
    if len(infinite):
        first = column.values[infinite[0]]
        what = f"an infinite target ({first})" if np.isinf(first) else f"the target {first:g}, too large to be squared"
        raise DataError(
            f"{_begun(row(int(infinite[0])))} has {what}.",
            where=f"{where}, column {name!r}",
            do="mend the row, or leave its target empty",
        )
    there = column.values[~column.missing()]
    if len(there) and there.min() == there.max():
        raise DataError(
            f"The target {name!r} is {there[0]:g} in all {len(there):,} rows; there is nothing to learn.",
            where=f"{where}, column {name!r}",
            do="name another column with --target",
        )
    return column


def refuse_almost_numbers(column: Column, name: str, where: str, row: Callable[[int], str], rules: cells.Rules) -> None:
    """`DataError`, which names a row, where nearly all of many texts are numbers: the others are mistakes."""
    if isinstance(column, Numbers) or len(column.values) <= FEW:
        return
    known = [cells.number(one, rules.decimal) for one in column.values]
    if sum(one is not None for one in known) >= _MOSTLY * len(known):
        _refuse_text(column, known, name, where, row)


def _refuse_text(
    column: Texts, known: Sequence[float | None], name: str, where: str, row: Callable[[int], str]
) -> None:
    bad = [code for code, one in enumerate(known) if one is None]
    rows = np.flatnonzero(np.isin(column.codes, bad))
    if len(rows):
        first = int(rows[0])
        raise DataError(
            f"{_begun(row(first))} has {column.values[column.codes[first]]!r} for the target {name!r}, "
            "which is no number.",
            where=f"{where}, column {name!r}",
            do=f"mend it ({len(rows):,} such rows), leave it empty, or say --reader.problem classification",
        )


def without_dots(parts: Sequence[Column]) -> tuple[list[Column], bool]:
    """The targets of several files without the dots that a later one writes behind the classes of the first."""
    first, found, changed = parts[0], [parts[0]], False
    for part in parts[1:]:
        if isinstance(first, Texts) and isinstance(part, Texts) and not set(part.values) & set(first.values):
            plain = tuple(value.removesuffix(".") for value in part.values)
            if part.values and set(plain) <= set(first.values):
                part = replace(part, values=plain)
                changed = True
        found.append(part)
    return found, changed


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]
