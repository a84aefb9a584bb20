"""Tables become examples: the target is found, roles of columns are found, and rows that teach nothing are left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stepwell import archives
from stepwell.errors import DataError
from stepwell.schema import PART_NAMES, Examples, Finding, Part
from stepwell.tabular import cells
from stepwell.tabular.cells import Column, Numbers, Texts
from stepwell.tabular.store import Table
from stepwell.tasks.table import stray, target, units
from stepwell.tasks.table.options import Options
from stepwell.tasks.table.roles import names_a_thing
from stepwell.tasks.table.store import Rows, raw_name

_PART_COLUMNS = ("split", "part", "subset", "set")
_GROUPS = ("group", "group_id", "patient", "patient_id", "subject", "subject_id")
_IDS = ("row", "rowid", "index", "unnamed: 0", "rownames", "row_names", "rownumber", "row_number", "uuid", "guid")

Rank = npt.NDArray[np.int64]
Settled = dict[str, tuple[Any, str]]


@dataclass(frozen=True)
class Roles:
    """Which columns are what besides inputs; None where there is none."""

    group: str | None
    time: str | None
    part: str | None
    id: str | None


def examples(tables: Sequence[tuple[Part | None, Table]], options: Options, source: str, reader: str) -> Examples:
    """The rows of one table, or of one table a part, as labeled examples.

    Facts: `label` (text) or `value` (float), and `group`, `time`, `part` where a column or a file says them.
    `DataError` where the columns of the tables differ, or the target cannot be learned.
    """
    names = list(tables[0][1].columns)
    chosen, tables, dropped = _target(tables, options, source)
    columns, dotted = _joined(tables, chosen.name, source)
    place = _Place(tables)
    rules = tables[0][1].rules
    unit_of = units.of_columns(columns, options.units, rules, source)
    answers = units.in_numbers(columns.pop(chosen.name), unit_of.get(chosen.name, ""), rules)
    kind, why = target.problem(answers, options.problem)
    findings = [
        *(one for _, table in tables for one in table.findings),
        *target.chosen_finding(chosen, names, source),
        *target.problem_finding(chosen.name, kind, why, options.problem, answers),
        *dropped,
        *dotted,
    ]
    answers = _checked(answers, kind, chosen.name, place, rules, source)
    kept = np.flatnonzero(~answers.missing())
    findings += _unanswered(chosen.name, place, np.flatnonzero(answers.missing()))
    _require_rows(kept, chosen.name, source)
    columns = {name: cells.rows_of(one, kept) for name, one in columns.items()}
    by_look = options.units == "auto"
    columns, words, found = stray.without(
        columns, rules, unit_of, not by_look, lambda rows: place.names(kept[rows], None, source)
    )
    unit_of = {name: unit for name, unit in unit_of.items() if isinstance(columns.get(name, answers), Numbers)}
    findings += [*found, *(units.finding(unit_of) if by_look else [])]
    columns, found = _finite(columns, place, kept)
    findings += found
    answers = cells.rows_of(answers, kept)
    if isinstance(answers, Texts):
        findings += target.alike_finding(chosen.name, target.used(answers))
    roles, found = _roles(columns, options, given=any(part for part, _ in tables), source=source)
    findings += found
    ids = place.names(kept, None if roles.id is None else columns[roles.id], source)
    facts = _facts(answers, columns, roles, place, kept)
    written = {raw_name(name): unit for name, unit in unit_of.items()}
    inputs = _inputs(columns, roles, options, source)
    truth: dict[str, Any] = {"label": answers} if isinstance(answers, Texts) else {"value": answers}
    settled = {**tables[0][1].settings, **_settled(chosen, (kind, why), unit_of, roles)}
    return Examples(
        ids=ids,
        units=tuple(one or name for one, name in zip(facts["group"], ids, strict=True)) if "group" in facts else ids,
        facts=facts,
        # All columns: what has a role, or is dropped, may still say what stays together in a split.
        fetch=Rows(
            {raw_name(name): one for name, one in columns.items()}, rules=rules.also(words), units=written, **truth
        ),
        source=source,
        reader=reader,
        findings=tuple(findings),
        columns=tuple(raw_name(name) for name in inputs),
        settled={name: found for name, found in settled.items() if getattr(options, name) == "auto"},
    )


def _settled(chosen: target.Found, problem: tuple[str, str], unit_of: Mapping[str, str], roles: Roles) -> Settled:
    """What was found for the options of reading that the contents decide: value and reason, by name."""
    return {
        "target": (chosen.name, chosen.why),
        "problem": problem,
        "units": ([f"{name}={unit}" for name, unit in unit_of.items()], "as the columns are written"),
        **{role: (getattr(roles, role) or "none", "by the names of the columns") for role in ("group", "part", "id")},
    }


@dataclass(frozen=True)
class _Place:
    """Where rows of the joined table lie: which table, and which row of it."""

    tables: Sequence[tuple[Part | None, Table]]

    def parts(self, rows: Rank) -> list[Part | None]:
        which, _ = self._of(rows)
        return [self.tables[one][0] for one in which.tolist()]

    def names(self, rows: Rank, named: Column | None, source: str) -> tuple[str, ...]:
        """The ids of `rows`: `row 17`, or what the column `named` says; after the file's name where there are two."""
        which, within = self._of(rows)
        if named is not None:
            own = [one or "" for one in cells.as_text(named).at(np.arange(len(rows)))]
        else:
            own = [f"row {one}" for one in within.tolist()]
        if len(self.tables) > 1:
            files = [Path(table.source).name for _, table in self.tables]
            own = [f"{files[one]} {name}" for one, name in zip(which.tolist(), own, strict=True)]
        if len(set(own)) < len(own) or "" in own:
            raise DataError(
                "The column that names the rows leaves one without a name, or gives a name twice.",
                where=source,
                do="leave it out with --reader.id none",
            )
        return tuple(map(archives.printable, own))

    def _of(self, rows: Rank) -> tuple[Rank, Rank]:
        starts = np.concatenate([[0], np.cumsum([table.rows for _, table in self.tables])])
        which = np.searchsorted(starts, rows, side="right") - 1
        first = np.asarray([table.first for _, table in self.tables])
        return which, rows - starts[which] + first[which]


def _target(
    tables: Sequence[tuple[Part | None, Table]], options: Options, source: str
) -> tuple[target.Found, Sequence[tuple[Part | None, Table]], list[Finding]]:
    """The target, and the tables that have it; a test file without it has nothing to judge by and is left out."""
    names = list(tables[0][1].columns)
    lacking = [name for name in names if any(name not in table.columns for _, table in tables[1:])]
    filled = [name for name, column in tables[0][1].columns.items() if not column.missing().all()]
    asked = options.target != "auto" or not filled
    found = target.find(names if asked else filled, options.target, source, lacking)
    nameless = tables[0][1].settings.get("header", ("yes", ""))[0] == "no"
    said = () if nameless else names
    if found.why == target.LAST and target.classes_first(list(tables[0][1].columns.values()), said):
        found = target.Found(names[0], "it is the only column of classes, and stands first", False)
    having = [one for one in tables if found.name in one[1].columns]
    findings = [
        Finding(
            name="file_without_target",
            severity=1,
            message=f"{Path(table.source).name} has no column {found.name!r} and was passed over.",
            why="Without answers nothing can be learned from its rows or judged on them.",
            remedy="to have it answered, give it to predict",
            where={"file": Path(table.source).name},
            refuted_by="the target being another column",
        )
        for _, table in tables
        if found.name not in table.columns
    ]
    return found, having if len(having) > 1 else [(None, having[0][1])], findings


def _joined(
    tables: Sequence[tuple[Part | None, Table]], answer: str, source: str
) -> tuple[dict[str, Column], list[Finding]]:
    """The columns of all tables below each other; `DataError` where one has others than the first."""
    names = list(tables[0][1].columns)
    for _, table in tables[1:]:
        more, less = (
            [one for one in table.columns if one not in names],
            [one for one in names if one not in table.columns],
        )
        if more or less:
            word = f"lacks {less[0]!r}" if less else f"has {more[0]!r} besides"
            raise DataError(
                f"{Path(table.source).name} has other columns than {Path(tables[0][1].source).name}: it {word}.",
                where=source,
                do="give all files the same columns",
            )
    if len(tables) == 1:
        return dict(tables[0][1].columns), []
    answers, dotted = target.without_dots([table.columns[answer] for _, table in tables])
    columns = {
        name: cells.joined(answers if name == answer else [table.columns[name] for _, table in tables])
        for name in names
    }
    if not dotted:
        return columns, []
    return columns, [
        Finding(
            name="labels_with_a_dot",
            severity=1,
            message=f"The labels of {Path(tables[-1][1].source).name} end in a dot, which was left off.",
            why="Without it they are those of the first file; with it they would be other classes.",
            remedy="nothing, if so meant",
            where={"column": answer},
            refuted_by="the dot meaning something",
        )
    ]


def _checked(
    answers: Column, kind: target.Problem, name: str, place: _Place, rules: cells.Rules, source: str
) -> Column:
    def named(row: int) -> str:
        return place.names(np.asarray([row]), None, source)[0]

    if kind == "regression":
        return target.measured(answers, name, source, named, rules)
    target.refuse_almost_numbers(answers, name, source, named, rules)
    return target.labels(answers, name, source)


def _require_rows(kept: Rank, name: str, source: str) -> None:
    if len(kept) < 2:
        raise DataError(
            f"{len(kept)} rows have a value of the target {name!r}.",
            where=source,
            do="name another column with --target, or give more rows",
        )


def _unanswered(name: str, place: _Place, rows: Rank) -> list[Finding]:
    if not len(rows):
        return []
    shown = place.names(rows[:5], None, "")
    return [
        Finding(
            name="rows_without_target",
            severity=1,
            message=f"{len(rows):,} rows have no value of the target {name!r} and were passed over ({shown[0]} first).",
            why="What is passed over is neither learned from nor tested on.",
            remedy="fill the target in; to have the rows answered, give them to predict",
            where={"column": name},
            evidence={"rows": len(rows)},
            examples=shown,
            refuted_by="the signs in these cells being values (say what stands for nothing with --reader.missing)",
        )
    ]


def _finite(columns: dict[str, Column], place: _Place, kept: Rank) -> tuple[dict[str, Column], list[Finding]]:
    """The columns with infinities as missing, and the findings that say so."""
    findings = []
    for name, column in columns.items():
        if not isinstance(column, Numbers) or not (infinite := np.isinf(column.values)).any():
            continue
        columns[name] = Numbers(np.where(infinite, np.nan, column.values))
        rows = np.flatnonzero(infinite)
        shown = place.names(kept[rows[:5]], None, "")
        findings.append(
            Finding(
                name="infinite_values",
                severity=2,
                message=f"{len(rows):,} cells of {name!r} are infinite ({shown[0]} first); they are read as missing.",
                why="No mean and no scale survives an infinite value.",
                remedy="look where they come from (a division by zero?), and write what is meant",
                where={"column": name},
                evidence={"cells": len(rows)},
                examples=shown,
                refuted_by="there being no such cell",
            )
        )
    return columns, findings


def _roles(columns: Mapping[str, Column], options: Options, *, given: bool, source: str) -> tuple[Roles, list[Finding]]:
    """Which columns say the group, time, part and name of a row: as named, else by their usual names and contents."""
    names = list(columns)

    def role(wanted: str, word: str, usual: Sequence[str]) -> str | None:
        if wanted == "none":
            return None
        if wanted != "auto":
            return target.named(names, wanted, word, source)
        called = (name for name in names if name.lower() in usual or (word == "id" and names_a_thing(name)))
        return next((name for name in called if _serves(columns[name], word)), None)

    part = None if given and options.part == "auto" else role(options.part, "part", _PART_COLUMNS)
    roles = Roles(
        role(options.group, "group", _GROUPS), role(options.time, "time", ()), part, role(options.id, "id", _IDS)
    )
    uses = {
        "group": "keeps together in a split what shares a value",
        "part": "says which rows are for training and for the test",
        "id": "names the rows",
    }
    findings = [
        Finding(
            name=f"{word}_column",
            severity=1,
            message=f"The column {name!r} {use} and is not learned from.",
            why="It was taken for that by its name and its values.",
            remedy=f"to learn from it: --reader.{word} none",
            where={"column": name},
            refuted_by="its saying something about the rows that also holds for new ones",
        )
        for word, use in uses.items()
        if (name := getattr(roles, word)) is not None and getattr(options, word) == "auto"
    ]
    return roles, findings


def _serves(column: Column, word: str) -> bool:
    """Whether the values of a column are such as the role needs."""
    text = cells.as_text(column)
    different = len(np.unique(text.codes[text.codes >= 0]))
    if word == "part":
        return bool(text.values) and all(value.lower() in PART_NAMES for value in text.values)
    if word == "id":
        return different == len(text)
    return 1 < different < len(text)


def _facts(
    answers: Column, columns: Mapping[str, Column], roles: Roles, place: _Place, kept: Rank
) -> dict[str, tuple[Any, ...]]:
    everyone = np.arange(len(kept))
    facts: dict[str, tuple[Any, ...]] = {}
    if isinstance(answers, Texts):
        facts["label"] = tuple(answers.at(everyone))
    else:
        facts["value"] = tuple(answers.values.tolist())
    if roles.group is not None:
        facts["group"] = tuple(cells.as_text(columns[roles.group]).at(everyone))
    if roles.time is not None:
        time = columns[roles.time]
        facts["time"] = tuple(
            [None if one != one else one for one in time.values.tolist()]
            if isinstance(time, Numbers)
            else time.at(everyone)
        )
    if roles.part is not None:
        said = cells.as_text(columns[roles.part])
        to = [*(_part(value, roles.part) for value in said.values), None]
        facts["part"] = tuple(to[code] for code in said.codes.tolist())
    elif any(part for part, _ in place.tables):
        facts["part"] = tuple(place.parts(kept))
    return facts


def _part(written: str, column: str) -> Part:
    if written.lower() not in PART_NAMES:
        raise DataError(
            f"A row is of the part {written!r}, which is none of train, valid and test.",
            where=f"column {column!r}",
            do="mend it, or leave the column out with --reader.part none",
        )
    return PART_NAMES[written.lower()]


def _inputs(columns: Mapping[str, Column], roles: Roles, options: Options, source: str) -> dict[str, Column]:
    """The columns that are learned from; `DataError` where none is left."""
    out = {
        roles.group,
        roles.part,
        roles.id,
        *(target.named(list(columns), one, "column", source) for one in options.drop),
    }
    inputs = {name: column for name, column in columns.items() if name not in out}
    if not inputs:
        raise DataError("There is no column to learn from.", where=source, do="give a table with more columns")
    return inputs
