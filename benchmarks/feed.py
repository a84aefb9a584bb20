"""How fast pictures that do not fit memory come to the training, and what changing them costs.

    python benchmarks/feed.py [--rounds 11] [--pictures 384]

Decoding: Stepwell's feed against the decoder alone (Pillow reads a file and makes it small, nothing else), both with
the same number of threads, in turns; wanted: at least 0.9 of the pictures a second. Beside it the memory that the feed
takes, against all prepared pictures, and, where simplejpeg is installed, what that decoder would gain, and whether it
is used.
Changing: flip, crop and erasing of a batch against one step of a small ResNet; wanted: at most 3 %.

The pictures are pieces of the two photographs that scikit-learn carries, 500 x 375 pixels, JPEG of quality 90, made
small to 128 x 128. Medians, and the quartiles in brackets; "wall" is what a user waits for and what other programs
disturb, "CPU" is what it costs.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from PIL import Image  # noqa: E402
from torch.nn import functional  # noqa: E402

from stepwell import building, device, discovery, feed, reading, recipe  # noqa: E402
from stepwell.preparation import Preparation  # noqa: E402
from stepwell.schema import Examples  # noqa: E402
from stepwell.transforms import _jpeg  # noqa: E402

Seconds = tuple[float, float]
"""By the clock on the wall, and of CPU."""

OPTIONAL = _jpeg.decoder
SIDE, BATCH = 128, 32
LEAST_SHARE, MOST_COST = 0.9, 0.03


def photographs(folder: Path, count: int) -> None:
    """Write so many pieces of two photographs, a folder for each."""
    from sklearn.datasets import load_sample_images

    generator = np.random.default_rng(0)
    for number in range(count):
        whole = Image.fromarray(load_sample_images().images[number % 2])
        left, top = (int(generator.integers(0, most)) for most in (141, 53))
        place = folder / f"{number % 2}" / f"{number:05}.jpg"
        place.parent.mkdir(exist_ok=True)
        whole.crop((left, top, left + 500, top + 375)).save(place, "JPEG", quality=90)


def alone(files: Sequence[Path], workers: int) -> None:
    """What any program must do: read, decode, make small."""

    def one(file: Path) -> np.ndarray:
        with Image.open(io.BytesIO(file.read_bytes())) as picture:
            return np.asarray(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR))

    with ThreadPoolExecutor(workers) as pool:
        for _ in pool.map(one, files):
            pass


def through_the_feed(examples: Examples, prepared_by: Preparation, workers: int) -> Seconds:
    """As many pictures, in batches, as training gets them; timed once the workers are as far ahead as they go."""
    indices = range(len(examples))
    made = feed.DecodedFeed(examples, indices, prepared_by, batch_size=BATCH, seed=0, workers=workers)
    batches = made.batches(0)
    with contextlib.closing(batches):  # type: ignore[type-var]
        next(batches)
        return timed(lambda: [None for _ in islice(batches, made.per_epoch)])


def resident() -> int:
    """The bytes of this process that lie in memory; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0


def nothing() -> None:
    """No optional decoder: Pillow against Pillow."""


def decoding(folder: Path, rounds: int) -> None:
    """Print the pictures a second of both, for one thread and for one a core."""
    _jpeg.decoder = nothing  # type: ignore[assignment]
    task = discovery.task("image_classification")
    examples = reading.read(task, folder)
    files = [folder / name for name in examples.ids]
    options = task.module("prepare").Options(size=SIDE)
    prepared_by = task.module("prepare").fit(options, examples, range(len(examples)))
    through_the_feed(examples, prepared_by, device.cores())
    print(f"{'threads':>7} {'alone, /s':>10} {'feed, /s':>10} {'share, wall':>22} {'share, CPU':>22}")
    before = resident()
    for workers in sorted({1, device.cores()}):
        contenders: dict[str, Callable[[], Seconds]] = {
            "alone": partial(timed, partial(alone, files, workers)),
            "feed": partial(through_the_feed, examples, prepared_by, workers),
        }
        wall, spent = measured(contenders, rounds)
        shares = [a / b for a, b in zip(wall["alone"], wall["feed"], strict=True)]
        costs = [a / b for a, b in zip(spent["alone"], spent["feed"], strict=True)]
        rates = [len(files) / statistics.median(wall[name]) for name in contenders]
        verdict = "reached" if statistics.median(shares) >= LEAST_SHARE else "MISSED"
        print(
            f"{workers:>7} {rates[0]:>10.0f} {rates[1]:>10.0f} {spread(shares):>22} {spread(costs):>22}  "
            f"{verdict} {LEAST_SHARE}"
        )
    grown, passes, whole = resident() - before, 2 * rounds, len(files) * 3 * SIDE * SIDE
    print(
        f"memory: {grown / 2**20:+.1f} MB after {passes} times all pictures, of which {whole / 2**20:.0f} MB prepared"
    )
    faster(files, rounds)


def faster(files: Sequence[Path], rounds: int) -> None:
    """Print what the optional decoder gains, with all that follows it, where it is installed."""
    try:
        import simplejpeg
    except ImportError:
        print("simplejpeg: not installed")
        return
    task = discovery.task("image_classification")
    contents = [file.read_bytes() for file in files[:64]]
    decoder = discovery.find(task.rooms("transforms"), "decode_image").Fitted(3, pictures=True)
    resizer = discovery.find(task.rooms("transforms"), "resize").Fitted(SIDE, SIDE)

    def prepared(choice: Callable[[], object]) -> None:
        _jpeg.decoder = choice  # type: ignore[assignment]
        for content in contents:
            resizer.apply(decoder.apply({"image": [content]}, [{}]), [{}])

    _, spent = measured(
        {
            "usual": partial(timed, partial(prepared, nothing)),
            "optional": partial(timed, partial(prepared, lambda: simplejpeg.decode_jpeg)),
        },
        rounds,
    )
    gains = [a / b for a, b in zip(spent["usual"], spent["optional"], strict=True)]
    used = "used" if OPTIONAL() else "not used here: it gives other bits, or is no faster"
    print(f"simplejpeg: {spread(gains)} times as fast in CPU, resizing included; {used}")


def changing(rounds: int) -> None:
    """Print what flip, crop and erasing cost beside a step of a small ResNet on pictures of 32 x 32, batches of 64."""
    torch.set_num_threads(1)
    task = discovery.task("image_classification")
    generator = np.random.default_rng(0)
    pictures, labels = generator.integers(0, 255, (64, 32, 32, 3), dtype=np.uint8), np.arange(64) % 10
    examples = reading.read(task, (pictures, labels))
    draft = recipe.draft(task.name, ["quick"], {"model": "resnet", "model.stem": "small"})
    prepared_by = task.module("prepare").fit(draft.options("prepare"), examples, range(64))
    model = building.build_model(draft, task, prepared_by.schema).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    rooms = task.rooms("augmentations")
    chosen = {"flip": {"horizontal": True}, "crop": {}, "erasing": {}}
    modules = {name: discovery.find(rooms, name) for name in chosen}
    components = [(name, modules[name], modules[name].Options(**one)) for name, one in chosen.items()]
    augment = feed.augmentation(components, prepared_by.schema, 0)
    columns = building.prepare(prepared_by, examples, range(64), ("label",))
    made = feed.MemoryFeed(columns.columns, columns.ids, prepared_by.schema, batch_size=64, seed=0)
    batch = next(made.batches(0))
    assert augment is not None

    def step() -> None:
        optimizer.zero_grad()
        images = batch.fields["image"].contiguous(memory_format=torch.channels_last)
        functional.cross_entropy(model(images), batch.fields["label"]).backward()
        optimizer.step()

    def change() -> None:
        for _ in range(10):
            augment(batch, 0)

    step()
    change()
    _, spent = measured({"step": partial(timed, step), "change": partial(timed, change)}, rounds)
    costs = [b / 10 / a for a, b in zip(spent["step"], spent["change"], strict=True)]
    verdict = f"{'reached' if statistics.median(costs) <= MOST_COST else 'MISSED'} {MOST_COST:.0%}"
    low, middle, high = (100 * one for one in statistics.quantiles(costs, n=4))
    print(f"flip, crop, erasing: {middle:.2f} % [{low:.2f} to {high:.2f}] of a step of the ResNet  {verdict}")


def timed(work: Callable[[], object]) -> Seconds:
    """What `work` takes."""
    start, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - start, time.process_time() - used


def measured(
    contenders: dict[str, Callable[[], Seconds]], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """The seconds by the wall's clock, and of CPU, of each contender, in turns."""
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    spent: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in sorted(contenders, reverse=number % 2 == 1):
            seconds = contenders[name]()
            wall[name].append(seconds[0])
            spent[name].append(seconds[1])
    return wall, spent


def spread(values: Sequence[float]) -> str:
    """Median and quartiles."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle:.2f} [{low:.2f} to {high:.2f}]"


def main() -> None:
    """Measure decoding, then changing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--pictures", type=int, default=384)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photographs(Path(folder), arguments.pictures)
        decoding(Path(folder), arguments.rounds)
    changing(arguments.rounds)


if __name__ == "__main__":
    main()
