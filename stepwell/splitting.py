"""From a rule of the shelf `splits` to the split of a run: groups joined, refusals said, `split.csv` written."""

from __future__ import annotations

import csv
import dataclasses
import io
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from stepwell import files, likeness
from stepwell.errors import DataError, RunError
from stepwell.schema import PARTS, Array, Columns, Examples, Part
from stepwell.splits import Assignment, key_values

LIMIT = 2**31
"""The most bytes of a `split.csv` that are read."""

_HEAD = ["unit", "id", "part", "group", "why"]
_OTHER_COLUMNS = "the columns are not unit, id, part, group, why"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


@dataclass(frozen=True)
class Ties:
    """What stays together besides units, groups and equal contents.

    `values` holds, for each kind of tie, a value an example: equal ones stay together, None ties nothing. `notes`
    say in sentences what was found.
    """

    values: tuple[Sequence[Hashable], ...] = ()
    notes: tuple[str, ...] = ()


class Row(NamedTuple):
    """One line of `split.csv`: an example, its part ("" = in none), what it must stay together with, and why."""

    unit: str
    id: str
    part: str
    group: str
    why: str


def make_split(
    options: Any,
    module: ModuleType,
    examples: Examples,
    digests: Sequence[str | None],
    seed: int,
    *,
    ties: Ties = Ties(),
    left_out: Mapping[int, str] | None = None,
    truth: Sequence[str] = ("label",),
    earlier: Mapping[str, str] | None = None,
    remembered: Mapping[str, str] | None = None,
) -> list[Row]:
    """Put every example into a part by the rule `module` and its `options`; a row an example, in their order.

    `digests` are hashes of the content (None = unknown): equal contents stay together, and what `ties` (see
    `find_ties`) ties. `left_out` are examples that can be in no part (unreadable ones), by index with the
    reason. `earlier` maps ids to the parts of an earlier run, `remembered` to those that the ledger knows: they keep
    them, what belongs with them follows, and the rest is put by the rule. Where `truth`, the columns that the task
    answers, holds `label`, the classes are checked.
    Raises `DataError` where nothing can be learnt or judged: one class, one example a class, an empty
    part, a class that train lacks.
    """
    missing = left_out or {}
    indices = [i for i in range(len(examples)) if i not in missing]
    if not indices:
        raise DataError(
            f"None of the {len(examples):,} examples can be used.",
            where=examples.source,
            do=f"mend the first: {missing[min(missing)]}" if missing else "point to a source with examples",
        )
    groups = join_groups(examples, digests, ties)
    used = subset(examples, indices)
    labels = _classes(used.facts.get("label", ())) if "label" in truth else ()
    _check_classes(labels, examples.source)
    own = [groups[i] for i in indices]
    given = used.facts.get("part", (None,) * len(used))
    free = {name for name, part in zip(used.ids, given, strict=True) if part is None}  # given parts may have changed
    known = {name: part for name, part in (remembered or {}).items() if name in free}
    assigned = _keep(module.assign(options, used, own, seed), used.ids, own, earlier or {}, known)
    _check_parts(assigned, labels, examples.source)
    placed = dict(zip(indices, zip(assigned.parts, assigned.reasons, strict=True), strict=True))
    rows = []
    for i, (unit, name, group) in enumerate(zip(examples.units, examples.ids, groups, strict=True)):
        part, why = placed[i] if i in placed else ("", f"left out: {missing[i]}")
        rows.append(Row(unit, name, part, group, why))
    return rows


def find_ties(options: Any, examples: Examples, hashes: Sequence[str | None] = ()) -> Ties:
    """What the options `keys` and `near` of a rule tie, where it has them.

    Examples that agree in all columns or facts of `keys` stay together, and what is nearly the same: `hashes`
    are those of `likeness`, one an example, or none. `DataError` where there is no such column.
    """
    values: list[Sequence[Hashable]] = []
    notes: list[str] = []
    keys = getattr(options, "keys", ())
    if keys:
        keyed = key_values(examples, keys)
        values.append(keyed)
        lacking = keyed.count(None)
        said = f"{len(set(keyed) - {None}):,} groups by {' and '.join(keys)} stay whole"
        notes.append(said + (f"; {lacking:,} examples have none and stand alone" if lacking else ""))
    near = getattr(options, "near", None)
    if near is not None and any(hashes):
        alike = likeness.sets(hashes, near)
        values.append(_members(alike.sets, len(examples)))
        if alike.sets:
            first = max(alike.sets, key=len)
            notes.append(
                f"{sum(map(len, alike.sets)):,} examples are nearly the same, in {len(alike.sets):,} sets, each of "
                f"which stays in one part (for instance {examples.ids[first[0]]!r} and {examples.ids[first[1]]!r}; "
                "--split.near none treats them as different)"
            )
        elif alike.why_none:
            notes.append(f"what is nearly the same is not kept together: {alike.why_none}")
    return Ties(tuple(values), tuple(notes))


def join_groups(examples: Examples, digests: Sequence[str | None], ties: Ties = Ties()) -> tuple[str, ...]:
    """For every example the name of what it must stay with: its unit, its fact `group`, equal contents, and `ties`.

    A group is named after its least fact `group`, or else its least unit, whatever the order of the
    examples. (Should one name serve two groups they stay together, which leaks nothing.)
    """
    given = examples.facts.get("group", (None,) * len(examples))
    kinds = [values for values in (examples.units, given, digests, *ties.values) if _repeats(values)]
    if not kinds:
        return tuple(unit if name is None else str(name) for unit, name in zip(examples.units, given, strict=True))
    parent = list(range(len(examples)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for values in kinds:
        first: dict[Hashable, int] = {}
        for i, value in enumerate(values):
            if value is not None and (mate := first.setdefault(value, i)) != i:
                parent[root(i)] = root(mate)
    roots = [root(i) for i in range(len(examples))]
    names: dict[int, tuple[bool, str]] = {}
    for at, unit, group in zip(roots, examples.units, given, strict=True):
        name = (True, unit) if group is None else (False, str(group))
        names[at] = min(names.get(at, name), name)
    return tuple(names[at][1] for at in roots)


def _repeats(values: Sequence[Hashable]) -> bool:
    """Whether two examples have the same value; None is no value."""
    different = set(values)
    absent = sum(value is None for value in values) if None in different else 0
    return len(different - {None}) + absent < len(values)


def _members(sets: Sequence[Sequence[int]], count: int) -> list[int | None]:
    """For each of `count` examples the number of its set, None where it is in none."""
    found: list[int | None] = [None] * count
    for number, members in enumerate(sets):
        for i in members:
            found[i] = number
    return found


def subset(examples: Examples, indices: Sequence[int]) -> Examples:
    """The examples at `indices`, in that order, as examples of their own."""
    places = np.asarray(indices, dtype=np.int64)

    def fetch(chosen: Sequence[int], views: Array | None) -> Columns:
        return examples.fetch(places[np.asarray(chosen, dtype=np.int64)].tolist(), views)

    return dataclasses.replace(
        examples,
        ids=tuple(examples.ids[i] for i in indices),
        units=tuple(examples.units[i] for i in indices),
        facts={name: tuple(values[i] for i in indices) for name, values in examples.facts.items()},
        fetch=fetch,
    )


def indices_by_part(rows: Sequence[Row]) -> dict[Part, tuple[int, ...]]:
    """The positions of the rows of each part, in the order of the rows."""
    return {part: tuple(i for i, row in enumerate(rows) if row.part == part) for part in PARTS}


def summary(rows: Sequence[Row]) -> list[str]:
    """A line for the number of examples in each part, one for each reason but chance, one for what is left out."""
    counts = Counter(row.part for row in rows)
    lines = [", ".join(f"{part} {counts[part]:,}" for part in PARTS) + f" of {len(rows):,} examples"]
    for (part, why), count in sorted(Counter((row.part, row.why) for row in rows if row.part).items()):
        if not why.startswith("by chance"):
            lines.append(f"{part} {count:,}: {why}")
    out = [row for row in rows if not row.part]
    if out:
        lines.append(f"in no part {len(out):,}, for instance {out[0].id!r}: {out[0].why}")
    return lines


def write_split(path: Path, rows: Sequence[Row]) -> None:
    """Write `split.csv`, whole or not at all; a spreadsheet will not take a name in it for a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_MINIMAL, lineterminator="\r\n")
    writer.writerow(_HEAD)
    writer.writerows(map(_guard, (row.unit, row.id, row.part, row.group, row.why)) for row in rows)
    # File names that are no valid text come from the system as lone surrogates and go back as such.
    files.write_whole(path, text.getvalue().encode("utf-8", "surrogatepass"))


def read_split(path: Path) -> list[Row]:
    """The rows of a `split.csv` as they were written; `RunError` where it is missing or damaged."""
    content = files.read_bytes(path, LIMIT)
    guarded = b"'" in content
    try:
        # Decoded line by line: a million rows as one text take four bytes a character.
        text = io.TextIOWrapper(io.BytesIO(content), "utf-8", "surrogatepass", newline="")
        lines = csv.reader(text, strict=True)
        if next(lines, None) != _HEAD:
            raise ValueError(_OTHER_COLUMNS)
        plain = ([cell.removeprefix("'") for cell in line] for line in lines) if guarded else lines
        rows = list(_sharing(Row._make(line) for line in plain))
        if unknown := {row.part for row in rows} - {*PARTS, ""}:
            raise ValueError(f"{min(unknown)!r} is no part")
    except (ValueError, TypeError, csv.Error) as error:
        reason = _OTHER_COLUMNS if isinstance(error, TypeError) else error
        raise RunError(
            f"{path.name} is damaged: {reason}.",
            where=str(path),
            do="restore it from a copy; a run whose own files are damaged cannot be trusted",
        ) from error
    return rows


def _sharing(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows with equal cells as one string: parts and reasons repeat, and most examples are their own group."""
    repeated: dict[str, str] = {}
    for unit, name, part, group, why in rows:
        yield Row(
            name if unit == name else unit,
            name,
            repeated.setdefault(part, part),
            name if group == name else unit if group == unit else group,
            repeated.setdefault(why, why),
        )


def _guard(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _keep(
    assigned: Assignment,
    ids: Sequence[str],
    groups: Sequence[str],
    earlier: Mapping[str, str],
    remembered: Mapping[str, str],
) -> Assignment:
    """The assignment, but with every example of an earlier run in its old part, and its group's new ones there too."""
    if not earlier and not remembered:
        return assigned
    known = [earlier.get(name) or remembered.get(name) for name in ids]
    old: dict[str, Part | str] = {}
    for part, group in zip(known, groups, strict=True):
        if part:
            old[group] = min(old.get(group, part), part, key=PARTS.index)
    parts, reasons = list(assigned.parts), list(assigned.reasons)
    for i, (name, part, group) in enumerate(zip(ids, known, groups, strict=True)):
        if part:
            if name in earlier:
                reasons[i] = "as in the earlier run"
            elif parts[i] != part:  # else the rule itself puts it there
                reasons[i] = "as in earlier runs (the ledger)"
            parts[i] = part
        elif group in old:
            parts[i], reasons[i] = old[group], "joins its group of an earlier run"
    return Assignment(tuple(parts), tuple(reasons))


def _classes(labels: Sequence[Any]) -> Sequence[Any]:
    """The labels if they name classes; nothing where they are measured numbers."""
    return labels if all(label is None or isinstance(label, (str, int)) for label in labels) else ()


def _check_classes(labels: Sequence[Any], source: str) -> None:
    counts = Counter(label for label in labels if label is not None)
    if len(counts) == 1:
        raise DataError(
            f"All {len(labels):,} examples have the label {next(iter(counts))!r}: there is nothing to tell apart.",
            where=source,
            do="add examples of another class, or check that the source is the folder above the class folders",
        )
    if counts and max(counts.values()) == 1:
        raise DataError(
            f"Each of the {len(counts):,} classes has one example only: nothing would be left to judge by.",
            where=source,
            do="give every class at least 3 examples (one each for train, valid and test); 50 or more are better",
        )


def _check_parts(assigned: Assignment, labels: Sequence[Any], source: str) -> None:
    counts = Counter(assigned.parts)
    if empty := [part for part in PARTS if not counts[part]]:
        listed = ", ".join(f"{part} {counts[part]:,}" for part in PARTS)
        raise DataError(
            f"The split leaves {' and '.join(empty)} empty ({listed}, in no part {counts['']:,}).",
            where=source,
            do="add examples, or groups of them (what belongs together stays in one part), or choose other shares "
            "with --split.train, --split.valid and --split.test",
        )
    if not labels:
        return
    known = {label for label, part in zip(labels, assigned.parts, strict=True) if part == "train"}
    strange = Counter(label for label, part in zip(labels, assigned.parts, strict=True) if part and label not in known)
    if strange:
        shown = ", ".join(f"{label!r} ({count:,})" for label, count in strange.most_common(5))
        more = f" and {len(strange) - 5:,} more" if len(strange) > 5 else ""
        raise DataError(
            f"{len(strange):,} of the classes in valid or test {'is' if len(strange) == 1 else 'are'} not in train "
            f"and cannot be learnt: {shown}{more}.",
            where=source,
            do="add training examples of these classes, take the classes out, or mend their names",
        )
