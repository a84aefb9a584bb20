"""Steps 10 to 12 of a training: the artifact is exported and gated, judged once, and reported.

Each file is written whole, and `run.json` says `finished` last of all; a kill in between repeats what
is not yet there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from stepwell import building, calibration, files, preparation, randomness, report
from stepwell.artifact import export, gate, predictor
from stepwell.building import Data
from stepwell.job import Job
from stepwell.judge import scoring
from stepwell.run import Run
from stepwell.schema import Columns, Picture

GALLERY = 24  # pictures of each kind in a report
GATED = 1_000  # validation examples on which the artifact is compared with the network


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
    schema = data.preparation.schema
    card = job.folder.card.facing(schema)
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
    most = calibration.baseline_seconds(budget)
    seed = job.recipe.values["seed"]
    train = data.studied("train", seed)
    found: Mapping[str, Any] = job.folder.module("baselines").rivals(train, data.preparation.schema, seed, most)
    return found


def _judge(job: Job, data: Data, rivals: Mapping[str, Any]) -> tuple[Columns, Columns]:
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
    schema = data.preparation.schema
    worst = job.folder.card.facing(schema).worst
    if worst is not None:
        chosen["worst"] = scoring.worst(worst, job.folder.rooms("metrics"), truth, predictions, schema, GALLERY)
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
