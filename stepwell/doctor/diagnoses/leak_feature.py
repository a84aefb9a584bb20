"""A column that tells the label.

What: the classes do not overlap in one column, and in no other.
Why it matters: what is known of the label at training may not be known when predicting.
How it is seen: exactly: one threshold on one column separates all rows seen, and only few columns do that.
Remedy: ask whether the column is known before the label is; if not, drop it.
Risk: some problems are that easy.
"""

from __future__ import annotations

from stepwell.doctor.changes import DataFault, Settings
from stepwell.doctor.record import Record
from stepwell.schema import Finding

KIND = "data"
SEVERITY = 2
EXPLAINS: tuple[str, ...] = ()
REMEDIES: tuple[str, ...] = ("drop_column",)


def diagnose(record: Record) -> Finding | None:
    """From the rows seen."""
    columns, labels = record.facts.get("telling_columns"), record.facts.get("labels", 0)
    width = record.facts.get("input_columns", 0)
    if not columns or labels < 200 or width < 5 or len(columns) > max(1, width // 10):
        return None
    return Finding(
        name="leak_feature",
        severity=2,
        message=f"Column {columns[0]} alone tells the classes apart, in all {labels:,} rows that were seen.",
        why="A column that knows the label is often made from it, and will not be there when predictions are "
        "asked for.",
        remedy="find out where the column comes from; drop it if it is known only together with the label",
        where={"part": "train", "column": columns[0]},
        evidence={"columns": columns[:5], "rows": labels},
        refuted_by="the column is known before the label is",
    )


def infect(settings: Settings) -> DataFault:  # noqa: ARG001 - the same of any settings
    """A column that is the answer."""
    return DataFault("leak_feature")
