"""A column that is not learned from."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True
BY_GAIN = False


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """The columns that the finding names; those known by their place in a batch alone have no name in the data."""
    evidence, where = finding.evidence, finding.where.get("column")
    named = evidence.get("columns") or list(evidence.get("error_taken_away", ())) or ([where] if where else [])
    names = [one for one in named if isinstance(one, str)]
    if "reader.drop" not in settings or not names:
        return []
    drop = tuple(dict.fromkeys((*settings["reader.drop"], *names)))
    return [Change({"reader.drop": drop}, "it would not be known when an answer is wanted")]
