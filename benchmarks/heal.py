"""How well healing heals: networks made ill on purpose, programs that people wrote, and what chance alone would do.

    python benchmarks/heal.py [--only WORD] [--rivals]        # (a) faults by `infect`; (b) cost
    python benchmarks/heal.py --cases FOLDER [--only WORD]     # (a) faulty programs as recipes
    python benchmarks/heal.py --healthy [--seeds 5]            # false cures: what is accepted on healthy trainings
    python benchmarks/heal.py --simulate 2000                  # (c) how often a change that changes nothing is verified

(a) Is it found, answered and proven, and how good is the healed network beside the one never ill, by the best error of
    all validations? A repair counts where a verified change answers a fault that is really there. With `--rivals`, the
    same number of trainings is spent on other first weights of the ill recipe, and on single changes drawn at random.
(b) What it costs, in multiples of one training.

Runs are kept under `build/heal`; a second call goes on. No run is exported or judged on a test part. FOLDER holds
`cases_shared.json` and `lab.py`, which makes their data; the recipes are those of `tests/tasks/table/programs.yaml`.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import math
import shutil
import statistics
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from watched import programs

from stepwell import api, discovery, outcome, recipe
from stepwell.doctor import course, diagnosing, proof
from stepwell.doctor.changes import Change
from stepwell.errors import Interrupted, StepwellError
from stepwell.files import read_lines

CACHE = Path("build/heal")
FAULTS = (
    "lr_too_high",
    "lr_too_low",
    "vanishing_gradient",
    "dead_relu",
    "bad_init_bias",
    "bad_init_large",
    "bad_init_small",
    "symmetric_init",
    "excessive_dropout",
    "over_regularised",
    "underfit_capacity",
    "wrong_activation",
)

BY_WAY_OF: Mapping[str, tuple[str, ...]] = {"dead_relu": ("bad_init_bias",)}
"""Faults that are made by way of another, which is there as well: rectifiers die of biases of -20."""


@dataclass(frozen=True)
class Subject:
    """A healthy training: its task, recipe and settings."""

    name: str
    task: str
    settings: Mapping[str, Any]


STEPS = {"budget.epochs": None, "budget.steps": 400}
PICTURES = {"optimizer": "adam", "optimizer.learning_rate": 0.002, "training.batch_size": 32, **STEPS}
SUBJECTS = (
    Subject("table", "table", {"model.widths": (32, 32), "optimizer.learning_rate": 0.003, **STEPS}),
    Subject("digits, mlp", "image_classification", {"model": "mlp", "model.widths": (64, 64), **PICTURES}),
    Subject(
        "digits, cnn", "image_classification", {"model": "cnn", "model.width": 8, "model.dense": (32,), **PICTURES}
    ),
    Subject(
        "digits, resnet", "image_classification", {"model": "resnet", "model.depth": 8, "model.width": 8, **PICTURES}
    ),
)
FIXED = {"training.patience": None, "training.threads": 1}
PROGRAMS = Path(__file__).parent.parent / "tests/tasks/table/programs.yaml"

EDITS: Mapping[str, tuple[Any, ...]] = {
    "optimizer.learning_rate": (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "optimizer": ("sgd", "adam", "adamw", "rmsprop"),
    "training.batch_size": (8, 16, 32, 64, 128),
    "training.clip_norm": (0.1, 1.0, 10.0),
    "training.warmup": (0.05, 0.1, 0.2),
    "model.activation": ("relu", "leaky_relu", "elu", "selu", "gelu", "tanh"),
    "model.initialization": ("he", "xavier", "lecun", "orthogonal", "torch"),
    "model.initial_bias": (0.0,),
    "model.normalization": ("none", "batch", "layer"),
    "model.dropout": (0.0, 0.1, 0.3),
    "prepare.scaling": ("standard",),
    "schedule": ("constant", "cosine"),
}
"""What a search at random may change, one at a time: the settings that remedies change, at their usual values."""


@dataclass(frozen=True)
class Ill:
    """A training that is ill: its data, all settings, which faults it has, and its healthy twin's settings."""

    name: str
    task: str
    data: Path
    settings: Mapping[str, Any]
    faults: tuple[str, ...]
    well: Mapping[str, Any]


def main() -> None:
    """Heal what is asked for, tell, and simulate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="trainings whose name holds this word")
    parser.add_argument("--cases", type=Path, help="the folder of faulty programs")
    parser.add_argument("--healthy", action="store_true", help="heal healthy trainings")
    parser.add_argument("--seeds", type=int, default=5, help="seeds of healthy trainings (default 5)")
    parser.add_argument("--rivals", action="store_true", help="search at random and by seeds, too")
    parser.add_argument("--simulate", type=int, default=0, help="simulated proofs")
    arguments = parser.parse_args()
    outcome.finish = _trained_alone
    if arguments.simulate:
        simulated(arguments.simulate)
        return
    if arguments.healthy:
        false_cures(arguments.only, arguments.seeds)
        return
    ills = of_cases(arguments.cases) if arguments.cases else infected()
    rows = []
    for ill in ills:
        if arguments.only in ill.name:
            rows.append(healed(ill, rivals=arguments.rivals))
            print(json.dumps(rows[-1]), flush=True)
    told(rows)


def _trained_alone(job: Any, *_: Any) -> None:
    """Neither export nor judge: this benchmark reads validation alone."""
    job.run.write_json("scores.json", {"scores": {}})
    job.run.set_state("finished")


def infected() -> Iterator[Ill]:
    """Every fault of `FAULTS` that a subject can have."""
    for subject in SUBJECTS:
        data = sample(subject.task)
        settings = {**FIXED, **subject.settings}
        draft = recipe.flat(recipe.draft(subject.task, ("classic",), settings))
        changes = {fault: discovery.load(diagnosing.ROOM, fault).infect(draft) for fault in FAULTS}
        for fault, change in changes.items():
            if isinstance(change, Change):  # one change may be more than one fault: biases so low that rectifiers die
                same = [
                    one for one, other in changes.items() if isinstance(other, Change) and other.values == change.values
                ]
                ill = {**settings, **change.values}
                faults = tuple(dict.fromkeys((*same, *BY_WAY_OF.get(fault, ()))))
                yield Ill(f"{subject.name} {fault}", subject.task, data, ill, faults, settings)


def sample(task: str) -> Path:
    """The task's built-in data."""
    data = CACHE / "data" / task
    if not data.exists():
        api.sample(task, data)
    return data


def of_cases(folder: Path) -> Iterator[Ill]:
    """The faulty programs that are tables and have a recipe, beside their healed form."""
    lab = programs.load_lab(folder)
    cases = {one["id"]: one for one in json.loads((folder / "cases_shared.json").read_text())["cases"]}
    recipes = {name: one["recipe"] for one in yaml.safe_load(PROGRAMS.read_text()) for name in one["programs"]}
    for name, case in cases.items():
        if name not in recipes or f"{name} healed" not in recipes:
            continue
        data = CACHE / "data" / f"{name}.csv"
        if not data.exists():
            write_rows(lab.make_data(case["data"], 0), data, numbers=case["task"] == "regression")
        ill, well = (FIXED | dict(flattened(recipes[one])) for one in (name, f"{name} healed"))
        yield Ill(name, "table", data, ill, tuple(case["faults"]), well)


def flattened(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested settings by dotted path."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from flattened(value, f"{before}{name}.")
        else:
            yield before + name, value


def write_rows(made: Any, path: Path, *, numbers: bool) -> None:
    """Training and held-out rows of a case as one file, with the answer last."""
    x, y, v, w = made
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*(f"c{place}" for place in range(x.shape[1])), "answer"])
        for row, target in zip(
            np.concatenate([x, v]).tolist(), np.concatenate([y, w]).reshape(-1).tolist(), strict=True
        ):
            writer.writerow([*row, target if numbers else f"class {int(target)}"])


def healed(ill: Ill, *, rivals: bool) -> dict[str, Any]:
    """One ill training, healed, and what was asked for beside it."""
    kept = CACHE / f"{ill.name}.json"
    row: dict[str, Any] = json.loads(kept.read_text()) if kept.exists() else _healed(ill)
    if rivals and "seeds" not in row and row.get("cost"):
        row |= {"seeds": by_seeds(ill, round(row["cost"])), "edits_at_random": at_random(ill, round(row["cost"]))}
    row["faults"] = ill.faults
    kept.write_text(json.dumps(row))
    return row


def _healed(ill: Ill) -> dict[str, Any]:
    folder = CACHE / ill.name
    shutil.rmtree(folder, ignore_errors=True)
    before = train(ill, folder / "well", ill.well)
    worst = train(ill, folder / "ill", ill.settings)
    row = {
        "name": ill.name,
        "faults": ill.faults,
        "well": before,
        "ill": worst,
        "fails": not worst <= before * 1.1 + 1e-9,
    }
    began = time.process_time()
    try:
        found = api.heal(folder / "ill", progress="quiet")
    except Interrupted:
        raise
    except StepwellError as error:
        return {**row, "error": error.what}
    verified = [one for one in found.tried if one.accepted and one.proof.state == "verified"]
    answered = {name for one in verified for name in one.finding.split(" and ")}
    return {
        **row,
        "named": [one["name"] for one in found.findings],
        "healed": best(Path(found.healed)) if found.healed else None,
        "edits": list(found.edits),
        "answered": sorted(answered),
        "over_placebo": [one.proof.over_placebo for one in verified],
        "tried": len(found.tried),
        "cost": found.cost["trainings"],
        "seconds": time.process_time() - began,
    }


def by_seeds(ill: Ill, count: int) -> float:
    """The best error of that many trainings of the ill recipe from other first weights."""
    return min(
        train(ill, CACHE / ill.name / f"seed {seed}", {**ill.settings, "seed": seed}) for seed in range(1, count + 1)
    )


def at_random(ill: Ill, count: int) -> float:
    """The best error of that many trainings, each with one setting changed at random."""
    draw = np.random.default_rng(0)
    known = recipe.flat(recipe.draft(ill.task, ("classic",), dict(ill.settings)))
    paths = [path for path in EDITS if path in known or f"{path}.name" in known]
    found = [math.inf]
    for number in range(count):
        path = paths[int(draw.integers(len(paths)))]
        value = EDITS[path][int(draw.integers(len(EDITS[path])))]
        kept = {
            name: one for name, one in ill.settings.items() if path != "optimizer" or not name.startswith("optimizer.")
        }
        with failing_is_an_answer():
            found.append(train(ill, CACHE / ill.name / f"edit {number}", {**kept, path: value}))
    return min(found)


def train(ill: Ill, run: Path, settings: Mapping[str, Any]) -> float:
    """The best validation error of a training; infinite where it failed."""
    if not (run / "scores.json").exists():
        shutil.rmtree(run, ignore_errors=True)
        with failing_is_an_answer():
            api.train(
                ill.task, ill.data, recipes=("classic",), settings=dict(settings), run=run, progress="quiet", force=True
            )
    return best(run)


@contextlib.contextmanager
def failing_is_an_answer() -> Iterator[None]:
    """A training that fails is one of no score; one that is stopped stops all."""
    try:
        yield
    except Interrupted:
        raise
    except StepwellError:
        pass


def best(run: Path) -> float:
    """The least error of all validations: log loss of classes, RMSE of numbers."""
    lines = read_lines(run / "history.jsonl") if (run / "history.jsonl").exists() else []
    values = [one["values"] for one in lines if one["kind"] == "evaluation"]
    return min((one.get("log_loss", one.get("rmse", math.inf)) for one in values), default=math.inf)


def told(rows: list[dict[str, Any]]) -> None:
    """(a) and (b)."""
    ill = [row for row in rows if "error" not in row and row["fails"]]
    right = [row for row in ill if set(row["answered"]) & set(row["faults"])]
    print(f"{len(rows)} ill trainings, {len(ill)} of them fail (error over 1.1 of the well one's)")
    if ill:
        half = [
            row
            for row in right
            if row["healed"] <= row["well"] + 0.5 * (min(row["ill"], 2 * row["well"]) - row["well"])
        ]
        cured = [row for row in ill if row["healed"] is not None]
        print(f"repaired, proven and for the right fault: {len(right)}/{len(ill)}; at all: {len(cured)}")
        print(f"of those, with half of the error regained or more (of one twice the well one's at most): {len(half)}")
        print(f"cost: median {statistics.median(row['cost'] for row in ill):.2f} times one training")
    beside = [row for row in ill if "seeds" in row]
    for name in ("healed", "edits_at_random", "seeds") if beside else ():
        ratios = [min((row[name] or row["ill"]) / max(row["well"], 1e-12), 10.0) for row in beside]
        good = sum(ratio <= 1.1 for ratio in ratios)
        print(
            f"{name}: median error {statistics.median(ratios):.2f} of the well one's, in 1.1 of it {good}/{len(beside)}"
        )
    for row in rows:
        if row in ill and row not in right:
            print(f"not healed: {row['name']}: named {row['named']}, answered {row['answered']}, {row['tried']} tried")
        elif "error" in row:
            print(f"no healing: {row['name']}: {row['error']}")


def false_cures(only: str, seeds: int) -> None:
    """Healthy trainings that something was accepted for."""
    accepted = count = 0
    for subject in SUBJECTS:
        for seed in range(seeds if only in subject.name else 0):
            ill = Ill(f"healthy {subject.name} {seed}", subject.task, sample(subject.task), {}, (), {})
            train(ill, CACHE / ill.name, {**FIXED, **subject.settings, "seed": seed})
            found = api.heal(CACHE / ill.name, progress="quiet")
            count, accepted = count + 1, accepted + bool(found.healed)
            print(ill.name, [one["name"] for one in found.findings], found.said, flush=True)
    print(f"changes accepted on healthy trainings: {accepted}/{count}")


def simulated(count: int) -> None:
    """(c): values by seed, the change worth `gain`, in units of the spread between seeds; and failing at random."""
    draw, least = np.random.default_rng(0), course.LEAST["max"]
    for spread in (0.005, 0.02, 0.1, 0.3):
        said = []
        for gain in (0.0, 2.0, 5.0):
            verified = sum(
                _verified(*(draw.normal(0.7 + more * spread, spread, proof.MOST) for more in (0.0, 0.0, gain)), least)
                for _ in range(count)
            )
            said.append(f"gain of {gain:g} spreads: {verified / count:.3f}")
        print(f"verified, spread {spread:g} between seeds: {'; '.join(said)}")
    for share in (0.1, 0.3, 0.5, 0.7):
        found = []
        for mends in (False, True):
            verified = 0
            for _ in range(count):
                arms = [
                    np.where(draw.random(proof.MOST) < share, -2.0, draw.normal(-1.0, 0.02, proof.MOST)) for _ in "upc"
                ]
                changed = draw.normal(-1.0, 0.02, proof.MOST) if mends else arms[2]
                verified += _verified(arms[0], arms[1], changed, course.LEAST["min"])
            found.append(verified / count)
        print(f"verified where {share:g} fail: a change worth nothing {found[0]:.3f}, one that mends it {found[1]:.3f}")


def _verified(base: Any, other: Any, changed: Any, least: float) -> bool:
    for n in range(1, proof.MOST + 1):
        found = proof.judge(base[:n].tolist(), other[:n].tolist(), changed[:n].tolist(), least)
        if found.state in ("refused", "verified"):
            break
    return found.state == "verified"


if __name__ == "__main__":
    main()
