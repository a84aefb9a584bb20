"""Rows of the validation data that were learnt from.

What: the same rows lie in both parts.
Why it matters: the validation score then tells how well was memorized.
How it is seen: exactly: digests of rows; over a fifth of the held-out rows were seen in training, where training
    itself repeats under a tenth.
Remedy: remove the copies, or split by groups of equal rows.
Risk: data of few distinct rows repeats by nature.
"""

from __future__ import annotations

from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ()
REMEDIES: tuple[str, ...] = ("regroup_split",)


def diagnose(record: Record) -> Finding | None:
    """From digests of the rows seen."""
    held, twice = record.facts.get("held_out_seen"), record.facts.get("seen_twice")
    if held is None or held <= 0.2 or (twice is not None and twice >= 0.1):
        return None
    return Finding(
        name="data_leak_rows",
        severity=2,
        message=f"{100 * held:.0f} % of the held-out rows were learnt from.",
        why="The validation score tells how well these rows are remembered, not how well new ones will be answered.",
        remedy="split by distinct rows, so that copies lie in one part",
        where={"part": "valid"},
        evidence={"share": held, "threshold": 0.2},
        refuted_by="other targets for the same rows",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """Training rows among the held-out."""
    return DataFault("data_leak_rows", 0.5)
