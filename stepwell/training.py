"""One training, from a recipe and data to a finished run: the twelve steps of ARCHITECTURE.md, in order.

`look` reads, checks, splits and prepares; `settle` turns what is automatic into numbers and freezes the
recipe; `fit` trains; `finish` exports, judges and reports. Each may be repeated after a kill: what a
run folder says is done is taken from there, and `run.json` says `finished` last of all.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any, cast

import msgspec
import torch
from torch import nn

from stepwell import (
    building,
    calibration,
    checkpoint,
    device,
    discovery,
    files,
    inspection,
    preparation,
    randomness,
    reading,
    recipe,
    report,
    splitting,
)
from stepwell.artifact import export, gate, predictor
from stepwell.artifact.torch_network import torch_network
from stepwell.building import Data
from stepwell.errors import DataError, Interrupted, RunError, StepwellError, TrainingError
from stepwell.feed import Placement
from stepwell.history import History
from stepwell.judge import scoring
from stepwell.loop import Evaluation, Plan, Step, Training
from stepwell.preparation import Preparation
from stepwell.progress import Progress
from stepwell.recipe import Recipe
from stepwell.run import Run
from stepwell.schema import PARTS, Columns, Examples, Finding, Part, Picture

GALLERY = 24  # pictures of each kind in a report
GATED = 1_000  # validation examples on which the artifact is compared with the network
CHECKPOINT_SHARE = 50  # a checkpoint is taken at most as often as keeps it under a fiftieth of the time


@dataclass
class Clock:
    """When the command began, and how long each stage took, in seconds."""

    began: float = field(default_factory=time.perf_counter)
    stages: dict[str, float] = field(default_factory=dict)

    def gone(self) -> float:
        """Seconds since the command began."""
        return time.perf_counter() - self.began

    @contextlib.contextmanager
    def stage(self, name: str, progress: Progress) -> Iterator[None]:
        """Time a stage and tell it."""
        progress.stage(name)
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = round(self.stages.get(name, 0.0) + time.perf_counter() - start, 3)


@dataclass(frozen=True)
class Job:
    """What one training works with: the run, the task's folder, the draft recipe, the source, who is told.

    `model` is a user's own module in place of the recipe's; `start` another run whose weights are taken;
    `force` goes on in spite of findings of severity 3; `pictures` False keeps examples out of the report;
    `extension` is the budget by which a finished training goes on.
    """

    run: Run
    folder: discovery.Folder
    recipe: Recipe
    source: Any
    progress: Progress
    clock: Clock
    model: nn.Module | None = None
    start: Run | None = None
    force: bool = False
    pictures: bool = True
    extension: Mapping[str, Any] = field(default_factory=dict)


def train(job: Job) -> None:
    """Do everything that this run still lacks; returns when `run.json` says finished."""
    device.set_threads(job.recipe.options("training").threads)
    job.run.write_json("environment.json", {**device.describe(), "seed": job.recipe.values["seed"]})
    data = look(job)
    job, data = settle(job, data)
    model = fit(job, data)
    finish(job, data, model)


# ------------------------------------------------------------------------------------------------ steps 2 to 5


def look(job: Job) -> Data:
    """Read, check, split and prepare the data; findings are written, and those of severity 3 stop."""
    clock, progress = job.clock, job.progress
    with clock.stage("reading", progress):
        chosen = job.recipe.values["reader"]
        options = {name: value for name, value in chosen.items() if name != "name"}
        examples = reading.read(job.folder, job.source, chosen["name"], options)
        progress.note(f"{examples.source}: {len(examples):,} examples, read as {examples.reader}")
    with clock.stage("checking", progress):
        budget = job.recipe.options("budget").time
        inspected = inspection.inspect(examples, job.folder, seconds=None if budget is None else budget / 10)
        before = [*examples.findings, *inspection.run_checks(inspected, None)]
        _stop_at_severe(job, before)
        rows = _split(job, examples, inspected)
        assigned = [row.part for row in rows]
        findings = _merged(before, inspection.run_checks(inspected, assigned))
        job.run.write_json("findings.json", [msgspec.to_builtins(one) for one in findings])
        _stop_at_severe(job, findings)
    readable = [index for index in range(len(examples)) if index not in inspected.errors]
    parts: dict[Part, list[int]] = {part: [i for i in readable if assigned[i] == part] for part in PARTS}
    _tell(progress, findings, {part: len(indices) for part, indices in parts.items()})
    with clock.stage("preparing", progress):
        prepared_by = _preparation(job, examples, parts["train"])
        in_memory = _in_memory(job, prepared_by, examples, readable)
        return building.load_parts(job.folder, examples, parts, prepared_by, in_memory=in_memory)


def _split(job: Job, examples: Examples, inspected: inspection.Inspection) -> Sequence[splitting.Row]:
    """The split in the run folder where there is one (it must fit the data), else a new one, written down."""
    path = job.run.path("split.csv")
    state = job.run.state()
    fingerprint = inspection.fingerprint(inspected)
    if path.exists() and "fingerprint" in state:
        if state["fingerprint"] != fingerprint:
            raise RunError(
                "The data have changed since this run was started.",
                where=examples.source,
                do=f"put them back as they were, or train on the new data with: "
                f"stepwell train {job.folder.name} {examples.source} --from {job.run.folder}",
            )
        return splitting.read_split(path)
    earlier = {}
    if job.start is not None and job.start.path("split.csv").exists():
        earlier = {row.id: row.part for row in splitting.read_split(job.start.path("split.csv"))}
    rows = splitting.make_split(
        job.recipe.options("split"),
        job.recipe.module("split"),
        examples,
        inspected.digests,
        job.recipe.values["seed"],
        left_out=inspected.errors,
        truth=job.folder.card.truth,
        earlier=earlier,
    )
    splitting.write_split(path, rows)
    files.write_json(job.run.path("run.json"), {**job.run.state(), "fingerprint": fingerprint})
    return rows


def _preparation(job: Job, examples: Examples, train: Sequence[int]) -> Preparation:
    """The preparation in the run folder where there is one, else fitted on the training part and written down."""
    path = job.run.path("preparation.json")
    if path.exists():
        return preparation.from_json(files.read_json(path), job.folder.rooms("transforms"))
    fitted: Preparation = job.folder.module("prepare").fit(job.recipe.options("prepare"), examples, train)
    files.write_json(path, preparation.to_json(fitted))
    return fitted


def _in_memory(job: Job, prepared_by: Preparation, examples: Examples, readable: Sequence[int]) -> bool:
    """Whether prepared examples lie in memory: as the recipe says, or by their size."""
    wanted = job.recipe.options("training").memory
    if wanted == "auto":
        size = building.bytes_per_example(prepared_by, examples, readable)
        decided = calibration.memory(job.recipe, size, len(readable))
        wanted = decided["training.memory"][0]
    return bool(wanted == "in_memory")


def _stop_at_severe(job: Job, findings: Sequence[Finding]) -> None:
    severe = [one for one in findings if one.severity == 3]
    if severe and not job.force:
        job.run.write_json("findings.json", [msgspec.to_builtins(one) for one in findings])
        first = severe[0]
        more = f" ({len(severe) - 1} more of this weight: stepwell check shows all)" if len(severe) > 1 else ""
        raise DataError(f"{first.message}{more}", where=_where(first), do=f"{first.remedy}; or go on with --force")


def _where(finding: Finding) -> str:
    where = ", ".join(f"{key} {value}" for key, value in finding.where.items())
    return where or ", ".join(finding.examples[:3])


def _merged(before: Sequence[Finding], after: Sequence[Finding]) -> list[Finding]:
    """The findings after the split, which say more, and those from before that they do not repeat; worst first."""
    said = {(one.name, one.message) for one in after}
    both = [*after, *(one for one in before if (one.name, one.message) not in said)]
    return sorted(both, key=lambda one: -one.severity)


def _tell(progress: Progress, findings: Sequence[Finding], counts: Mapping[Part, int]) -> None:
    progress.note("split: " + ", ".join(f"{count:,} {part}" for part, count in counts.items()))
    for one in findings[:3]:
        progress.note(f"found: {one.message}")
    if len(findings) > 3:
        progress.note(f"found: {len(findings) - 3} more, all in findings.json and the report")


# ------------------------------------------------------------------------------------------------ steps 6 and 7


def settle(job: Job, data: Data) -> tuple[Job, Data]:
    """Decide what is automatic, freeze the recipe and write it; a recipe already frozen is taken as it is."""
    if job.model is not None:
        _try_own(job.model, data)
    if job.run.path("recipe.yaml").exists():
        return _extended(job, data), data
    with job.clock.stage("measuring", job.progress):
        completed = _completed(job, data)
    calibration.unresolved(completed)
    if job.model is not None:
        completed = recipe.with_own_model(completed, f"{type(job.model).__module__}.{type(job.model).__qualname__}")
    files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(completed))
    job.run.set_state("running")
    return replace(job, recipe=completed), data


def _completed(job: Job, data: Data) -> Recipe:
    draft = job.recipe
    budget = draft.options("budget").time
    count = sum(len(indices) for indices in data.parts.values())
    draft = recipe.with_values(draft, calibration.reading(draft, job.folder, data))
    draft = recipe.with_values(draft, calibration.machine(draft))
    size = building.bytes_per_example(data.preparation, data.examples, data.parts["train"])
    draft = recipe.with_values(draft, calibration.memory(draft, size, count))
    draft = recipe.with_values(draft, calibration.batch_size(draft, data.shown))
    draft = recipe.with_values(draft, calibration.choices(draft, job.folder, data))
    trial = _model(replace(job, recipe=draft), data)
    draft = recipe.with_values(draft, calibration.channels_last(draft, trial))
    options = draft.options("training")
    place = placement(draft)

    def measure() -> tuple[float, float]:
        assert budget is not None
        most = min(calibration.MEASURED_SECONDS, 0.03 * budget)
        return calibration.measure(draft, job.folder, data, place, most, job.model)

    if budget is not None and job.recipe.options("training").threads == "auto":
        draft = recipe.with_values(draft, calibration.threads(measure))

    def seconds() -> float:
        assert budget is not None
        planned = calibration.shares(budget, job.clock.gone())
        job.progress.planned([planned.sentence(budget)])
        return planned.training

    per_epoch = max(1, data.shown // min(options.batch_size, data.shown))
    decided = calibration.plan_cycles(draft, per_epoch, len(data.parts["valid"]), measure, seconds)
    return recipe.with_values(draft, decided)


def _extended(job: Job, data: Data) -> Job:
    """The job with the cycles of its extension added to the frozen recipe, as a phase of their own."""
    if not job.extension:
        job.run.set_state("running")
        return job
    state, _ = checkpoint.load_latest(job.run.path("checkpoints"))
    if state is None:
        raise RunError("This run has not begun to train.", where=str(job.run.folder), do="resume it without a budget")
    asked = recipe.budget(job.extension)
    place, begin = placement(job.recipe), int(state["progress"]["cycle"])
    most = calibration.MEASURED_SECONDS
    per_epoch = building.build_feed(
        job.recipe, job.folder, data, place, job.recipe.options("training").batch_size
    ).per_epoch
    added, why = calibration.cycles(
        asked,
        per_epoch,
        job.recipe.options("training").evaluate_every,
        lambda: calibration.measure(job.recipe, job.folder, data, place, most, job.model),
        lambda: calibration.shares(asked.time or 0.0, job.clock.gone()).training,
    )
    further = {"budget.steps": (begin + added, f"{added:,} more than the {begin:,} before: {why}")}
    longer = recipe.with_values(job.recipe, further, "argument")
    files.write_json(job.run.path("run.json"), {**job.run.state(), "phase_start": begin})
    files.write_whole(job.run.path("recipe.yaml"), recipe.to_yaml(longer))
    job.run.set_state("running")
    return replace(job, recipe=longer)


def placement(frozen: Recipe) -> Placement:
    """Where batches go under this recipe."""
    options = frozen.options("training")
    return Placement(torch.device(options.device), bool(options.channels_last is True))


def _model(job: Job, data: Data) -> nn.Module:
    return job.model if job.model is not None else building.build_model(job.recipe, job.folder, data.preparation.schema)


# ------------------------------------------------------------------------------------------------ steps 8 and 9


def fit(job: Job, data: Data) -> nn.Module:
    """Train, or go on from the newest whole checkpoint; returns the model with the weights that selection chose."""
    frozen = job.recipe
    options = frozen.options("training")
    device.set_threads(options.threads)
    place = placement(frozen)
    model = _model(job, data).to(place.device)
    if place.channels_last:
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    state, notes = checkpoint.load_latest(job.run.path("checkpoints"))
    for note in notes:
        job.progress.note(note)
    if state is None and job.start is not None:
        job.progress.note(take_weights(model, job.start))
    objectives = building.build_objectives(frozen, job.folder, data.preparation.schema)
    plan = _plan(frozen, job)
    torch.manual_seed(randomness.number(frozen.values["seed"], "network") % 2**63)
    training = Training(
        model,
        building.build_turns(frozen, objectives, model),
        building.build_feed(frozen, job.folder, data, place, options.batch_size),
        plan,
        building.evaluator(job.folder, data),
        forward=cast("nn.Module", torch.compile(model)) if options.compile else None,
        state=state,
    )
    offset = 0 if state is None else int(state["history"])
    if state is not None:
        job.progress.note(f"going on from cycle {training.cycle:,} of {plan.cycles:,}")
    with job.clock.stage("training", job.progress), History(job.run.path("history.jsonl"), offset) as history:
        _train(job, training, history, plan)
    model.load_state_dict(dict(training.best_weights()))
    if training.best is not None and training.best["cycle"] != training.cycle:
        job.progress.note(f"the best weights are those of cycle {training.best['cycle']:,}")
    return model


def _try_own(model: nn.Module, data: Data) -> None:
    """Call a user's own module once; TrainingError, which says what it gets, where it cannot take the data."""
    schema = data.preparation.schema
    few = data.sample("valid", 2, 0).columns
    gets, answers = (
        ", ".join(f"{one.name} {one.shape} {one.dtype}" for one in fields) for fields in (schema.inputs, schema.outputs)
    )
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise TrainingError("Your module has no parameter to train.", where=type(model).__name__)
    try:
        network = torch_network(model, device=next(model.parameters()).device)
        predictor.inference(data.preparation.inference, schema)(network, few, 2)
    except (RuntimeError, TypeError, ValueError, StepwellError) as error:
        raise TrainingError(
            f"Your module cannot take the prepared inputs, {gets} for each example: {str(error).partition(chr(10))[0]}",
            where=type(model).__name__,
            do=f"let forward take them in this order, ragged ones followed by their lengths, and answer {answers}",
        ) from error


def _plan(frozen: Recipe, job: Job) -> Plan:
    options = frozen.options("training")
    return Plan(
        cycles=frozen.options("budget").steps,
        evaluate_every=options.evaluate_every,
        accumulate=options.accumulate,
        warmup=options.warmup,
        clip_norm=options.clip_norm,
        clip_value=options.clip_value,
        l1=options.l1,
        ema=options.ema,
        precision=options.precision,
        patience=options.patience,
        select=job.folder.card.select,
        phase_start=int(job.run.state().get("phase_start", 0)),
    )


def _train(job: Job, training: Training, history: History, plan: Plan) -> None:
    """The plain `for` around the loop: progress, history, checkpoints, the hard time limit, and being interrupted."""
    every = job.recipe.options("training").checkpoint_every
    deadline = _deadline(job)
    saved_at, cost = time.perf_counter(), 0.0

    def save() -> float:
        start = time.perf_counter()
        training.check_finite()
        history.flush(durable=True)
        state = {**training.state(), "history": history.offset}
        checkpoint.save(job.run.path("checkpoints"), state, training.cycle)
        return time.perf_counter() - start

    with interruptible() as interrupted:
        for event in training:
            history.add(event)
            if isinstance(event, Step):
                job.progress.step(event.cycle, plan.cycles, history.latest_loss)
            else:
                job.progress.evaluation(_shown(event, job.folder), event.cycle)
            now = time.perf_counter()
            if interrupted():
                save()
                raise Interrupted(
                    f"Stopped at cycle {training.cycle:,} of {plan.cycles:,}; everything up to here is saved.",
                    where=str(job.run.folder),
                    do=f"stepwell resume {job.run.folder}",
                )
            if now - saved_at > max(every, CHECKPOINT_SHARE * cost):
                cost = save()
                saved_at = time.perf_counter()
            if deadline is not None and now > deadline and isinstance(event, Step):
                _cut_short(job, training, plan)
                break
        else:
            if training.stopped_early:
                job.progress.note(f"stopped early at cycle {training.cycle:,}: no gain in {plan.patience} validations")
    save()


def _deadline(job: Job) -> float | None:
    """When training must end whatever the plan says, so that the whole command keeps its time budget."""
    budget: float | None = job.recipe.options("budget").time
    if budget is None or job.extension:
        return None
    finishing = min(calibration.FINISHING, 0.2 * budget) + min(
        calibration.BASELINE_SHARE * budget, calibration.BASELINE_MOST
    )
    return job.clock.began + budget - finishing


def _cut_short(job: Job, training: Training, plan: Plan) -> None:
    why = (
        f"cut short by its time limit at cycle {training.cycle:,} of {plan.cycles:,}: the machine became slower than "
        "it was when the plan was made, so this run cannot be repeated exactly"
    )
    job.progress.note(why)
    files.write_json(job.run.path("run.json"), {**job.run.state(), "cut_short": why})


def _shown(event: Evaluation, folder: discovery.Folder) -> Mapping[str, float]:
    first = folder.card.headline
    return {name: event.values[name] for name in sorted(event.values, key=lambda name: name != first)}


@contextlib.contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Catch the first SIGINT or SIGTERM as a flag to be asked for; a second one ends the process at once."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def first(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the form of a signal handler
        asked.set()
        for one in before:
            signal.signal(one, signal.SIG_DFL)

    for number in before:
        signal.signal(number, first)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_weights(model: nn.Module, start: Run) -> str:
    """Copy into `model` the weights that another run chose, where name and shape agree; says which were not."""
    state, _ = checkpoint.load_latest(start.path("checkpoints"))
    if state is None:
        raise RunError("That run holds no weights.", where=str(start.folder), do="start from a run that has trained")
    weights = state["best"]["weights"] if state["best"] else state["model"]
    own = model.state_dict()
    fitting = {name: weights[name] for name in own if name in weights and weights[name].shape == own[name].shape}
    if not fitting:
        raise RunError(
            "None of that run's weights fit this model.",
            where=str(start.folder),
            do="use the same --model and options as that run, or train without --from",
        )
    model.load_state_dict({**own, **fitting})
    left = sorted(set(own) - set(fitting))
    kept = f"{len(fitting)} of {len(own)} weight tensors are taken from {start.folder}"
    return kept + (f"; these start anew: {', '.join(left[:5])}{' …' if len(left) > 5 else ''}" if left else "")


# ---------------------------------------------------------------------------------------------- steps 10 to 12


def finish(job: Job, data: Data, model: nn.Module) -> None:
    """Export and gate the artifact, judge it on the test part beside the baselines, write report and card."""
    model = model.to("cpu").float().eval()
    with job.clock.stage("exporting", job.progress):
        export_artifact(job, data, model)
    with job.clock.stage("baselines", job.progress):
        rivals = _rivals(job, data)
    with job.clock.stage("judging", job.progress):
        predictions, truth = _judge(job, data, rivals)
    with job.clock.stage("reporting", job.progress):
        gallery = _gallery(job, data, predictions, truth)
        job.run.write_json(
            "timings.json",
            {
                "stages": job.clock.stages,
                "seconds": round(job.clock.gone(), 3),
                "peak_memory_bytes": calibration.peak_memory(),
            },
        )
        write_report(job.run, gallery, examples=job.pictures)
    job.run.set_state("finished")


def export_artifact(job: Job, data: Data, model: nn.Module) -> None:
    """Write the artifact from `model`; it is there only if its gate passed on validation examples."""
    card, schema = job.folder.card, data.preparation.schema
    networks = building.networks(job.folder, model, schema)
    samples = data.sample("valid", GATED, job.recipe.values["seed"])
    target = job.run.path("artifact")

    def headline(predictions: Columns) -> float:
        rooms = job.folder.rooms("metrics")
        return scoring.evaluate_metrics((card.headline,), rooms, samples.truth, predictions, schema)[card.headline]

    export.export(networks, data.preparation, target, task=job.folder.name, card=card, samples=samples)
    largest = gate.gate(target, networks, samples, headline)["difference"]
    job.progress.note(f"the artifact answers as the network does (largest difference {largest:.1e})")


def _rivals(job: Job, data: Data) -> Mapping[str, Any]:
    if not job.folder.has("baselines"):
        return {}
    budget = job.recipe.options("budget").time
    most = (
        calibration.BASELINE_MOST
        if budget is None
        else min(calibration.BASELINE_SHARE * budget, calibration.BASELINE_MOST)
    )
    seed = job.recipe.values["seed"]
    train = data.studied("train", seed)
    found: Mapping[str, Any] = job.folder.module("baselines").rivals(train, data.preparation.schema, seed, most)
    return found


def _judge(job: Job, data: Data, rivals: Mapping[str, Any]) -> tuple[Columns, Columns]:
    """Score the artifact and the baselines on the test part, once; returns predictions and truth."""
    card, schema = job.folder.card, data.preparation.schema
    loaded = predictor.load(job.run.path("artifact"))
    predictions, truth = building.answer_part(data, "test", loaded.answers)
    beside = {}
    for name, rival in rivals.items():
        parts = [rival.predict(piece.columns, piece.traces) for piece in data.pieces("test")]
        beside[name] = (preparation.concatenate(parts), rival.n, rival.note)
    groups = [data.examples.units[index] for index in data.parts["test"]]
    scores = scoring.judge(
        card, job.folder.rooms("metrics"), truth, predictions, schema, groups, job.recipe.values["seed"], beside
    )
    job.run.write_json("scores.json", scores)
    _write_predictions(job, data, predictions, truth)
    return predictions, truth


def _write_predictions(job: Job, data: Data, predictions: Columns, truth: Columns) -> None:
    """`predictions/test.jsonl`, one line an example: id, part, truth and prediction in original terms."""
    path = job.run.path("predictions") / "test.jsonl"
    path.parent.mkdir(exist_ok=True)
    with files.whole_file(path) as out:
        for row, index in enumerate(data.parts["test"]):
            line = {
                "id": data.examples.ids[index],
                "part": "test",
                "target": {name: column[row] for name, column in truth.items()},
                "output": {name: column[row] for name, column in predictions.items()},
            }
            out.write(files.json_text(line).encode() + b"\n")


def _gallery(job: Job, data: Data, predictions: Columns, truth: Columns) -> dict[str, list[tuple[str, Picture]]]:
    """Pictures for the report: a few test examples chosen by counter, and the worst answers."""
    if not job.pictures or not job.folder.has("pictures"):
        return {}
    draw = job.folder.module("pictures").draw
    indices = data.parts["test"]
    keys = randomness.keys([data.examples.ids[index] for index in indices])
    chosen = {"samples": randomness.order(job.recipe.values["seed"], "gallery", 0, keys)[:GALLERY].tolist()}
    if job.folder.card.worst is not None:
        chosen["worst"] = scoring.worst(
            job.folder.card.worst, job.folder.rooms("metrics"), truth, predictions, data.preparation.schema, GALLERY
        )
    gallery: dict[str, list[tuple[str, Picture]]] = {}
    for kind, rows in chosen.items():
        gallery[kind] = []
        for row in rows:
            raw = data.examples.fetch([indices[row]], None)
            one = {name: column[0] for name, column in raw.items()}
            said = {name: column[row] for name, column in predictions.items()}
            true = {name: column[row] for name, column in truth.items()}
            gallery[kind].append((data.examples.ids[indices[row]], draw(one, true, said)))
    return gallery


def write_report(run: Run, gallery: Mapping[str, Any], *, examples: bool) -> None:
    """`report.html` and `card.md` from what lies in the run folder, and the pictures; no example without `examples`."""
    files.write_whole(run.path("report.html"), report.build(run.folder, gallery, examples=examples))
    files.write_whole(run.path("card.md"), report.card(run.folder, examples=examples))


def interrupted_or_failed(run: Run, error: BaseException) -> None:
    """Note in `run.json` how a training ended that did not finish; what is saved stays.

    A finished run that was asked for more and did not come to begin stays finished.
    """
    if run.state()["state"] == "finished":
        return
    if isinstance(error, Interrupted | KeyboardInterrupt):
        run.set_state("stopped", str(error) or "interrupted")
    else:
        run.set_state("failed", str(error).partition("\n")[0] or type(error).__name__)
