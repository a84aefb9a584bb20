"""From runs to figures: what each rule set said, when it was first right, and how sure the rates are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from scipy.stats import beta

from stepwell.doctor import diagnosing
from stepwell.doctor.guard import Guard
from stepwell.doctor.record import UNKNOWN, Record
from stepwell.doctor.watch import ASKED

from .cache import Run
from .published import MEANS, SETS

OURS = "Stepwell"
AT_THE_END = frozenset(
    {"rows_seen", "batch_classes", "batch_rows", "held_out_seen", "seen_twice", "classes_seen", "rarest_share"}
    | {"labels", "neighbors_agree", "neighbors_chance", "neighbors_z", "telling_columns", "last_inputs_finite"}
)
"""Facts that the doctor reads when a training is over."""


def named(record: Record) -> list[str]:
    """What the doctor names of severity 2 and more; what is folded under a cause does not count."""
    return [one.name for one in diagnosing.findings(record, Guard()) if one.severity > 1]


def so_far(record: Record) -> Iterator[tuple[float, Record]]:
    """The record as it was when the doctor may have spoken: after each look, and where it is asked; then the whole."""
    facts = {name: value for name, value in record.facts.items() if name not in AT_THE_END}
    length = max(1, record.length)
    spoken = {math.ceil(share * (record.horizon or UNKNOWN)) for share in ASKED}
    spoken |= {int(row["step"]) for row in record.probes}
    for step in sorted(spoken):
        if step < length:
            steps = [row for row in record.steps if row["step"] < step]
            probes = [row for row in record.probes if row["step"] <= step]
            yield step / length, replace(record, facts=facts, steps=steps, probes=probes, ended=False)
    yield 1.0, record


@dataclass(frozen=True)
class Said:
    """What one rule set said of one run: `names` at its end, `ever` at any time, `first` true name as a share of it.

    `folded` are named at its end under a cause, as what follows from it.
    """

    names: list[str]
    ever: frozenset[str]
    first: float | None
    folded: frozenset[str] = frozenset()


def ours(run: Run, true: frozenset[str] = frozenset()) -> Said:
    """The doctor, asked at the probes at which `stepwell diagnose` speaks, and at the end."""
    ever: set[str] = set()
    first = None
    names: list[str] = []
    for share, record in so_far(run.record):
        names = named(record)
        ever.update(names)
        if first is None and true & set(names):
            first = share
    everything = {name for name, one in diagnosing.seen(run.record, Guard()).items() if one.severity > 1}
    return Said(names, frozenset(ever), first, frozenset(everything - set(names)))


def theirs(rules: Callable[..., list[str]], run: Run, true: frozenset[str] = frozenset()) -> Said:
    """A published rule set, asked at the end of every epoch; a symptom is true where it can mean a true fault."""
    if not run.epochs:
        return Said([], frozenset(), None)
    length = max(1, run.record.horizon or run.epochs[-1]["step"])
    facts = {**run.record.facts, "epochs": length / run.epochs[0]["step"]}
    ever: set[str] = set()
    first = None
    names: list[str] = []
    for count in range(1, len(run.epochs) + 1):
        names = rules(run.epochs[:count], facts)
        ever.update(names)
        if first is None and any(true & MEANS[name] for name in names):
            first = run.epochs[count - 1]["step"] / max(1, run.record.length)
    return Said(names, frozenset(ever), first)


def everyone(run: Run, true: frozenset[str] = frozenset()) -> dict[str, Said]:
    """What the doctor and each published rule set said."""
    return {OURS: ours(run, true), **{name: theirs(rules, run, true) for name, rules in SETS.items()}}


def bound(count: int, of: int) -> float:
    """The upper limit of a rate, exact for independent runs, that 95 of 100 such limits keep (Clopper and Pearson)."""
    return float(beta.ppf(0.95, count + 1, of - count)) if count < of else 1.0


class Faulty:
    """Counts over runs that have faults, for one rule set."""

    def __init__(self) -> None:
        self.tally: Counter[str] = Counter()
        self.firsts: list[float] = []

    def add(
        self, said: Said, true: frozenset[str], *, also: frozenset[str], fails: bool, symptoms: bool = False
    ) -> str:
        """Count one run; returns what is to be said of it, "" where all is as it should be.

        `also` holds other true names of the same fault; `fails` says that it did harm; `symptoms` that what was said
        are symptoms, not faults.
        """
        means: Mapping[str, frozenset[str]] = MEANS if symptoms else {}
        right = [name for name in said.names if (true | also) & means.get(name, frozenset({name}))]
        found = {fault for fault in true for name in right if {fault, *also} & means.get(name, frozenset({name}))}
        self.tally["runs"] += 1
        self.tally["alarmed"] += bool(said.names)
        self.tally["true"] += bool(right)
        self.tally["failing"] += fails
        self.tally["failing true"] += fails and bool(right)
        self.tally["first"] += bool(said.names and said.names[0] in right)
        self.tally["faults"] += len(true)
        self.tally["found"] += len(found)
        self.tally["names"] += len(said.names)
        self.tally["right"] += len(right)
        self.tally["folded"] += len(said.folded)
        self.tally["folded right"] += len((true - found) & said.folded)
        if said.first is not None:
            self.firsts.append(said.first)
        missed, wrong = sorted(true - found), [name for name in said.names if name not in right]
        return "; ".join([*([f"missed {missed}"] if missed else []), *([f"wrong {wrong}"] if wrong else [])])

    def lines(self) -> list[str]:
        """The figures, a line each."""
        tally = self.tally
        if not tally["runs"]:
            return ["no runs"]
        shown = (
            ("a true fault named", "true", "runs"),
            (" where the run fails", "failing true", "failing"),
            ("first named is true", "first", "runs"),
            ("faults named", "found", "faults"),
            ("names that are true", "right", "names"),
        )
        lines = [f"{text:<22} {share(tally[name], tally[of])}" for text, name, of in shown]
        lines.append(f"{'names a run':<22} {tally['names'] / tally['runs']:.2f}")
        if tally["folded"]:
            named, right = tally["names"] + tally["folded"], tally["right"] + tally["folded right"]
            lines.append(
                f"{' those folded counted':<22} {share(tally['found'] + tally['folded right'], tally['faults'])}"
            )
            lines.append(f"{' of all these true':<22} {share(right, named)}; {named / tally['runs']:.2f} a run")
        if self.firsts:
            early = sorted(self.firsts)
            ninth = early[int(0.9 * (len(early) - 1))]
            lines.append(
                f"{'first true name after':<22} {median(early):.0%} of the run (median), {ninth:.0%} (ninth decile)"
            )
        return lines


def share(count: int, of: int) -> str:
    """A count, what it is of, and the rate."""
    return f"{count:>4} of {of:>4}  {count / of:.1%}" if of else f"{count:>4} of    0"


def alarms(said: Sequence[Mapping[str, Said]]) -> list[str]:
    """Of healthy runs, for every rule set: how many were alarmed at their end, and how many at any time."""
    lines = []
    for name in (OURS, *SETS):
        end, ever = sum(bool(one[name].names) for one in said), sum(bool(one[name].ever) for one in said)
        limit = f"95 % bound {bound(end, len(said)):.1%}" if said else ""
        lines.append(
            f"{name:<14} alarms at the end {share(end, len(said))}  {limit}; at any time {share(ever, len(said))}"
        )
    return lines
