"""Steps 10 to 12 of a training: the artifact is exported and gated, judged once, and reported.

Each file is written whole, and `run.json` says `finished` last of all; a kill in between repeats what
is not yet there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from torch import nn

from stepwell import building, calibration, device, explaining, files, ledger, preparation, randomness, report
from stepwell.artifact import export, gate, predictor, seen
from stepwell.artifact.torch_network import torch_network
from stepwell.building import Data
from stepwell.job import Job
from stepwell.judge import bootstrap, confidence, importance, reasons, scoring, shortened
from stepwell.judge.confidence import Confidence
from stepwell.judge.trial import Trial
from stepwell.run import Run
from stepwell.schema import Columns, Network, Picture
from stepwell.settings import AnswerOptions

GALLERY = 24  # pictures of each kind in a report
EXPLAINED = 12  # worst answers whose parts are weighed
GATED = 1_000  # validation examples on which the artifact is compared with the network
REPORTING, AFTER_BASELINES = 3.0, 8.0  # seconds of the processor, at least, for report; for judging and report
LEAST_BASELINES = 3.0  # seconds for the baselines, however little time is left
WRITTEN = 1_000  # predictions written at a time
FITTED, BATCH = 10_000, 256  # validation examples on which confidence is fitted, and how many at a time
FITTED_CELLS, FITTED_LEAST = 10**7, 1_000  # of very many classes fewer: their probabilities in all, and how few


def finish(job: Job, data: Data, model: nn.Module, together: Callable[[], Trial] | None = None) -> None:
    """Export and gate the artifact, judge it on the test part beside the baselines, write report and card.

    `together` says, in a run of several trainings, what these come to on the test part, which is looked at once.
    """
    model = model.to("cpu").float().eval()
    with job.clock.stage("exporting", job.progress):
        export_artifact(job, data, model)
    with job.clock.stage("baselines", job.progress):
        beside = rivals(job, data)
    with job.clock.stage("judging", job.progress):
        predictions, truth = _judge(job, data, beside, model)
        if together is not None:
            scores = job.run.read_json("scores.json")
            job.run.write_json("scores.json", {**scores, "trial": msgspec.to_builtins(together())})
    with job.clock.stage("reporting", job.progress):
        gallery = _gallery(job, data, predictions, truth)
    conclude(job, gallery)


def conclude(job: Job, gallery: Mapping[str, Any]) -> None:
    """Write timings, report and card of a run whose scores are there, and call it finished, last of all."""
    with job.clock.stage("reporting", job.progress):
        job.run.write_json(
            "timings.json",
            {
                "stages": job.clock.stages,
                "cpu": job.clock.cpu,
                "seconds": round(job.clock.gone(), 3),
                "peak_memory_bytes": device.memory_peak(),
            },
        )
        write_report(job.run, gallery, examples=job.pictures)
    job.run.set_state("finished")


def export_artifact(job: Job, data: Data, model: nn.Module) -> None:
    """Write the artifact from `model`; it is there only if its gate passed on validation examples."""
    schema = data.preparation.schema
    card = job.folder.card.facing(schema)
    networks = building.networks(job.folder, model, schema)
    samples = data.sample("valid", GATED, job.recipe.values["seed"])
    target = job.run.path("artifact")
    relied_on = _confidence(job, data, next(iter(networks.items())))

    def headline(predictions: Columns) -> float:
        rooms = job.folder.rooms("metrics")
        return scoring.evaluate_metrics((card.headline,), rooms, samples.truth, predictions, schema)[card.headline]

    manifest = export.export(
        networks,
        data.preparation,
        target,
        task=job.folder.name,
        samples=samples,
        more={seen.FILE: known.read_bytes()} if (known := job.run.path(seen.FILE)).exists() else None,
        confidence=relied_on,
    )
    largest = gate.gate(target, networks, samples, headline)["difference"]
    job.progress.note(f"the artifact answers as the network does (largest difference {largest:.1e})")
    for one in manifest.licenses:
        job.progress.note(f"the artifact holds {one.of} of others ({one.source}), license: {one.license}")


def _confidence(job: Job, data: Data, predicting: tuple[str, Network]) -> Confidence | None:
    """What the recipe wants fitted on validation to rely on answers, noted in the log; None where that is nothing."""
    if "answers" not in job.recipe.values:
        return None
    options: AnswerOptions = job.recipe.options("answers")
    name, network = predicting
    schema = data.preparation.schema
    classes = schema.targets[0].classes if schema.targets else ()
    most = min(FITTED, max(FITTED_LEAST, FITTED_CELLS // max(1, len(classes))))
    sample = data.sample("valid", most, job.recipe.values["seed"])
    infer = export.inference_of(name, network, data.preparation, name)
    outputs = infer(torch_network(network.module), export.network_inputs(network.inputs, sample), BATCH)

    def decode(raw: Columns) -> Columns:
        decoded: Columns = job.folder.module("prepare").decode(raw, sample.traces, schema)
        return decoded

    found = confidence.fit(options, outputs, decode, sample.truth, network.outputs, schema)
    for note in confidence.notes(found, options, len(sample), classes[-1] if classes else ""):
        job.progress.note(note)
    return found


def rivals(job: Job, data: Data) -> Mapping[str, Any]:
    """The task's baselines by name, fitted on the training part within their share of the time budget."""
    if not job.folder.has("baselines"):
        return {}
    most = calibration.baseline_seconds(job.recipe.options("budget").time)
    until = _until(job, AFTER_BASELINES)
    if until is not None:
        most = max(LEAST_BASELINES, min(most, until - job.clock.gone()))
    seed = job.recipe.values["seed"]
    train = data.studied("train", seed)
    found: Mapping[str, Any] = job.folder.module("baselines").rivals(train, data.preparation.schema, seed, most)
    return found


def _judge(job: Job, data: Data, rivals: Mapping[str, Any], model: nn.Module) -> tuple[Columns, Columns]:
    """Score the artifact and the baselines on the test part, once; returns predictions and truth."""
    schema = data.preparation.schema
    card = job.folder.card.facing(schema)
    loaded = predictor.load(job.run.path("artifact"))
    predictions, truth = building.answer_part(data, "test", loaded.answers)
    beside = {}
    for name, rival in rivals.items():
        parts = [rival.predict(piece.columns, piece.traces) for piece in data.pieces("test")]
        beside[name] = (preparation.concatenate(parts), rival.n, rival.note)
    groups = [data.examples.units[index] for index in data.parts["test"]]
    until = _until(job, REPORTING)
    scores = scoring.judge(
        card,
        job.folder.rooms("metrics"),
        truth,
        predictions,
        schema,
        groups,
        job.recipe.values["seed"],
        beside,
        seconds=None if until is None else (until - job.clock.gone()) / 2,
    )
    scores["confidence"] = msgspec.to_builtins(loaded.confidence)
    scores |= explaining.explain(job, data, predictions, truth, loaded.answers, until, model)
    _note_shortened(job, scores, len(data.parts["test"]), len(data.examples.columns))
    scores["looks"] = count_look(job, [data.examples.ids[index] for index in data.parts["test"]])
    job.run.write_json("scores.json", scores)
    _write_predictions(job, data, predictions, truth)
    return predictions, truth


def _until(job: Job, then: float) -> float | None:
    """What the job's clock may say where `then` seconds of the processor are still needed; None without a budget."""
    budget: float | None = job.recipe.options("budget").time
    return None if budget is None or job.extension else budget - then * job.clock.slowness()


def _note_shortened(job: Job, scores: Mapping[str, Any], n: int, columns: int) -> None:
    """Say what rests on less than it would without a time budget."""
    resamples, whole = scores["interval"]["replicates"], bootstrap.replicates(n)
    if resamples < whole:
        job.progress.note(f"intervals are of {resamples} resamples and not {whole:,}, to keep within the time")
    found = scores["importance"]
    if found is not None and found["n"] < importance.examples_used(n, columns):
        passed = f" and {found['passed_over']:,} columns were passed over" if found["passed_over"] else ""
        job.progress.note(f"importance is that of {found['n']:,} test examples{passed}, to keep within the time")


def count_look(job: Job, ids: Sequence[str]) -> int:
    """Note in the ledger that this run looks at the test examples `ids`; says how often they were looked at, by all."""
    state = job.run.state()
    looks, notes = ledger.look(
        ledger.place(job.run.folder, job.folder.name),
        state.get("lineage", ""),
        ids,
        who=f"train {job.run.folder}",
        stamp=f"{job.run.folder.resolve()} {state['created']} {state.get('phase_start', 0)}",
    )
    for note in notes:
        job.progress.note(note)
    return looks.count


def _write_predictions(job: Job, data: Data, predictions: Columns, truth: Columns) -> None:
    """`predictions/test.jsonl`, one line an example: id, part, truth and prediction in original terms.

    Probabilities of very many classes are kept in short (see `judge.shortened`).
    """
    path = job.run.path("predictions") / "test.jsonl"
    path.parent.mkdir(exist_ok=True)
    ids = [data.examples.ids[index] for index in data.parts["test"]]
    with files.whole_file(path) as out:
        for start in range(0, len(ids), WRITTEN):
            here = slice(start, start + WRITTEN)
            targets, outputs = ({name: column[here] for name, column in one.items()} for one in (truth, predictions))
            short = shortened.columns(outputs, targets, data.preparation.schema)
            for name, target, output in zip(ids[here], _rows(targets), _rows(short), strict=True):
                line = {"id": name, "part": "test", "target": target, "output": output}
                out.write(files.json_text(line).encode() + b"\n")


def _rows(columns: Columns) -> Iterator[dict[str, Any]]:
    """The rows of some columns; arrays of numbers as plain values, all at once."""
    plain = {name: column.tolist() if isinstance(column, np.ndarray) else column for name, column in columns.items()}
    return (dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True))


def _gallery(job: Job, data: Data, predictions: Columns, truth: Columns) -> dict[str, list[tuple[str, Picture]]]:
    """Pictures for the report: a few test examples chosen by counter, and the worst answers."""
    if not job.pictures or not job.folder.has("pictures"):
        return {}
    draw = job.folder.module("pictures").draw
    indices = data.parts["test"]
    keys = randomness.keys([data.examples.ids[index] for index in indices])
    chosen = {"samples": randomness.order(job.recipe.values["seed"], "gallery", 0, keys)[:GALLERY].tolist()}
    schema = data.preparation.schema
    worst = job.folder.card.facing(schema).worst
    if worst is not None:
        chosen["worst"] = scoring.worst(worst, job.folder.rooms("metrics"), truth, predictions, schema, GALLERY)
    drawn = job.folder.module("pictures")
    why = _weighing(job, data) if hasattr(drawn, "explained") and job.folder.has("reasons") else None
    gallery: dict[str, list[tuple[str, Picture]]] = {}
    for kind, rows in chosen.items():
        gallery[kind] = []
        for row in rows:
            raw = data.examples.fetch([indices[row]], None)
            one = {name: column[0] for name, column in raw.items()}
            said = {name: column[row] for name, column in predictions.items()}
            true = {name: column[row] for name, column in truth.items()}
            explained = kind == "worst" and why is not None and len(gallery[kind]) < EXPLAINED
            picture = drawn.explained(one, true, said, why(one)) if explained and why else draw(one, true, said)
            gallery[kind].append((data.examples.ids[indices[row]], picture))
    return gallery


def _weighing(job: Job, data: Data) -> Callable[[Mapping[str, Any]], Any]:
    """What each part of a raw example weighs for its answer, through the artifact."""
    answer = explaining.raw_answers(data, predictor.load(job.run.path("artifact")).answers)
    parts, truths = job.folder.module("reasons"), set(data.truth)

    def weigh(raw: Mapping[str, Any]) -> Any:
        return reasons.weights({name: one for name, one in raw.items() if name not in truths}, parts, answer)

    return weigh


def write_report(run: Run, gallery: Mapping[str, Any], *, examples: bool) -> None:
    """`report.html` and `card.md` from what lies in the run folder, and the pictures; no example without `examples`."""
    page, card = report.both(run.folder, gallery, examples=examples)
    files.write_whole(run.path("report.html"), page)
    files.write_whole(run.path("card.md"), card)
