"""What the doctor read of one training: plain numbers, without torch, as diagnoses see them and as they are saved."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stepwell import files
from stepwell.errors import RunError

FORMAT = 1
SIGNALS = "signals.jsonl"  # the file in a run folder
LIMIT = 200 * 2**20  # bytes of a file that is taken for a record
EARLY, MOST_STEPS, MOST_NORMS, MOST_PROBES = 512, 8_192, 512, 256  # rows: kept as they are, and kept at most
EARLY_PROBES = 8
UNKNOWN = 600  # updates that an unknown horizon is taken for


@dataclass
class Record:
    """The numbers of one training, in the order in which they were read.

    `facts` were read once, before the first update: of the data, the loss, the graph, the optimizer. `steps` holds one
    mapping per optimizer update that was read (`step` from 0, `loss` as the user computes it, and on some steps norms
    by parameter), `probes` one per look at the fixed probe batch. `horizon` is the number of updates planned, or None.
    `unread` says in sentences what could not be read, and so is not judged; `cost` is the share of the time that
    reading took.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    horizon: int | None = None
    unread: list[str] = field(default_factory=list)
    ended: bool = False
    cost: float = 0.0

    @property
    def length(self) -> int:
        """Updates seen so far."""
        return int(self.steps[-1]["step"]) + 1 if self.steps else 0

    @property
    def progress(self) -> float:
        """The share of the horizon that was seen, in 0..1; of an unknown horizon, of `UNKNOWN` updates."""
        return 1.0 if self.ended else min(1.0, self.length / (self.horizon or UNKNOWN))

    def thin(self) -> None:
        """Of a long training keep fewer rows, those of the beginning whole: every other of the rest, again and again.

        So the record stays within some megabytes, and within a fraction of a second to judge, however long it gets.
        """
        if len(self.steps) > MOST_STEPS:
            late = self.steps[EARLY:]
            rich = [row for row in late if "updates" in row or "own" in row]
            plain = [row for row in late if "updates" not in row and "own" not in row]
            rich = rich[1::2] if len(rich) > MOST_NORMS else rich
            self.steps = self.steps[:EARLY] + sorted([*rich, *plain[1::2]], key=lambda row: row["step"])
        if len(self.probes) > MOST_PROBES:
            late = self.probes[EARLY_PROBES:]
            self.probes = self.probes[:EARLY_PROBES] + late[len(late) % 2 == 0 :: 2]

    def until(self, step: int) -> Record:
        """What was read before update `step`, for a training that goes on from there."""
        steps = [row for row in self.steps if row["step"] < step]
        probes = [row for row in self.probes if row["step"] <= step]
        return Record(self.facts, steps, probes, self.horizon)

    def rows(self) -> Iterator[str]:
        """The record as JSON lines; numbers that are not finite are text."""
        head: dict[str, Any] = {"format": FORMAT, "horizon": self.horizon, "ended": self.ended}
        head = {**head, "unread": self.unread, "cost": self.cost}
        yield json.dumps({"record": head})
        yield json.dumps({"facts": _plain(self.facts)})
        for kind, rows in (("step", self.steps), ("probe", self.probes)):
            for row in rows:
                yield json.dumps({kind: _plain(row)})


def read(path: Path) -> Record:
    """The record in a `signals.jsonl`; `RunError` where there is none that can be read."""
    record = Record()
    try:
        for line in files.read_bytes(path, LIMIT).decode().splitlines():
            ((kind, row),) = json.loads(line).items()
            row = dict(_numbers(row))
            if kind == "record":
                if row["format"] > FORMAT:
                    raise RunError("The signals were written by a newer Stepwell.", where=str(path), do="upgrade")
                record.horizon, record.ended, record.unread = row["horizon"], row["ended"], row["unread"]
                record.cost = row.get("cost", 0.0)
            elif kind == "facts":
                record.facts = row
            else:
                {"step": record.steps, "probe": record.probes}[kind].append(row)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError("These signals cannot be read.", where=str(path), do="watch the training again") from error
    return record


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return {"number": repr(value)}
    return value


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"number"}:
            return float(value["number"])
        return {name: _numbers(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_numbers(one) for one in value]
    return value
