"""A column that is not learned from."""

from __future__ import annotations

from stepwell.doctor.changes import Change, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

STRUCTURAL = True


def changes(settings: Settings, record: Record, finding: Finding) -> list[Change]:  # noqa: ARG001 - the form of a remedy
    """The columns that the finding names."""
    named = finding.where.get("columns") or finding.where.get("column")
    columns = [named] if isinstance(named, str) else list(named or ())
    if "reader.drop" not in settings or not columns:
        return []
    drop = tuple(dict.fromkeys((*settings["reader.drop"], *map(str, columns))))
    return [Change({"reader.drop": drop}, "it would not be known when an answer is wanted")]
