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


def findings(record: Record, guard: Guard) -> tuple[Finding, ...]:
    """What every diagnosis says of a record, causes first; a consequence is folded under what explains it.

    A folded finding is named in the evidence of its cause ("consequences") and not listed by itself. A diagnosis that
    raises is noted in `guard` and left out.
    """
    found: dict[str, Finding] = {}
    rank: dict[str, tuple[int, int, str]] = {}
    explains: dict[str, frozenset[str]] = {}
    for name in discovery.names(ROOM):
        if not guard.allows(name):
            continue
        with guard(name):
            module = discovery.load(ROOM, name)
            one = module.diagnose(record)
            if one is not None:
                found[name] = one
                rank[name] = (KINDS.index(module.KIND), -one.severity, name)
                explains[name] = frozenset(module.EXPLAINS)
    causes = {name: explains[name] & found.keys() for name in found if found[name].severity > 1}
    hidden = frozenset().union(*causes.values())
    shown = sorted(found.keys() - hidden, key=lambda name: rank[name])
    return tuple(_with(found[name], sorted(_under(name, causes), key=lambda one: rank[one])) for name in shown)


def _under(name: str, causes: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """All that follows from a cause, directly or through what it explains."""
    reached: frozenset[str] = frozenset()
    left = causes.get(name, frozenset())
    while left:
        reached |= left
        left = frozenset().union(*(causes.get(one, frozenset()) for one in left)) - reached
    return reached - {name}


def _with(finding: Finding, consequences: Sequence[str]) -> Finding:
    if not consequences:
        return finding
    return replace(finding, evidence={**finding.evidence, "consequences": list(consequences)})
