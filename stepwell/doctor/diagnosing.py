"""Every diagnosis looks at what was read; what they say is ordered: causes first, consequences under their cause."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from stepwell import discovery
from stepwell.doctor.guard import Guard
from stepwell.doctor.record import Record
from stepwell.schema import Finding

ROOM = "doctor.diagnoses"
KINDS = ("data", "program", "beginning", "dynamics", "outcome", "unknown")
"""What a diagnosis is about, causes before consequences: the differential order."""


HARMFUL, LASTING = 2, 1 / 8
"""The severity of what must have lasted: below it is a notice, above it what is certain; and how long it must have, of
what was trained so far."""


def findings(record: Record, guard: Guard) -> tuple[Finding, ...]:
    """What every diagnosis says of a record, causes first; a consequence is folded under what explains it.

    While the training goes on, what is harmful is said once it has lasted; what makes it stop, at once. A folded
    finding is named in the evidence of its cause ("consequences"), not listed by itself, and folds nothing in its turn.
    A diagnosis that raises is noted in `guard` and left out.
    """
    return judged(record, guard)[0]


def judged(record: Record, guard: Guard) -> tuple[tuple[Finding, ...], frozenset[str]]:
    """The findings, and the names of what is not among them, for it has not lasted yet."""
    found = seen(record, guard)
    harmful = {name for name, one in found.items() if one.severity == HARMFUL}
    if record.ended or not harmful:
        return _ordered(found), frozenset()
    earlier = record.until(int(record.length * (1 - LASTING)))
    doubtful = frozenset(harmful - set(seen(earlier, guard)))
    return _ordered({name: one for name, one in found.items() if name not in doubtful}), doubtful


def _ordered(found: Mapping[str, Finding]) -> tuple[Finding, ...]:
    """Causes first, consequences folded."""
    rank: dict[str, tuple[int, int, str]] = {}
    explains: dict[str, frozenset[str]] = {}
    for name, one in found.items():
        module = discovery.load(ROOM, name)
        rank[name] = (KINDS.index(module.KIND), -one.severity, name)
        explains[name] = frozenset(module.EXPLAINS)
    under: dict[str, list[str]] = {}
    left = set(found)
    while left:
        # Those that nothing left explains; at least the first where diagnoses would explain each other in a circle.
        ready = [name for name in left if not any(name in explains[other] for other in left - {name})] or [min(left)]
        for name in sorted(ready, key=lambda one: rank[one]):
            causes = [other for other in under if name in explains[other] and found[other].severity > 1]
            for other in causes:
                under[other].append(name)
            if not causes:
                under[name] = []
        left -= set(ready)
    return tuple(_with(found[name], under[name]) for name in sorted(under, key=lambda one: rank[one]))


def seen(record: Record, guard: Guard) -> dict[str, Finding]:
    """What each diagnosis says by itself, nothing folded, by its name."""
    found: dict[str, Finding] = {}
    for name in discovery.names(ROOM):
        if not guard.allows(name):
            continue
        with guard(name):
            one = discovery.load(ROOM, name).diagnose(record)
            if one is not None:
                found[name] = one
    return found


def _with(finding: Finding, consequences: Sequence[str]) -> Finding:
    if not consequences:
        return finding
    return replace(finding, evidence={**finding.evidence, "consequences": list(consequences)})
