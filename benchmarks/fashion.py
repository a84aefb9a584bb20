"""Test accuracy against minutes on Fashion-MNIST, as a user would train it: one command, a time budget, no other flag.

    python benchmarks/fashion.py [--data FOLDER] [--times 3m,10m] [--seeds 0]

FOLDER holds the four IDX files; without --data it is found below the folder that the variable STEPWELL_DATA names.
Each row is a training of its own in a fresh process; the seconds are those of the whole command. Wanted:
at least 0.91 within 3m and 0.93 within 10m on 2 cores, below 1.5 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

WANTED = {"3m": 0.91, "10m": 0.93}
MOST_BYTES = 1.5 * 2**30


def found(named: str | None) -> Path | None:
    """The folder of the data set: as named, or below STEPWELL_DATA; None where there is none."""
    root = os.environ.get("STEPWELL_DATA")
    places = [Path(named)] if named else [Path(root) / "image_classification" / "fashion_mnist"] if root else []
    return next((place for place in places if any(place.glob("train-images*"))), None)


def train(data: Path, budget: str, seed: int, run: Path) -> dict[str, float]:
    """One training in a process of its own: accuracy, its interval, the linear rival's, seconds, bytes at the peak."""
    words = [sys.executable, "-m", "stepwell", "train", "image_classification", str(data)]
    words += ["--time", budget, "--seed", str(seed), "--run", str(run), "--json", "--quiet"]
    start = time.perf_counter()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    facts = json.loads(done.stdout)
    if "error" in facts:
        sys.exit(f"training failed: {facts['error']['message']}")
    low, high = facts["intervals"]["accuracy"]
    return {
        "accuracy": facts["scores"]["accuracy"],
        "low": low,
        "high": high,
        "linear": facts["baselines"]["linear"]["accuracy"],
        "seconds": seconds,
        "bytes": json.loads((run / "timings.json").read_text())["peak_memory_bytes"],
    }


def main() -> None:
    """Train once for each budget and seed, and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data")
    parser.add_argument("--times", default="3m,10m")
    parser.add_argument("--seeds", default="0")
    arguments = parser.parse_args()
    data = found(arguments.data)
    if data is None:
        print("fashion: skipped, Fashion-MNIST was not found (name it by --data or STEPWELL_DATA)")
        return
    print("budget  seed accuracy    95 % interval  linear  seconds    GB  wanted")
    for budget in arguments.times.split(","):
        for seed in arguments.seeds.split(","):
            with tempfile.TemporaryDirectory() as folder:
                one = train(data, budget, int(seed), Path(folder) / "run")
            interval = f"{one['low']:.4f}-{one['high']:.4f}"
            wanted = WANTED.get(budget)
            verdict = "" if wanted is None else f"{'reached' if one['accuracy'] >= wanted else 'MISSED'} {wanted}"
            if one["bytes"] > MOST_BYTES:
                verdict += ", too much memory"
            print(
                f"{budget:<7} {seed:>4} {one['accuracy']:>8.4f} {interval:>16} {one['linear']:>7.4f} "
                f"{one['seconds']:>8.1f} {one['bytes'] / 2**30:>5.2f}  {verdict}",
                flush=True,
            )


if __name__ == "__main__":
    main()
