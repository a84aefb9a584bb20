"""The verbs, each a few lines: what the command line and `import stepwell` both call.

check, predict, evaluate and load need no torch; it is imported inside the verbs that train. What judges is imported
where it is asked for, so that a wrong path is answered at once. predict and load are those of `prediction`, which
imports less than this.
"""

from __future__ import annotations

import contextlib
import os
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from stepwell import discovery, files, inspection, reading, recipe
from stepwell import run as run_folders
from stepwell.artifact import predictor
from stepwell.errors import DataError, Interrupted, MissingExtraError, RunError, TrainingError, UsageError
from stepwell.job import Clock, Job
from stepwell.prediction import load as load
from stepwell.prediction import predict as predict
from stepwell.progress import open_progress
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import Finding
from stepwell.trials import asked

if TYPE_CHECKING:
    from torch import nn

    from stepwell.artifact.predictor import Predictor
    from stepwell.doctor.examination import Examination
    from stepwell.teaching import Taught
    from stepwell.trials.healing import Healing

Source = Any
"""Where data lie: a path, or arrays or a map-style data set in memory, as the task's readers take them."""


@dataclass(frozen=True)
class CheckReport:
    """What the audit found, worst first, and the data in a few numbers."""

    findings: tuple[Finding, ...]
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class Result:
    """A finished run: its folder, its task, what `scores.json` holds, its findings and the seconds it took."""

    folder: Path
    task: str
    scores: Mapping[str, Any]
    findings: tuple[Mapping[str, Any], ...]
    seconds: float

    @property
    def report(self) -> Path:
        """The page to look at."""
        return self.folder / "report.html"

    def predictor(self) -> Predictor:
        """The run's artifact, ready to answer."""
        return predictor.load(self.folder)

    def to_json(self) -> dict[str, Any]:
        """The object that ``train --json`` prints."""
        return {
            "run": str(self.folder),
            "task": self.task,
            **_flat(self.scores),
            "findings": list(self.findings),
            "seconds": self.seconds,
            "report": str(self.report),
            "artifact": str(self.folder / "artifact") if (self.folder / "artifact").exists() else None,
        }

    def _repr_html_(self) -> str:
        """A run shows itself in a notebook: its own report, framed so that its style stays its own."""
        import html

        page = html.escape(self.report.read_text(encoding="utf-8"), quote=True)
        return f'<iframe srcdoc="{page}" style="width:100%;height:70vh;border:0" title="Stepwell report"></iframe>'


def check(
    data: Source,
    *,
    task: str | None = None,
    target: str | None = None,
    settings: Mapping[str, Any] | None = None,
    progress: str = "quiet",
) -> CheckReport:
    """Look at data before an hour is spent on them; trains nothing and writes nothing.

    `task` is found where only one task reads such data. `target` is the column to be answered, where there are
    columns. `settings` may hold ``reader`` and ``reader.<option>``.
    """
    folder = discovery.task(task if task is not None else _only_task(data))
    options = _reader_settings(dict(settings or {}) | ({} if target is None else {"target": target}))
    with open_progress(progress) as shown:
        shown.stage("reading")
        examples = reading.read(folder, data, options.pop("name", "auto"), options)
        shown.stage("checking")
        inspected = inspection.inspect(examples, folder)
        findings = [*examples.findings, *inspection.run_checks(inspected, None)]
    return CheckReport(tuple(sorted(findings, key=lambda one: -one.severity)), _summary(folder.name, inspected))


def _summary(task: str, inspected: inspection.Inspection) -> dict[str, Any]:
    """The data in a few numbers: classes, values, parts and columns are empty where there are none."""
    examples = inspected.examples
    labels = Counter(str(label) for label in examples.facts.get("label", ()) if label is not None)
    values = [value for value in examples.facts.get("value", ()) if value is not None]
    parts = Counter(str(part) for part in examples.facts.get("part", ()) if part is not None)
    texts = sum(isinstance(column, list) for column in inspected.columns.values())
    kinds = {"numbers": len(inspected.columns) - texts, "texts": texts}
    return {
        "task": task,
        "source": examples.source,
        "reader": examples.reader,
        "examples": len(examples),
        "unreadable": len(inspected.errors),
        "columns": {kind: count for kind, count in kinds.items() if count},
        "classes": dict(labels),
        "values": {"from": min(values), "median": statistics.median(values), "to": max(values)} if values else {},
        "parts": dict(parts),
    }


def plan(
    task: str,
    data: Source,
    recipes: Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    *,
    folds: int | str | None = None,
    ensemble: int | None = None,
    imbalance: str | None = None,
    compare: str | Sequence[str] | None = None,
) -> Recipe:
    """The recipe that `train` would start from, or each of its trainings; `auto` values stay.

    Every setting says where it comes from. `folds`, `ensemble`, `imbalance` and `compare` as for `train`.
    """
    del data  # what is automatic is decided by looking at the data, which a dry run does not do
    _need_torch()
    chosen = dict(settings or {})
    asked.understood(folds, ensemble, imbalance, chosen, compare)
    return recipe.draft(task, recipes or ("default",), chosen)


def train(
    task: str | None = None,
    data: Source = None,
    *,
    model: str | nn.Module | None = None,
    time: str | float | None = None,
    epochs: int | None = None,
    steps: int | None = None,
    seed: int | None = None,
    device: str | None = None,
    target: str | None = None,
    recipes: Sequence[str | Path] = (),
    settings: Mapping[str, Any] | None = None,
    run: str | Path | None = None,
    start: str | Path | None = None,
    folds: int | str | None = None,
    ensemble: int | None = None,
    imbalance: str | None = None,
    compare: str | Sequence[str] | None = None,
    force: bool = False,
    pictures: bool = True,
    progress: str = "auto",
) -> Result:
    """Check, split, train, judge, export and report; one run folder comes out.

    `data` is a path, ``(X, y)`` arrays, a map-style data set, or whatever else the task's readers recognize;
    `task` may be left out where only one task reads such data. `model` is a name, or a module of your own,
    called with the prepared inputs and answering the task's outputs. `time` (seconds, or text such as
    "10m") is for the whole call; `epochs` and `steps` limit the training. `target` is the column to be
    answered, where there are columns. `recipes` are names or YAML
    files, later ones over earlier ones; `settings` maps dotted names to values and goes over all, for
    instance ``{"model.depth": 20, "optimizer": "sgd"}``. `run` is the folder to make (default
    ``runs/<task>/<time>``). `start` is a run whose weights are taken, and whose split is kept; without
    recipes of your own its recipe too.

    `folds` (a number, or "all" for one a group) trains that often, each time with another fold left out, and judges
    the pooled answers. `ensemble` trains so many networks that answer as one; the setting "ensemble.kind" says how
    they differ: bagging, snapshots or averaging. `imbalance` names what is done about classes of unequal
    size, or is "compare": all methods are trained, the best on validation is kept, their differences are shown.
    `compare` names settings, or sections of them ("prepare"): each of their other values is trained too, and what it is
    worth is shown; "prepare.longest=128" tries one value.

    `force` goes on in spite of findings of severity 3. `pictures`
    False keeps examples out of the report. `progress` is auto, plain, verbose or quiet.

    Raises a `StepwellError` for what a user can mend; what was reached is in the run folder.
    """
    clock = Clock()
    if data is None:
        raise UsageError("There are no data to train on.", do="give data=: a path, (X, y) arrays, or a data set")
    reading.must_exist(data)  # before torch is imported, and before there is a run folder in the next command's way
    _need_torch()
    task = task if task is not None else _only_task(data)
    settings = dict(settings or {})
    kind, trial = asked.understood(folds, ensemble, imbalance, settings, compare)
    if kind == "folds" and start is not None:
        raise UsageError(
            "Folds start anew: the weights of another run have seen what is left out.", do="leave out start"
        )
    named = {
        "budget.time": time,
        "budget.epochs": epochs,
        "budget.steps": steps,
        "seed": seed,
        "training.device": device,
        "reader.target": target,
    }
    chosen = {path: value for path, value in named.items() if value is not None} | settings
    own = None if isinstance(model, str) else model
    if isinstance(model, str):
        chosen = {"model": model} | chosen
    origin = None if start is None else run_folders.open_run(Path(start))
    standing = recipes or ("default",)
    if origin is not None and not recipes:
        standing = (origin.path("draft.yaml"),)
    drafted = recipe.draft(task, standing, chosen)
    folder = discovery.task(task)
    place = Path(run) if run is not None else run_folders.new_folder(folder.name)
    made = run_folders.create(place, kind, folder.name, run_folders.command())
    files.write_whole(made.path("draft.yaml"), recipe.to_yaml(drafted))
    state = {
        "data": str(Path(data).expanduser().resolve()) if isinstance(data, str | Path) else None,
        "start": None if start is None else str(Path(start).resolve()),
        "own_model": own is not None,
        "force": force,
        "pictures": pictures,
        "trial": trial,
    }
    files.write_json(made.path("run.json"), {**made.state(), **state})
    with open_progress(progress, made.path("log.txt")) as shown:
        work = Job(made, folder, drafted, data, shown, clock, own, origin, force, pictures)
        return _carry_out(work)


def resume(
    run: str | Path,
    *,
    settings: Mapping[str, Any] | None = None,
    data: Source | None = None,
    model: nn.Module | None = None,
    progress: str = "auto",
) -> Result:
    """Take up a run that was stopped or killed, exactly; or go on beyond the end of a finished one.

    `settings` may hold one of ``budget.epochs``, ``budget.steps`` and ``budget.time``: how much *more* is
    trained, as a further phase with its own schedule. `data` is needed where the run was trained on
    arrays or its data were moved, `model` where it trained a module of your own.
    """
    clock = Clock()
    _need_torch()
    opened = run_folders.open_run(Path(run))
    state = opened.state()
    taken_up = _recipe_to_resume(opened, state, further=bool(settings))
    source = data if data is not None else state["data"]
    if source is None:
        raise RunError(
            "This run was trained on data in memory, which only the caller has.",
            where=str(run),
            do="give them again: stepwell.resume(run, data=…)",
        )
    if state.get("own_model") and model is None:
        raise RunError(
            "This run trained a module of your own, which only the caller has.",
            where=str(run),
            do="give it again: stepwell.resume(run, model=…)",
        )
    origin = run_folders.open_run(Path(state["start"])) if state.get("start") else None
    text = files.read_bytes(taken_up, files.JSON_LIMIT).decode(errors="replace")
    with open_progress(progress, opened.path("log.txt")) as shown:
        work = Job(
            opened,
            discovery.task(state["task"]),
            recipe.from_yaml(text),
            source,
            shown,
            clock,
            model,
            origin,
            bool(state.get("force")),
            bool(state.get("pictures", True)),
            settings or {},
        )
        return _carry_out(work)


def evaluate(run: str | Path, data: Source | None = None) -> dict[str, Any]:
    """Scores with intervals: those of the run's test part, judged once when it was trained, or on new labeled data.

    `run` is a run folder or an artifact folder. Of new data, ``slices`` are those that stand apart, and ``leak`` is
    there where examples were trained on (see `judge.scores`), as far as the artifact knows them by content.
    """
    from stepwell import evaluation

    if data is None:
        opened = evaluation.owner(Path(run))
        if opened is None:
            raise UsageError(
                "An artifact alone holds no test part.", do=f"give labeled data: stepwell evaluate {run} DATA"
            )
        return {"run": str(run), "data": "test part", **_flat(opened.read_json("scores.json"))}
    found = evaluation.evaluate(Path(run), data)
    more = {name: found.scores[name] for name in ("slices", "leak") if found.scores[name]}
    return {"run": str(run), "data": found.source, "unreadable": found.unreadable, **_flat(found.scores), **more}


def compare(runs: Sequence[str | Path], *, report: str | Path | None = None) -> dict[str, Any]:
    """Is one really better? The runs' scores on the same test examples, and each pair's difference with interval and
    test (see `judge.paired.Comparison`); `report` is an HTML file to write. A clear refusal where examples differ.
    """
    from stepwell import comparison

    found = comparison.compare([runs] if isinstance(runs, str | Path) else runs)
    if report is not None:
        from stepwell.report import comparison as page

        files.write_whole(Path(report), page.build(found))
    content: dict[str, Any] = msgspec.to_builtins(found)
    return content


def diagnose(
    target: str | Path, words: Sequence[str] = (), *, told: Callable[[Finding], None] | None = None
) -> Examination:
    """What is wrong with a training: of a run from what the doctor read of it, of a script by running it.

    A folder is a run. A file is a Python script that trains with PyTorch; it is run with `words` under the doctor's
    eyes, and `told` hears of what harms as it is found.
    """
    if Path(target).is_dir():
        from stepwell.doctor import examination

        if words:
            raise UsageError(f"{str(target)!r} is a run, which takes no further words.", do="leave them out")
        return examination.of_run(run_folders.open_run(Path(target)))
    from stepwell.doctor import script as scripts

    return scripts.examine(target, words, told=told)


def train_and_heal(task: str | None = None, data: Source = None, **words: Any) -> Healing:
    """Train as `train` does, with its words for a single training, and heal the run, also where it failed."""
    owner = task if task is not None else _only_task(data)
    plan(owner, data, words.get("recipes", ()), words.get("settings"))  # what is wrong is said before there is a folder
    reading.must_exist(data)
    words["settings"] = {"training.stop_failing": True, **(words.get("settings") or {})}
    chosen = words.pop("run", None)
    place = Path(chosen) if chosen is not None else run_folders.new_folder(discovery.task(owner).name)
    with contextlib.suppress(TrainingError):  # what failed is what is to be healed; the run knows why
        train(owner, data, run=place, **words)
    return heal(place, data=data, progress=words.get("progress", "auto"))


def heal(
    run: str | Path, *, time: str | float | None = None, data: Source | None = None, progress: str = "auto"
) -> Healing:
    """Answer what the doctor found in a run by changes of its recipe, each proven, and train the healed recipe.

    `time` bounds the whole. `data` is needed where the run was trained on arrays or its data were moved. What was
    trained lies in the run's folder ``heal``; a healing that was stopped goes on when it is asked for again, and one
    that is done is told again. See `stepwell.trials.healing`.
    """
    _need_torch()
    from stepwell.trials import clinic

    return clinic.heal(Path(run), None if time is None else recipe.budget({"time": time}).time, data, progress)


def lesson(name: str, folder: str | Path | None = None, *, progress: str = "auto") -> Taught:
    """Train a network and the same one made ill, side by side, and write the page that explains it.

    `folder` is new or empty; by default ``lessons/<name>``. See `stepwell.teaching`.
    """
    from stepwell import teaching

    place = Path(folder) if folder is not None else Path("lessons") / name.replace("-", "_")
    with open_progress(progress) as shown:
        return teaching.teach(name, place, shown)


def sample(task: str, folder: str | Path, seed: int = 0) -> Path:
    """Write the task's built-in data into `folder` (new or empty), as a user's own would lie."""
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UsageError(f"{target} exists and is not empty.", where=str(target), do="name a new or empty folder")
    owner = discovery.task(task)
    owner.module("sample").write(target, seed)
    return target


def runs(root: str | Path = run_folders.RUNS) -> list[dict[str, Any]]:
    """What was trained under `root`, newest first."""
    return run_folders.list_runs(Path(root))


def remove(run: str | Path) -> None:
    """Remove a run folder for good."""
    run_folders.remove(Path(run))


def env() -> dict[str, Any]:
    """Versions, threads, memory, devices and extras."""
    from stepwell import device

    return device.describe()


def _recipe_to_resume(opened: Run, state: Mapping[str, Any], *, further: bool) -> Path:
    """The recipe that a run goes on with: its `auto` values decided, or as drafted where they were not yet.

    Each training within a run of several decides its own. `further` is whether it is to go on beyond its end.
    `RunError` where there is nothing to take up.
    """
    where = str(opened.folder)
    if state["state"] == "finished" and not further:
        raise RunError(
            "This run is finished; there is nothing to take up.",
            where=where,
            do=f"to train it further: stepwell resume {where} --epochs 5",
        )
    if state["kind"] != "single" and further:
        raise RunError(
            f"A run of several trainings ({state['kind']}) does not go on beyond its end.",
            where=where,
            do="resume it without a budget, or train anew with a larger one",
        )
    if state["kind"] == "heal":
        do = f"stepwell heal {opened.folder.parent}"
        raise RunError("A healing goes on when it is asked for again.", where=where, do=do)
    names = ("recipe.yaml", "draft.yaml") if state["kind"] == "single" else ("draft.yaml",)
    written = [opened.path(name) for name in names if opened.path(name).exists()]
    if not written or "data" not in state:
        raise RunError(
            "This run was stopped before it began: it holds no recipe yet, and nothing is lost.",
            where=where,
            do=f"remove it and train anew; it was started by: {state['command']}",
        )
    return written[0]


def _carry_out(job: Job) -> Result:
    """Train under the run's lock; a failure is noted in `run.json` before it goes on to the caller."""
    from stepwell import training

    with job.run.lock() as note:
        if note:
            job.progress.note(note)
        try:
            asked.trainer(job.run.state()["kind"])(job)
        except BaseException as error:
            training.interrupted_or_failed(job.run, error)
            if isinstance(error, KeyboardInterrupt):  # outside of the training loop, which has its own words for it
                again = f"stepwell resume {job.run.folder}"
                raise Interrupted("Stopped; what is finished is saved.", where=str(job.run.folder), do=again) from error
            raise
    findings = tuple(job.run.read_json("findings.json"))
    scores = job.run.read_json("scores.json")
    return Result(job.run.folder, job.folder.name, scores, findings, round(job.clock.gone(), 3))


def _flat(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `scores.json` in the form that ``--json`` prints."""
    named = scores["scores"]
    return {
        "headline": scores["headline"],
        "n": scores["n"],
        "looks": scores.get("looks", 0),
        **({"positive": scores["positive"]} if scores.get("positive") else {}),
        "scores": {name: score["value"] for name, score in named.items()},
        "intervals": {name: [score["low"], score["high"]] for name, score in named.items()},
        "baselines": {
            name: {metric: score["value"] for metric, score in one["scores"].items()}
            for name, one in scores["baselines"].items()
        },
        "baseline_intervals": {
            name: {metric: [score["low"], score["high"]] for metric, score in one["scores"].items()}
            for name, one in scores["baselines"].items()
        },
        **({"trial": scores["trial"]} if scores.get("trial") else {}),
    }


def _reader_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for path, value in settings.items():
        section, _, option = recipe.SHORTCUTS.get(path, path).partition(".")
        if section != "reader":
            raise UsageError(
                f"check takes no setting {path!r}.", do="it takes --reader NAME and --reader.<option> VALUE"
            )
        chosen[option or "name"] = value
    return chosen


def _only_task(data: Source) -> str:
    found = reading.recognizing_tasks(data)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"These data fit {len(found)} tasks: {', '.join(found)}.", do="choose one with --task NAME")
    if isinstance(data, str | Path) and not Path(data).expanduser().exists():
        raise DataError("There is no such file or folder.", where=str(data), do="check the path")
    raise UsageError(
        f"No task recognizes these data: {data}.",
        do="name the task with --task NAME; known: " + ", ".join(discovery.tasks()),
    )


def _need_torch() -> None:
    # Threads that spin while they wait make a step many times as long where others use the cores (measured: 3 to
    # 20 times); sleeping ones cost at most a few percent. Read by the OpenMP library when torch loads it.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import torch  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise MissingExtraError("torch", "train", "Training") from error
