"""The run folder: one training's whole yield, written whole, read back, listed and removed.

    run.json          format, kind, task, command, state, why, created, changed; replaced atomically
    recipe.yaml       every setting and where it came from
    environment.json  versions, machine, threads
    split.csv  history.jsonl  signals.jsonl  timings.jsonl  findings.json  log.txt
    checkpoints/  predictions/  scores.json  artifact/  members/NN/  report.html  card.md
    .lock             held by the process that trains

States: `created` (made, nothing frozen yet), `running`, `finished` (all of the above is whole),
`failed` (an error, in `why`), `stopped` (by the user, by a limit, or by the death of its process).
"""

from __future__ import annotations

import contextlib
import difflib
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args

from stepwell import files, locks
from stepwell.errors import RunError
from stepwell.recipe import Recipe, from_yaml

FORMAT = 1
State = Literal["created", "running", "finished", "failed", "stopped"]
RUNS = Path("runs")
"""Where runs lie unless `--run` says otherwise."""

_FILE = "run.json"
_ALWAYS = dict.fromkeys(("kind", "task", "command", "state", "why", "created"), str)
_SOMETIMES: Mapping[str, type | tuple[type, ...]] = {
    "data": (str, NoneType),
    "start": (str, NoneType),
    "lineage": str,
    "phase_start": int,
    "trial": dict,
}
_LISTING_DEPTH = 4
_DIED = "its process ended without a word (killed, or the machine stopped)"


@dataclass(frozen=True)
class Run:
    """One run folder. What it holds is read anew at every call, so that it may change under us."""

    folder: Path

    def path(self, name: str) -> Path:
        """The path of a file of this run, whether it is there or not."""
        return self.folder / name

    def state(self) -> dict[str, Any]:
        """The content of ``run.json``: format, kind, task, command, state, why, created, changed."""
        return _read_state(self.folder)

    def set_state(self, state: State, why: str = "") -> None:
        """Replace the state, and why it is so; all else of ``run.json`` stays."""
        content = {**self.state(), "state": state, "why": why, "changed": _now()}
        files.write_json(self.path(_FILE), content)

    @contextlib.contextmanager
    def lock(self) -> Iterator[str]:
        """Hold the run against other processes, and remove what a killed one left half-written.

        Yields an empty text, or a sentence to be shown where the file system knows no locks.
        `RunError` where another process works on this run.
        """
        with locks.hold(self.folder) as note:
            files.clean(self.folder)
            yield note

    def write_json(self, name: str, value: Any) -> None:
        """Write a JSON file of this run, whole."""
        files.write_json(self.path(name), value)

    def read_json(self, name: str) -> Any:
        """The value of a JSON file of this run; `RunError` where it is missing or damaged."""
        return files.read_json(self.path(name))

    def recipe(self) -> Recipe:
        """The frozen recipe of this run."""
        return from_yaml(files.read_bytes(self.path("recipe.yaml"), files.JSON_LIMIT).decode(errors="replace"))

    def environment(self) -> dict[str, Any]:
        """What this run was trained on: versions, machine, threads."""
        content = self.read_json("environment.json")
        return content if isinstance(content, dict) else {}


def new_folder(task: str, root: Path = RUNS) -> Path:
    """Make ``root/<task>/<time>``, a folder that no other process got, also within one second."""
    stem = root / task / datetime.now().astimezone().strftime("%Y-%m-%d_%H-%M-%S")
    with files.refusing("made", stem):
        stem.parent.mkdir(parents=True, exist_ok=True)
        for number in range(1, 10_000):
            folder = stem if number == 1 else stem.with_name(f"{stem.name}-{number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                return folder
    raise RunError("No free name for a run folder was found.", where=str(stem), do="name one with --run FOLDER")


def command() -> str:
    """The words that began this process, as a user types them: the program by its name, a script by its path."""
    program = Path(sys.argv[0])
    own = program.name == "stepwell" or program == Path(__file__).with_name("__main__.py")
    return shlex.join(["stepwell" if own else sys.argv[0], *sys.argv[1:]])


def create(folder: Path, kind: str, task: str, command: str) -> Run:
    """Begin a run in `folder`, which is made where absent; `RunError` where it holds anything.

    What failed before it had read its data is begun again in its place: nobody wants to resume it.

    `kind` is single, folds, ensemble, comparison or heal; `command` the words that started it.
    """
    with files.refusing("made", folder):
        folder.mkdir(parents=True, exist_ok=True)
    _refuse_if_used(folder)
    with locks.hold(folder):
        _refuse_if_used(folder)  # another process may have begun one while we waited
        now = _now()
        state = {"format": FORMAT, "kind": kind, "task": task, "command": command}
        files.write_json(folder / _FILE, {**state, "state": "created", "why": "", "created": now, "changed": now})
    return Run(folder)


def open_run(folder: Path) -> Run:
    """The run in `folder`; `RunError` where it is none, is damaged, or is of a newer format."""
    with files.refusing("read", folder):
        is_run, is_there = (folder / _FILE).is_file(), folder.exists()
    if not is_run:
        what = f"{folder.name or folder} is not a run folder." if is_there else f"There is no run {folder}."
        raise RunError(what, where=str(folder), do=_suggestion(folder))
    _read_state(folder)
    return Run(folder)


def latest(root: Path = RUNS) -> Path | None:
    """The folder of the run under `root` that was begun last, or None."""
    runs = list_runs(root)
    return Path(runs[0]["run"]) if runs else None


def list_runs(root: Path = RUNS) -> list[dict[str, Any]]:
    """What was trained under `root`, newest first, a dictionary a run.

    run (folder), task, kind, state, why, created (ISO time), score (name, value, low, high; or None)
    and bytes. A run whose ``run.json`` cannot be read has the state "damaged". Members of a run are
    counted in it and not listed; links are not followed.
    """
    found = [_summary(folder) for folder in _folders(root)]
    return sorted(found, key=lambda one: (one["created"], one["run"]), reverse=True)


def remove(folder: Path) -> None:
    """Remove a run for good; `RunError` where it is no run, is a link, or is being worked on.

    Links inside are removed themselves; what they point to stays.
    """
    with files.refusing("removed", folder):
        linked, whole, here = folder.is_symlink(), folder.resolve(), Path.cwd()
    if linked:
        raise RunError(f"{folder.name} is a link to a folder.", where=str(folder), do=f"remove {whole}")
    open_run(folder)
    if here == whole or whole in here.parents:
        raise RunError("You are inside this run folder.", where=str(whole), do="change to another folder first")
    with locks.hold(folder):
        files.discard(folder)


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / _FILE
    state = files.read_json(path)
    if not isinstance(state, dict) or not isinstance(state.get("format"), int):
        raise RunError("run.json does not say what this run is.", where=str(path), do="restore it from a copy")
    if state["format"] > FORMAT:
        raise RunError(
            f"This run was made by a newer Stepwell (format {state['format']}; this one knows up to {FORMAT}).",
            where=str(folder),
            do="pip install --upgrade stepwell",
        )
    whole = all(isinstance(state.get(name), kinds) for name, kinds in _ALWAYS.items())
    fitting = all(isinstance(state[name], kinds) for name, kinds in _SOMETIMES.items() if name in state)
    if not whole or not fitting or state["state"] not in get_args(State):
        raise RunError("run.json is incomplete or damaged.", where=str(path), do="restore it from a copy")
    return state


_BEGINNINGS = frozenset((_FILE, "draft.yaml", "environment.json", "log.txt"))
"""What a run holds before its data were read; all of it is written anew, and the log goes on."""


def _refuse_if_used(folder: Path) -> None:
    with files.refusing("read", folder):
        is_run = (folder / _FILE).is_file()
        inside = {one.name for one in folder.iterdir() if not files.is_left_over(one.name)} - {locks.NAME}
    if is_run:
        state = _read_state(folder)["state"]
        if state == "failed" and inside <= _BEGINNINGS:
            return
        finished = state == "finished"
        on = "to train it further: " if finished else "to take it up again: "
        words = f"stepwell resume {folder}" + (" --epochs N" if finished else "")
        held = "a finished run" if finished else "a run that is not finished"
        raise RunError(
            f"{folder.name} holds {held}.", where=str(folder), do=f"{on}{words}; or choose another --run FOLDER"
        )
    if inside:
        raise RunError(
            f"The folder {folder.name} exists and is not empty.",
            where=str(folder),
            do="choose a new or empty one with --run FOLDER",
        )


def _suggestion(folder: Path) -> str:
    inside = latest(folder)
    if inside is not None:
        return f"did you mean its latest run, {inside}?"
    runs = list_runs(RUNS)
    near = difflib.get_close_matches(str(folder), [one["run"] for one in runs], n=1, cutoff=0.8)
    if near:
        return f"did you mean {near[0]}?"
    if runs:
        return f"did you mean the latest run, {runs[0]['run']}? `stepwell runs` lists them all"
    return "name the folder that `stepwell train` printed"


def _folders(root: Path) -> Iterator[Path]:
    for path, folders, names in os.walk(root):
        folder = Path(path)
        if _FILE in names:
            yield folder
            folders.clear()  # members belong to their parent
        elif len(folder.relative_to(root).parts) >= _LISTING_DEPTH:
            folders.clear()
        else:
            folders[:] = sorted(one for one in folders if not one.startswith("."))


def _summary(folder: Path) -> dict[str, Any]:
    summary: dict[str, Any] = {"run": str(folder), "task": "", "kind": "", "state": "damaged", "why": "", "created": ""}
    try:
        state = _read_state(folder)
    except RunError as error:
        summary["why"] = error.what
    else:
        summary |= {name: state[name] for name in ("task", "kind", "state", "why", "created")}
        if state["state"] in ("created", "running") and not locks.held(folder):
            summary |= {"state": "stopped", "why": _DIED}
    return {**summary, "score": _headline(folder), "bytes": _size(folder)}


def _headline(folder: Path) -> dict[str, Any] | None:
    try:
        content = files.read_json(folder / "scores.json")
    except RunError:
        return None  # it is not judged yet; or damaged: a listing goes on, and whoever opens the run hears of it
    if not isinstance(content, Mapping) or not isinstance(content.get("scores"), Mapping):
        return None
    score = content["scores"].get(str(content.get("headline")))
    if not isinstance(score, Mapping):
        return None
    return {"name": content["headline"], **{key: score.get(key) for key in ("value", "low", "high")}}


def _size(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):  # a running training replaces files while we look
                total += Path(path, name).lstat().st_size
    return total


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
