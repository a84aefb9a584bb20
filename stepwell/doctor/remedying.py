"""From a finding to changes of the recipe: what each remedy of the diagnosis would change, best first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from stepwell import discovery
from stepwell.doctor import diagnosing
from stepwell.doctor.changes import Change, Settings
from stepwell.doctor.record import Record
from stepwell.recipe import Recipe, flat
from stepwell.schema import Finding

ROOM = "doctor.remedies"
STOPPING = 3  # the severity of a finding at which a training stops unless it is forced


def remedies(finding: Finding, record: Record, settings: Settings) -> list[Change]:
    """The changes that could answer a finding, best first, no two of them the same; none where no recipe holds it.

    Findings of the audit are answered where they would have stopped the training: what is weaker is for its owner to
    decide, as dropping a column that only looks as if it told the answer would cost what it rightly tells.
    """
    found: list[Change] = []
    for name in _named(finding):
        remedy = discovery.load(ROOM, name)
        for one in remedy.changes(settings, record, finding):
            if all(dict(one.values) != dict(other.values) for other in found):
                by_gain = getattr(remedy, "BY_GAIN", True)
                found.append(replace(one, name=name, structural=remedy.STRUCTURAL, by_gain=by_gain))
    return found


def _named(finding: Finding) -> tuple[str, ...]:
    """The remedies that the diagnosis or the check of the audit names."""
    if finding.name in discovery.names(diagnosing.ROOM):
        return tuple(discovery.load(diagnosing.ROOM, finding.name).REMEDIES)
    checks = discovery.names("audit") if finding.severity == STOPPING else ()
    known = (getattr(discovery.load("audit", check), "REMEDIES", {}) for check in checks)
    return next((tuple(one[finding.name]) for one in known if finding.name in one), ())


def with_flags(findings: Sequence[Finding], record: Record, recipe: Recipe) -> tuple[Finding, ...]:
    """The findings, their remedy followed by the flags of `stepwell train` that make the best change."""
    settings = flat(recipe)
    told = []
    for one in findings:
        best = next(iter(remedies(one, record, settings)), None) if one.severity > 1 else None
        told.append(one if best is None else replace(one, remedy=f"{one.remedy} (as flags: {flags(best)})"))
    return tuple(told)


def flags(change: Change) -> str:
    """The change as flags of `stepwell train`."""
    words = []
    for path, value in change.values.items():
        word = _word(value)
        words.append(f"--{path.removesuffix('.name')} {word if '.' in path else word.strip('[]')}")
    return " ".join(words)


def _word(value: object) -> str:
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_word, value)) + "]"
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
