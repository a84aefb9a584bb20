"""How well healing heals: networks made ill on purpose, and what of the changes that are tried holds by chance.

    python benchmarks/heal.py [--only WORD] [--simulate 2000]

(a) Every fault of `FAULTS`, by `infect`, on small tables and pictures: is it found, answered and proven, and how good
    is the healed network beside the one never ill, by the best log loss of all validations.
(b) What it costs, in multiples of one training.
(c) False cures: how often a change that changes nothing is verified, and how often a gain of a given size is, by
    simulation of the proof itself.

Runs are kept under `build/heal`; a second call goes on. No run is exported or judged on a test part.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stepwell import api, discovery, outcome, recipe
from stepwell.doctor import diagnosing
from stepwell.doctor.changes import Change
from stepwell.errors import StepwellError
from stepwell.files import read_lines
from stepwell.trials import healing, proof

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


@dataclass(frozen=True)
class Subject:
    """A healthy training: its task, recipe and settings."""

    name: str
    task: str
    settings: Mapping[str, Any]


SUBJECTS = (
    Subject(
        "table",
        "table",
        {"model.widths": (32, 32), "optimizer.learning_rate": 0.003, "budget.epochs": None, "budget.steps": 400},
    ),
    Subject(
        "digits, mlp",
        "image_classification",
        {
            "model": "mlp",
            "model.widths": (64, 64),
            "optimizer": "adam",
            "optimizer.learning_rate": 0.002,
            "budget.epochs": None,
            "budget.steps": 400,
        },
    ),
)


def main() -> None:
    """Heal what is asked for, tell, and simulate."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", default="", help="subjects and faults whose name holds this word")
    parser.add_argument("--simulate", type=int, default=2_000, help="simulated proofs (default 2000)")
    arguments = parser.parse_args()
    outcome.finish = _trained_alone
    rows = []
    for subject in SUBJECTS:
        for fault in FAULTS:
            if arguments.only in f"{subject.name} {fault}":
                row = healed(subject, fault)
                if row is not None:
                    rows.append(row)
                    print(json.dumps(row), flush=True)
    told(rows)
    simulated(arguments.simulate)


def _trained_alone(job: Any, *_: Any) -> None:
    """Neither export nor judge: this benchmark reads validation alone."""
    job.run.write_json("scores.json", {"scores": {}})
    job.run.set_state("finished")


def healed(subject: Subject, fault: str) -> dict[str, Any] | None:
    """One ill training, healed; None where this network cannot have the fault."""
    kept = CACHE / f"{subject.name} {fault}.json"
    if kept.exists():
        row: dict[str, Any] = json.loads(kept.read_text())
        return row
    data = CACHE / "data" / subject.task
    if not data.exists():
        api.sample(subject.task, data)
    folder = CACHE / f"{subject.name} {fault}"
    shutil.rmtree(folder, ignore_errors=True)
    settings = {"training.patience": None, "training.threads": 1, **subject.settings}
    well = recipe.draft(subject.task, ("classic",), settings)
    change = discovery.load(diagnosing.ROOM, fault).infect(recipe.flat(well))
    if not isinstance(change, Change):
        return None
    before = train(subject, data, folder / "well", settings)
    ill = train(subject, data, folder / "ill", {**settings, **change.values})
    began = time.process_time()
    try:
        found = api.heal(folder / "ill", progress="quiet")
    except StepwellError as error:
        return {"subject": subject.name, "fault": fault, "error": error.what}
    row = {
        "subject": subject.name,
        "fault": fault,
        "named": [one["name"] for one in found.findings],
        "fails": ill > before * 1.1 + 1e-9,
        "well": before,
        "ill": ill,
        "healed": best(Path(found.healed)) if found.healed else None,
        "edits": list(found.edits),
        "verified": [one.finding for one in found.tried if one.accepted and one.proof.state == "verified"],
        "tried": len(found.tried),
        "cost": found.cost["trainings"],
        "seconds": time.process_time() - began,
    }
    kept.write_text(json.dumps(row))
    return row


def train(subject: Subject, data: Path, run: Path, settings: Mapping[str, Any]) -> float:
    """The best validation loss of a training; infinite where it failed."""
    with contextlib.suppress(StepwellError):
        api.train(subject.task, data, recipes=("classic",), settings=settings, run=run, progress="quiet")
    return best(run)


def best(run: Path) -> float:
    """The least log loss of all validations."""
    lines = read_lines(run / "history.jsonl") if (run / "history.jsonl").exists() else []
    found = [one["values"]["log_loss"] for one in lines if one["kind"] == "evaluation"]
    return min(found, default=float("inf"))


def told(rows: list[dict[str, Any]]) -> None:
    """(a) and (b)."""
    ill = [row for row in rows if "error" not in row and row["fails"]]
    cured = [row for row in ill if row["verified"]]
    print(f"{len(rows)} infected, {len(ill)} of them fail (log loss over 1.1 of the well one's)")
    if ill:
        right = [row for row in cured if row["healed"] <= row["well"] + 0.5 * (row["ill"] - row["well"])]
        print(f"repaired and proven: {len(cured)}/{len(ill)}; with half of the loss regained or more: {len(right)}")
        print(f"cost: median {statistics.median(row['cost'] for row in ill):.2f} times one training")
    for row in rows:
        if row in ill and row not in cured:
            print(f"not healed: {row['subject']}, {row['fault']}: named {row['named']}, {row['tried']} tried")
        elif "error" in row:
            print(f"no healing: {row['subject']}, {row['fault']}: {row['error']}")


def simulated(count: int) -> None:
    """(c): paired normal values by seed, the change worth `gain`, in units of the spread between seeds."""
    draw = np.random.default_rng(0)
    least = healing.LEAST["max"]
    for spread in (0.005, 0.02, 0.1):
        said = []
        for gain in (0.0, 2.0, 5.0):
            verified = 0
            for _ in range(count):
                base = draw.normal(0.7, spread, proof.MOST)
                other = draw.normal(0.7, spread, proof.MOST)
                changed = draw.normal(0.7 + gain * spread, spread, proof.MOST)
                verified += _verdict(base, other, changed, least) == "verified"
            said.append(f"gain of {gain:g} spreads: {verified / count:.3f}")
        print(f"verified, spread {spread:g} between seeds: {'; '.join(said)}")


def _verdict(base: Any, other: Any, changed: Any, least: float) -> str:
    for n in range(1, proof.MOST + 1):
        found = proof.judge(base[:n].tolist(), other[:n].tolist(), changed[:n].tolist(), least)
        if found.state in ("refused", "verified"):
            return found.state
    return found.state


if __name__ == "__main__":
    main()
