"""Takes in a run that is to be healed: whether it can be, the folder of its healing, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from stepwell import discovery, files, reading, training
from stepwell import run as run_folders
from stepwell.errors import Interrupted, RunError
from stepwell.job import Clock, Job
from stepwell.progress import open_progress
from stepwell.report import healing as page
from stepwell.run import Run
from stepwell.trials import healing
from stepwell.trials.healing import Healing


def heal(folder: Path, seconds: float | None, data: Any, progress: str) -> Healing:
    """Heal the run in `folder`, or go on with its healing; one that is done is read back.

    RunError where the run cannot be healed, or another process is healing it.
    """
    clock = Clock()
    ill = run_folders.open_run(folder)
    known = ill.state()
    source = _source(ill, known, data)
    place = ill.folder / "heal"
    if not (place / "run.json").is_file():
        run_folders.create(place, "heal", known["task"], run_folders.command())
    made = run_folders.open_run(place)
    if made.state()["state"] == "finished":
        return msgspec.convert(made.read_json(healing.RESULT), Healing)
    with open_progress(progress, made.path("log.txt")) as shown, made.lock():
        owner, force = discovery.task(known["task"]), bool(known.get("force"))
        try:
            found = healing.heal(ill, Job(made, owner, ill.recipe(), source, shown, clock, force=force), seconds)
            _keep(made, found)
        except BaseException as error:
            training.interrupted_or_failed(made, error)
            if isinstance(error, Interrupted | KeyboardInterrupt):
                again = f"stepwell heal {ill.folder}"
                raise Interrupted("Stopped; what was tried is saved.", where=str(place), do=again) from error
            raise
    return found


def _keep(made: Run, found: Healing) -> None:
    content = healing.to_json(found)
    made.write_json(healing.RESULT, content)
    made.write_json("findings.json", content["findings"])
    files.write_whole(made.path(healing.PAGE), page.build(content))
    made.set_state("finished")


def _source(ill: Run, known: Mapping[str, Any], data: Any) -> Any:
    """Where the data of a run lie that can be healed; RunError where it cannot be."""
    where = str(ill.folder)
    if known["kind"] != "single":
        do = "heal one of its members, or train a single network"
        raise RunError(f"A run of several trainings ({known['kind']}) is not healed as one.", where=where, do=do)
    if known.get("own_model"):
        do = "use stepwell.watch around your own training"
        raise RunError("This run trained a module of your own, which no recipe can change.", where=where, do=do)
    if not ill.path("recipe.yaml").exists():
        raise RunError("This run stopped before its recipe was complete.", where=where, do="train it anew")
    source = data if data is not None else known.get("data")
    if source is None:
        do = "give them again: stepwell.heal(run, data=…)"
        raise RunError("This run was trained on data in memory, which only the caller has.", where=where, do=do)
    reading.must_exist(source)
    return source
