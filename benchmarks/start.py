"""How long one waits before anything happens: for help, and for the first step of a training.

    python benchmarks/start.py
    python benchmarks/start.py --demo                # the whole of `make demo` too, once it is set up

Each in a process of its own, from its start to its end, wall and CPU seconds; a training ends right after its first
step. The sample is the handwritten digits. Every command runs once before it is timed, and may keep Python's compiled
files, as where a user calls it the second time. Beside it stands what importing torch takes, which no training can go
below, and making an optimizer of torch's own too, which imports torch's compiler.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HELP, REFUSED, FIRST, DEMO = 0.3, 0.5, 6.0, 90.0  # seconds of wall time that are wanted
FLOOR = "import torch"
COMPILER = "import torch; torch.optim.SGD([torch.zeros(1, requires_grad=True)])"
UNTIL_FIRST_STEP = """
import os, sys
from stepwell import cli
from stepwell.history import History
History.add = lambda self, event: os._exit(0)
sys.exit(cli.main(sys.argv[1:]) or 1)
"""


def timed(words: Sequence[str], folder: Path = ROOT, ends: int = 0) -> tuple[float, float]:
    """Wall and CPU seconds of a command, called in `folder`; it must end with the exit code `ends`."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before, start = os.times(), time.perf_counter()
    done = subprocess.run(words, check=False, capture_output=True, text=True, cwd=folder, env=environment)
    if done.returncode != ends:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}, wanted {ends}\n{done.stderr}")
    wall, after = time.perf_counter() - start, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, cpu


def told(
    name: str, words: Sequence[str], repeats: int, wanted: float | None, folder: Path = ROOT, ends: int = 0
) -> None:
    """Time a command and print its row; of what nobody wants in so many seconds no verdict."""
    seconds = [timed(words, folder, ends) for _ in range(1 + repeats)][1:]
    wall, cpu = (statistics.median(column) for column in zip(*seconds, strict=True))
    least = min(one for one, _ in seconds)
    if wanted is None:
        print(f"{name:40s} {wall:7.2f} s  (least {least:.2f}, CPU {cpu:.2f})", flush=True)
        return
    if wall <= wanted:
        verdict = "reached"
    else:
        verdict = "reached by CPU time, on a busy machine" if cpu <= wanted else "MISSED"
    print(f"{name:40s} {wall:7.2f} s  (least {least:.2f}, CPU {cpu:.2f})  {verdict}: {wanted:g} s", flush=True)


def main() -> None:
    """Print a row a command: the median of its wall seconds, the least, the CPU seconds, the verdict."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--demo", action="store_true")
    arguments = parser.parse_args()
    stepwell = [sys.executable, "-m", "stepwell"]
    told("stepwell --help", [*stepwell, "--help"], arguments.repeats, HELP)
    told("stepwell train --help", [*stepwell, "train", "--help"], arguments.repeats, HELP)
    told("stepwell train ON NOTHING", [*stepwell, "train", "table", "/nowhere"], arguments.repeats, REFUSED, ends=1)
    told("python: torch", [sys.executable, "-c", FLOOR], arguments.repeats, None)
    told("python: torch and an optimizer", [sys.executable, "-c", COMPILER], arguments.repeats, None)
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "digits"
        timed([*stepwell, "sample", "image_classification", str(data)])
        for recipe in ("classic", "default"):
            words = ["train", "image_classification", str(data), "--recipe", recipe, "--quiet"]
            command = [sys.executable, "-c", UNTIL_FIRST_STEP, *words]
            told(f"train --recipe {recipe}, to its first step", command, arguments.repeats, FIRST, Path(folder))
    if arguments.demo:
        (ROOT / "build" / "demo.done").unlink(missing_ok=True)
        told("make demo", ["make", "-s", "demo"], 1, DEMO)


if __name__ == "__main__":
    main()
