"""Runs that were made once: what the doctor read, what the rules of others need, and how it ended, by configuration.

A run is found again by the digest of what describes it. What was read by another version of the doctor's eyes (all of
stepwell/doctor but what judges, remedies or serves other trainings) is used all the same, and counted, so that it can
be said.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stepwell.doctor
from stepwell.doctor.record import Record, read

CACHE = Path("build/doctor")
JUDGING = frozenset(
    {"diagnoses", "diagnosing.py", "measures.py", "page.py", "remedies", "remedying.py", "changes.py"}
    | {"script.py", "attending.py", "examination.py", "proof.py", "course.py"}
)
Made = tuple[Record, list[dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Run:
    """One run: `epochs` holds what the rules of others need, `ended` how it ended, `stale` that other eyes read it."""

    name: str
    case: dict[str, Any]
    record: Record
    epochs: list[dict[str, Any]]
    ended: dict[str, Any]
    stale: bool


def cached(part: str, name: str, case: dict[str, Any], make: Callable[[], Made]) -> Run:
    """The run of `case`, from the cache where it is there, else made and kept."""
    place = _place(part, name, case)
    record, epochs, ended = (place.with_suffix(end) for end in (".jsonl", ".epochs.json", ".json"))
    if not ended.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        made = make()
        record.write_text("\n".join(made[0].rows()))
        epochs.write_text(json.dumps(made[1]))
        ended.write_text(json.dumps({**made[2], "case": case, "eyes": eyes()}))
    said = json.loads(ended.read_text())
    return Run(name, case, read(record), json.loads(epochs.read_text()), said, said["eyes"] != eyes())


def known(part: str, name: str, case: dict[str, Any]) -> bool:
    """Whether the run of `case` is in the cache."""
    return _place(part, name, case).with_suffix(".json").exists()


def _place(part: str, name: str, case: dict[str, Any]) -> Path:
    digest = hashlib.sha256(json.dumps(case, sort_keys=True).encode()).hexdigest()[:12]
    return CACHE / part / f"{name}-{digest}"


@functools.cache
def eyes() -> str:
    """A digest of the source of what reads a training."""
    home = Path(str(stepwell.doctor.__file__)).parent
    files = sorted(one for one in home.rglob("*.py") if one.relative_to(home).parts[0] not in JUDGING)
    digest = hashlib.sha256()
    for one in files:
        digest.update(one.read_bytes())
    return digest.hexdigest()[:12]
