"""Which columns of a table hold the texts, their labels, and what a split must keep together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stepwell.errors import DataError, did_you_mean
from stepwell.schema import PART_NAMES, Finding
from stepwell.tabular import cells
from stepwell.tabular.cells import Column

TEXTS = (
    *("text", "review", "review_text", "reviewtext", "sentence", "tweet", "comment", "content", "body", "message"),
    *("review_body", "phrase", "document", "title", "headline"),
)
LABELS = (
    *("label", "labels", "sentiment", "class", "class_name", "polarity", "target", "category", "emotion", "y"),
    *("stars", "star_rating", "star", "rating", "score", "overall", "review_rating", "review_score"),
)
GROUPS = (
    *("group", "group_id", "review_id", "product", "product_id", "asin", "item_id", "business_id", "movie_id"),
    *("author", "author_id", "user", "user_id", "reviewer", "reviewer_id", "thread_id", "conversation_id"),
)
PARTS = ("split", "part", "subset", "set")
IDS = ("id", "row", "index", "unnamed: 0", "text_id", "tweet_id", "uuid")

WORDS = 3.0
"""Words at the mean from which a column that is not named so is taken for texts."""

_CLASSES = 50  # different values, at most, of a column that is taken for labels by its contents
_FILLED = 0.5  # of its rows, at least


@dataclass(frozen=True)
class Roles:
    """The columns by what they are for; None where there is none."""

    text: str
    label: str
    group: str | None = None
    part: str | None = None
    id: str | None = None


def text_column(columns: Mapping[str, Column], wanted: str, source: str) -> str | None:
    """The column of texts: as wanted, by its usual name, else that of the longest texts; None where there is none."""
    if wanted != "auto":
        return _named(columns, wanted, "text", source)
    lengths = {name: _words(column) for name, column in columns.items()}
    usual = [name for name in _usual(columns, TEXTS) if lengths[name] > 0]
    if usual:
        return usual[0] if lengths[usual[0]] >= WORDS else max(usual, key=lambda name: lengths[name])
    best = max(lengths, key=lambda name: lengths[name], default=None)
    return best if best is not None and lengths[best] >= WORDS else None


def label_column(columns: Mapping[str, Column], text: str, wanted: str, source: str) -> str | None:
    """The column of labels; None where there is none.

    As wanted, by its usual name, else the only one of few values, of those whose name ends so (`airline_sentiment`) or
    of all.
    """
    others = {name: column for name, column in columns.items() if name != text}
    if wanted != "auto":
        return _named(others, wanted, "label", source)
    usual = [name for name in _usual(others, LABELS) if _different(others[name]) > 0]
    if usual:
        return usual[0]
    served = {*_usual(others, GROUPS), *_usual(others, PARTS), *_usual(others, IDS)}
    few = [name for name, column in others.items() if name not in served and _has_few(column)]
    ending = [name for name in few if _plain(name).rpartition("_")[2] in LABELS]
    found = ending or few
    return found[0] if len(found) == 1 else None


def find(columns: Mapping[str, Column], wanted: Mapping[str, str], source: str) -> Roles:
    """The roles of the columns; `wanted` names those that are not `auto`, by role ("none": there is none).

    `DataError` where texts or labels are not found, or a column is wanted that is not there.
    """
    text = text_column(columns, wanted["text"], source)
    if text is None:
        raise DataError(
            f"No column holds texts of {WORDS:g} words or more: {_listed(columns)}.",
            where=source,
            do="name the column of the texts with --reader.text",
        )
    label = label_column(columns, text, wanted["label"], source)
    if label is None:
        raise DataError(
            f"Which column holds the labels is not clear: {_listed(columns)}.",
            where=source,
            do="name it with --reader.label",
        )
    others = {name: column for name, column in columns.items() if name not in (text, label)}

    def role(word: str, usual: Sequence[str]) -> str | None:
        if wanted[word] == "none":
            return None
        if wanted[word] != "auto":
            return _named(others, wanted[word], word, source)
        return next((name for name in _usual(others, usual) if _serves(others[name], word)), None)

    return Roles(text, label, role("group", GROUPS), role("part", PARTS), role("id", IDS))


def findings(columns: Mapping[str, Column], roles: Roles, wanted: Mapping[str, str]) -> list[Finding]:
    """What was taken for what, where that was not asked for; and columns that tell the label."""
    used = [name for name in (roles.text, roles.label, roles.group, roles.part, roles.id) if name is not None]
    left = [name for name in columns if name not in used]
    found = [_taken(roles, left)] if "auto" in (wanted["text"], wanted["label"]) and len(columns) > 2 else []
    telling = [name for name in left if _tells(columns[name], columns[roles.label])]
    return [*found, _telling(telling, roles.label)] if telling else found


def _taken(roles: Roles, left: Sequence[str]) -> Finding:
    more = [
        f"{name!r} {use}"
        for name, use in ((roles.group, "is never cut by a split"), (roles.part, "gives the parts"))
        if name is not None
    ]
    said = f"; {' and '.join(more)}" if more else ""
    rest = f"; not learned from: {', '.join(map(repr, left[:8]))}" if left else ""
    return Finding(
        name="columns_taken",
        severity=1,
        message=f"The texts were taken from the column {roles.text!r}, the labels from {roles.label!r}{said}{rest}.",
        why="They were taken for that by their names and contents.",
        remedy="to choose others: --reader.text, --reader.label, --reader.group, --reader.part",
        where={"column": roles.text},
        evidence={"left": list(left[:50])},
        refuted_by="another column holding the texts or the labels that are meant",
    )


def _telling(names: Sequence[str], label: str) -> Finding:
    return Finding(
        name="columns_that_tell_the_label",
        severity=1,
        message=f"{', '.join(map(repr, names[:5]))} alone tells the label {label!r}; it is not learned from.",
        why="What is written beside the answer, or from it, is not there when a new text comes.",
        remedy="nothing; look whether it is the label that was meant (--reader.label)",
        where={"column": names[0]},
        evidence={"columns": list(names)},
        refuted_by="two rows of one value with different labels",
    )


def _tells(column: Column, label: Column) -> bool:
    """Whether each value of a column, seen three times at the mean, goes with one label alone."""
    values, answers = cells.as_text(column).codes, cells.as_text(label).codes
    there = (values >= 0) & (answers >= 0)
    values, answers = values[there], answers[there]
    different = len(np.unique(values))
    if different < 2 or 3 * different > len(values) or len(np.unique(answers)) < 2:
        return False
    return len(np.unique(np.stack([values, answers]), axis=1).T) == different


def _usual(columns: Mapping[str, Column], names: Sequence[str]) -> list[str]:
    plain = {_plain(name): name for name in reversed(list(columns))}
    return [plain[name] for name in names if name in plain]


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_")


def _has_few(column: Column) -> bool:
    """Whether a column may hold classes by its contents: few different values, in most of its rows."""
    filled = float(np.mean(cells.as_text(column).codes >= 0)) if len(column) else 0.0
    return 2 <= _different(column) <= min(_CLASSES, max(2, len(column) // 2)) and filled >= _FILLED


def _named(columns: Mapping[str, Column], wanted: str, word: str, source: str) -> str:
    if wanted in columns:
        return wanted
    raise DataError(
        f"There is no column {wanted!r} for the {word}.", where=source, do=did_you_mean(wanted, columns) or "check it"
    )


def _listed(columns: Mapping[str, Column]) -> str:
    shown = ", ".join(f"{name!r} ({_different(column):,} values)" for name, column in list(columns.items())[:8])
    return f"there are {shown}" if columns else "there is none"


def _words(column: Column) -> float:
    """Words of a text at the mean, of the different ones; 0 of numbers."""
    if isinstance(column, cells.Numbers) or not column.values:
        return 0.0
    some = column.values[:: max(1, len(column.values) // 500)]
    if all(cells.number(one) is not None for one in some):
        return 0.0
    return float(np.mean([len(one.split()) for one in some]))


def _different(column: Column) -> int:
    codes = cells.as_text(column).codes
    return len(np.unique(codes[codes >= 0]))


def _serves(column: Column, word: str) -> bool:
    text = cells.as_text(column)
    different, rows = _different(column), len(column)
    if word == "part":
        return bool(text.values) and all(value.lower() in PART_NAMES for value in text.values)
    if word == "id":
        return different == rows
    return 3 <= different < rows  # a group that is all, or never comes again, groups nothing
