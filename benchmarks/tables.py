"""Scores on two real tables, as a user would train them: one command, a time budget, no other flag but the target.

    python benchmarks/tables.py [--data FOLDER] [--sets adult_income,california_housing] [--time 5m] [--seeds 0,1,2]

FOLDER holds a folder for each set; without --data it is `table` below the folder that the variable STEPWELL_DATA names.
adult_income has its official test part; of california_housing every seed keeps another 20 % as the test. Each row is a
training of its own in a fresh process; the seconds are those of the whole command. Wanted: a median AUROC of at
least 0.918 on adult_income and a median RMSE of at most 50,000 on california_housing, in 5m on 2 cores.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Table:
    """A data set: what lies in its folder, what is asked for, and what is wanted."""

    path: str
    target: tuple[str, ...]
    metric: str
    wanted: float
    higher: bool


TABLES = {
    "adult_income": Table("", (), "auroc", 0.918, higher=True),
    "california_housing": Table("housing.csv", ("--target", "median_house_value"), "rmse", 50_000.0, higher=False),
}


def found(named: str | None) -> Path | None:
    """The folder of the data sets: as named, or below STEPWELL_DATA; None where there is none."""
    root = os.environ.get("STEPWELL_DATA")
    place = Path(named) if named else Path(root) / "table" if root else None
    return place if place is not None and place.is_dir() else None


def train(data: Path, table: Table, budget: str, seed: int, run: Path) -> dict[str, Any]:
    """One training in a process of its own: the score, its interval, the rivals', and the seconds."""
    words = [sys.executable, "-m", "stepwell", "train", "table", str(data), *table.target]
    words += ["--time", budget, "--seed", str(seed), "--run", str(run), "--json", "--quiet"]
    start = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    facts = json.loads(done.stdout)
    if "error" in facts:
        sys.exit(f"training failed: {facts['error']['message']}")
    return {
        "score": facts["scores"][table.metric],
        "interval": facts["intervals"][table.metric],
        "rivals": {name: scores[table.metric] for name, scores in facts["baselines"].items()},
        "seconds": seconds,
    }


def main() -> None:
    """Train once for each set and seed, print a row each, and the median of each set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--sets", default=",".join(TABLES))
    parser.add_argument("--time", default="5m")
    parser.add_argument("--seeds", default="0,1,2")
    arguments = parser.parse_args()
    root = found(arguments.data)
    for name in arguments.sets.split(","):
        table = TABLES[name]
        if root is None or not (root / name).exists():
            print(f"{name}: skipped, it was not found (name its folder's folder by --data, or STEPWELL_DATA)")
            continue
        print(f"{name}\nseed     {table.metric:>8}     95 % interval     linear   boosting  seconds")
        scores = []
        for seed in arguments.seeds.split(","):
            with tempfile.TemporaryDirectory() as folder:
                one = train(root / name / table.path, table, arguments.time, int(seed), Path(folder) / "run")
            scores.append(one["score"])
            low, high = one["interval"]
            print(
                f"{seed:>4} {one['score']:>12.6g} {f'{low:.5g} to {high:.5g}':>18} {one['rivals']['linear']:>10.5g} "
                f"{one['rivals']['boosting']:>10.5g} {one['seconds']:>8.1f}",
                flush=True,
            )
        median = statistics.median(scores)
        reached = median >= table.wanted if table.higher else median <= table.wanted
        spread = max(scores) - min(scores)
        verdict = "reached" if reached else "MISSED"
        print(f"median {median:.6g}, spread {spread:.3g}: {verdict} {table.wanted:g}")


if __name__ == "__main__":
    main()
