"""What an examination brought up: of a script that was run under observation, or of a run from what was read of it."""

from __future__ import annotations

from dataclasses import dataclass

from stepwell.doctor import diagnosing, remedying
from stepwell.doctor.guard import Guard
from stepwell.doctor.record import SIGNALS, read
from stepwell.errors import RunError
from stepwell.run import Run
from stepwell.schema import Finding


@dataclass(frozen=True)
class Examination:
    """How a script or a run went: what was watched, what was found, and how it ended.

    `watched` holds one (model's name, updates seen, share of the time that looking took) per optimizer; `unread` says
    what could not be judged. `code` is the script's exit code, `error` the last line of an error that ended it, or "".
    """

    findings: tuple[Finding, ...]
    watched: tuple[tuple[str, int, float], ...]
    unread: tuple[str, ...]
    code: int
    error: str


def of_run(run: Run) -> Examination:
    """What the diagnoses say of a run's `signals.jsonl`, now; RunError where the doctor was not there."""
    state = run.state()
    path = run.path(SIGNALS)
    if not path.exists():
        raise RunError(
            "The doctor did not read this training.",
            where=str(run.folder),
            do="train without --training.doctor false; runs of several trainings have theirs in members/",
        )
    record, guard = read(path), Guard()
    found = remedying.with_flags(diagnosing.findings(record, guard), record, run.recipe())
    unread = (*record.unread, *(f"{name} could not judge: {why}" for name, why in guard.failed.items()))
    watched = ((str(state["task"]), record.length, record.cost),)
    return Examination(found, watched, unread, 0, "" if state["state"] == "finished" else str(state.get("why") or ""))
