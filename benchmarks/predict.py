"""What an answer costs: `stepwell predict` for one picture in a new process, and batches against PyTorch's eager mode.

    python benchmarks/predict.py [--starts 15] [--rounds 15]

The networks are trained for a few steps on made pictures, which changes nothing of what they cost. Everything runs on
one thread, in turns, and is told in CPU time (medians, and the quartiles in brackets), which other programs on the
machine disturb least. The start is the whole process, from the first import to the last line; beside it stands the
least that any answer by onnxruntime takes, `import numpy, onnxruntime`, measured in the same turns. Wanted: at most
0.4 s of CPU and 150 MB for the start; batches at least twice as fast as eager.
"""

from __future__ import annotations

import argparse
import compileall
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

import stepwell  # noqa: E402

if TYPE_CHECKING:
    from torch import nn

NETWORKS = {"cnn": (28, 28), "resnet": (32, 32, 3)}
BATCHES = (1, 32, 128)
MOST_SECONDS, MOST_MEGABYTES, LEAST_RATIO = 0.4, 150, 2.0


def train(model: str, shape: tuple[int, ...], run: Path) -> None:
    """Train for a few steps on made pictures of this shape, in ten classes."""
    generator = np.random.default_rng(0)
    labels = np.arange(600) % 10
    pictures = generator.integers(0, 200, (600, *shape), dtype=np.uint8) + (5 * labels).astype(np.uint8).reshape(
        -1, *(1 for _ in shape)
    )
    settings = {"budget.steps": 20, "training.threads": 1, "training.batch_size": 32}
    stepwell.train(
        "image_classification",
        (pictures, labels),
        model=model,
        recipes=["quick"],
        settings=settings,
        run=run,
        force=True,
        progress="quiet",
    )


def process(words: Sequence[str]) -> tuple[float, float]:
    """CPU seconds and peak megabytes of a process. Whoever starts it must be small: Linux counts its size too."""
    started = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(started.pid, 0)
    started.returncode = os.waitstatus_to_exitcode(status)
    if started.returncode:
        sys.exit(f"this failed: {' '.join(words)}")
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / unit


def cold(run: Path, starts: int, folder: Path) -> None:
    """Print what one answer for one picture costs in a new process, beside the least that it could."""
    compileall.compile_dir(str(Path(stepwell.__file__).parent), quiet=2)  # as an installer does
    Image.fromarray(np.zeros((28, 28), dtype=np.uint8)).save(folder / "one.png")
    commands = {
        "stepwell predict RUN one.png": ["-m", "stepwell", "predict", str(run), str(folder / "one.png")],
        "import numpy, onnxruntime": ["-c", "import numpy, onnxruntime"],
    }
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(starts + 1):
        for name, words in commands.items():
            measured[name].append(process([sys.executable, *words]))
    print(f"{'a new process':<30} {'CPU seconds':>22} {'peak MB':>8}")
    for name, all_of_it in measured.items():
        seconds, megabytes = ([one[place] for one in all_of_it[1:]] for place in (0, 1))
        verdict = ""
        if name.startswith("stepwell"):
            held = statistics.median(seconds) <= MOST_SECONDS and max(megabytes) <= MOST_MEGABYTES
            verdict = f"  {'reached' if held else 'MISSED'} {MOST_SECONDS} s, {MOST_MEGABYTES} MB"
        print(f"{name:<30} {spread(seconds):>22} {max(megabytes):>8.0f}{verdict}")


def eager(run: Path) -> nn.Module:
    """The network of a run as PyTorch runs it, with the weights that were exported."""
    from stepwell import building, checkpoint, discovery
    from stepwell.artifact import predictor
    from stepwell.loop import chosen_weights
    from stepwell.run import open_run

    loaded = predictor.load(run)
    model = building.build_model(open_run(run).recipe(), discovery.task("image_classification"), loaded.schema)
    state, _ = checkpoint.load_latest(run / "checkpoints")
    model.load_state_dict(dict(chosen_weights(state or {})))
    return model.eval()


def throughput(run: Path, name: str, rounds: int) -> None:
    """Print examples a second of the artifact's network and of eager PyTorch, prepared pictures in, logits out."""
    import torch

    from stepwell.artifact import predictor
    from stepwell.artifact.torch_network import torch_network

    torch.set_num_threads(1)
    loaded = predictor.load(run, threads=1)
    model = eager(run)
    last = eager(run).to(memory_format=torch.channels_last)
    for size in BATCHES:
        images = np.random.default_rng(1).integers(0, 255, (size, *loaded.schema.inputs[0].shape), dtype=np.uint8)
        calls: Mapping[str, Callable[[list[np.ndarray]], list[np.ndarray]]] = {
            "eager": torch_network(model),
            "artifact": loaded.network,
            "channels_last": torch_network(last, channels_last=True),
        }
        answers = [call([images])[0] for call in calls.values()]
        assert all(np.allclose(answers[0], one, rtol=1e-3, atol=1e-4) for one in answers)
        times: dict[str, list[float]] = {one: [] for one in calls}
        repeats = max(1, 64 // size)
        for _ in range(rounds):
            for one, call in calls.items():
                start = time.process_time()
                for _ in range(repeats):
                    call([images])
                times[one].append((time.process_time() - start) / (repeats * size))
        ratios = {one: [a / b for a, b in zip(times["eager"], times[one], strict=True)] for one in calls}
        wanted = statistics.median(ratios["artifact"]) >= LEAST_RATIO
        print(
            f"{name:<8} {size:>5} {1 / statistics.median(times['eager']):>10.0f} "
            f"{1 / statistics.median(times['artifact']):>10.0f} {spread(ratios['artifact']):>20} "
            f"{spread(ratios['channels_last']):>20}  {'reached' if wanted else 'MISSED'} {LEAST_RATIO}",
            flush=True,
        )


def spread(values: Sequence[float]) -> str:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} [{low:.2f} to {high:.2f}]"


def main() -> None:
    """Train the networks, then measure the start and the batches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=15, help="at least 2")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = {name: Path(folder) / name for name in NETWORKS}
        for name, shape in NETWORKS.items():
            with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as other:  # this process stays small
                other.submit(train, name, shape, runs[name]).result()
        cold(runs["cnn"], arguments.starts, Path(folder))
        print("\nnetwork  batch  eager, /s  artifact/s  times as fast        eager channels-last")
        for name, run in runs.items():
            throughput(run, name, arguments.rounds)


if __name__ == "__main__":
    main()
