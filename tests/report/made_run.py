"""A run as training leaves it, made up: enough of everything that the report draws."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import numpy as np
from PIL import Image

from stepwell import files, splitting
from stepwell.judge.scoring import judge
from stepwell.recipe import Origin, Recipe, to_yaml
from stepwell.run import create
from stepwell.schema import Field, Finding, Picture, Schema
from stepwell.task import Task

METRICS = (
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "top_5",
    "log_loss",
    "precision",
    "recall",
    "f1",
    "confusion_matrix",
)
CARD = Task("Toy", "a", "b", METRICS, "accuracy", ("accuracy", "log_loss"), None, ("label",))


def answers(classes, true, clear, seed):
    """Predictions whose accuracy grows with `clear`."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(size=(len(true), len(classes)))
    logits[np.arange(len(true)), true] += clear
    values = np.exp(1.5 * logits)
    values /= values.sum(axis=1, keepdims=True)
    return {"label": [classes[one] for one in values.argmax(axis=1)], "probabilities": values}


def write_scores(run, classes, n, clear=5.2, rival=4.4):
    true = np.random.default_rng(0).integers(0, len(classes), n)
    schema = Schema((), (Field("label", "category", "int64", (), tuple(classes)),), ())
    constant = {"label": [classes[0]] * n, "probabilities": np.full((n, len(classes)), 1 / len(classes))}
    beside = {
        "constant": (constant, 1150, "the most frequent class"),
        "linear": (answers(classes, true, rival, 2), 1150, "logistic regression on pixels"),
    }
    truth = {"label": [classes[one] for one in true]}
    scores = judge(CARD, ("metrics",), truth, answers(classes, true, clear, 1), schema, None, 0, beside)
    run.write_json("scores.json", scores)


def write_history(run, cycles=540, every=36):
    generator = np.random.default_rng(3)
    lines = []
    for cycle in range(1, cycles + 1):
        gone = cycle / cycles
        loss = 0.03 + 2.3 * np.exp(-6 * gone) * float(generator.lognormal(0, 0.25))
        rate = 0.02 * min(1.0, cycle / 40) * 0.5 * (1 + np.cos(np.pi * gone))
        epoch = (cycle - 1) // every
        step = {
            "kind": "step",
            "cycle": cycle,
            "epoch": epoch,
            "loss": {"model": loss},
            "learning_rate": {"model": rate},
        }
        lines.append(step)
        if cycle % every == 0:
            score = 0.985 - 0.5 * np.exp(-7 * gone) + float(generator.normal(0, 0.003))
            values = {"accuracy": score, "log_loss": 0.05 + 1.5 * np.exp(-6 * gone) + max(0.0, gone - 0.6) * 0.1}
            best = {"best": cycle in (every, 6 * every, 12 * every)}
            lines.append({"kind": "evaluation", "cycle": cycle, "epoch": epoch, "values": values, **best})
    text = "".join(files.json_text(line) + "\n" for line in lines)
    run.path("history.jsonl").write_text(text, encoding="utf-8")


def write_recipe(run):
    given = {
        "seed": (1, "flag", "--seed"),
        "reader.name": ("class_folders", "auto", "10 folders of pictures: 0, 1, 2 …"),
        "split.name": ("stratified", "default", ""),
        "split.valid": (0.2, "default", ""),
        "split.test": (0.2, "default", ""),
        "prepare.size": (8, "auto", "all pictures are 8 × 8"),
        "model.name": ("cnn", "recipe", "quick"),
        "model.depth": (3, "default", ""),
        "model.width": (64, "flag", "--model.width"),
        "loss.name": ("cross_entropy", "recipe", "quick"),
        "optimizer.name": ("adamw", "recipe", "quick"),
        "optimizer.learning_rate": (0.02, "auto", "steepest fall in the range test at 0.021"),
        "optimizer.betas": ((0.9, 0.999), "default", ""),
        "training.batch_size": (32, "auto", "the largest that fits 1,150 examples 36 times"),
        "training.ema": (None, "default", ""),
        "training.compile": (False, "default", ""),
        "budget.epochs": (15, "recipe", "quick"),
    }
    values: dict = {}
    for path, (value, _, _) in given.items():
        place = values
        *above, last = path.split(".")
        for name in above:
            place = place.setdefault(name, {})
        place[last] = value
    origins = {path: Origin(kind, detail) for path, (_, kind, detail) in given.items()}
    run.path("recipe.yaml").write_text(to_yaml(Recipe("toy", values, origins)), encoding="utf-8")


def make_findings():
    return (
        Finding(
            "exact_duplicates", 2, "2 pictures lie in train and in test with the same content.",
            "A network that has seen the answer is asked for it, so the score is too good.",
            "Remove the copies, or let the split keep them together (it does by default).",
            {"part": "test"}, {"pairs": 2, "share": 0.0056}, ("3/0413.png", "3/1021.png"),
            "the two files differ when decoded",
        ),
        Finding("imbalance", 1, "The largest class has 1.1 times the examples of the smallest.", "Little.", "Nothing."),
        Finding("unreadable", 1, "1 file is unreadable.", "It takes no part.", "Replace it.", {"file": "7/0001.png"}),
        Finding("small_pictures", 1, "All pictures are 8 × 8.", "Fine detail is gone.", "Nothing."),
    )  # fmt: skip


def make_gallery(classes, count=24):
    """Blots of 8 × 8, with their pixels repeated as `pictures.draw` does."""
    generator = np.random.default_rng(0)
    shown = []
    for number in range(count):
        pixels = (generator.random((8, 8)) ** 3 * 255).astype(np.uint8)
        file = io.BytesIO()
        Image.fromarray(pixels).resize((96, 96), Image.Resampling.NEAREST).save(file, format="PNG")
        name = classes[number % len(classes)]
        shown.append((f"{name}/{number:04}.png", Picture("image/png", file.getvalue(), f"{name} (98 %), rightly")))
    return {"samples": shown, "worst": shown[: count // 2]}


def make_run(folder: Path, classes, n=360, clear=5.2, rival=4.4):
    """A finished run of `classes` in `folder`; returns its path and a gallery."""
    run = create(folder, "single", "toy", "stepwell train toy digits --seed 1")
    write_scores(run, classes, n, clear, rival)
    write_history(run)
    write_recipe(run)
    run.write_json("findings.json", [msgspec.to_builtins(one) for one in make_findings()])
    stages = {"reading": 0.21, "checking": 0.9, "preparing": 0.4, "calibrating": 2.1, "training": 14.7, "judging": 1.3}
    run.write_json("timings.json", {"stages": stages, "seconds": 21.4, "peak_memory_bytes": 512_000_000})
    run.write_json(
        "environment.json",
        {
            "stepwell": "0.1.0",
            "python": "3.11.9",
            "platform": "Linux-6.1-x86_64",
            "cores": 2,
            "memory": 8_200_000_000,
            "extras": {"train": True},
            "devices": [{"name": "cpu", "what": "EPYC", "precisions": ["fp32", "bf16"]}],
            "packages": {"torch": "2.13.0", "numpy": "2.4.6"},
        },
    )
    parts = ["train"] * 1077 + ["valid"] * 359 + ["test"] * 359 + [""] * 2
    rows = [
        splitting.Row(
            f"u{i}", f"u{i}", part, f"u{i - (i % 50 == 1)}", "by chance" if part else f"left out: u{i} is empty"
        )
        for i, part in enumerate(parts)
    ]
    splitting.write_split(run.path("split.csv"), rows)
    return folder, make_gallery(classes)
