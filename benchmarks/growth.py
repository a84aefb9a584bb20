"""How time and memory grow with rows, classes, depth and width; writes docs/growth.md with its pictures.

    python benchmarks/growth.py                                   # measure what was not measured yet, then draw
    python benchmarks/growth.py --only rows --most 100000         # one axis, up to a size
    python benchmarks/growth.py --draw                            # the page again from what was measured

Every point is one training of a fixed number of cycles in a process of its own, one thread, default settings but for
what the axis varies. Seconds are those of the processor, by stage, as timings.json says them; memory is the most
that the process held. With --rounds a point is the least of several trainings, since whatever else runs only adds.
Measured points lie in docs/growth/measured.json; --anew measures them again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
PAGE, PLACE = ROOT / "docs" / "growth.md", ROOT / "docs" / "growth"
MEASURED = PLACE / "measured.json"
CYCLES = 50
LINEAR = 1.15
"""Up to this exponent between the last two points, growth is called linear: a point scatters by about a tenth."""

LEAST = 3
"""Points that an axis needs before anything is said of it."""

WORTH = 1.0
"""Seconds of the processor by which a stage has to grow to be spoken of."""

HIDDEN = (
    "It is the most of any stage: a small network needs less while it trains than loading the exporter and the "
    "baselines takes whatever the network is, so that its own growth, which is linear, is seen late."
)


@dataclass(frozen=True)
class Axis:
    """What grows: its sizes, what is trained at each in words, and why a stage that grows faster does."""

    sizes: tuple[int, ...]
    unit: str
    what: str
    why: Mapping[str, str]


AXES = {
    "rows": Axis(
        (1_000, 10_000, 100_000, 1_000_000),
        "rows",
        "A CSV file of 30 columns (20 of numbers, 9 of categories, a yes or no to be answered; one cell in 40 empty), "
        "the task `table`.",
        {
            "baselines": "They have 40 seconds at most, and beyond what fits they are fitted on a sample that is said.",
            "judging": "From 50,000 test rows on 200 resamples are drawn in place of 1,000.",
        },
    ),
    "classes": Axis(
        (2, 100, 1_000, 10_000),
        "classes",
        "20,000 pictures of 8 x 8, the model `mlp` of two hidden layers of 64.",
        {
            "judging": "The answers themselves are examples times classes, and so is whatever reads all of them.",
            "baselines": "A linear model has a weight for each class and pixel; it has 40 seconds at most.",
        },
    ),
    "mlp_depth": Axis(
        (1, 4, 16, 32, 64), "hidden layers", "2,000 pictures of 8 x 8, `mlp` of width 256.", {"memory": HIDDEN}
    ),
    "mlp_width": Axis(
        (64, 512, 4096),
        "units a layer",
        "2,000 pictures of 8 x 8, `mlp` of two hidden layers.",
        {
            "training": "The weights between two layers are the square of the width.",
            "exporting": "It writes and compares the weights, which are the square of the width.",
        },
    ),
    "resnet_depth": Axis(
        (8, 20, 56, 110),
        "layers",
        "1,000 pictures of 16 x 16, `resnet` of width 8.",
        {
            "memory": HIDDEN,
            "exporting": "Python's garbage collector goes through all that the exporter holds again and again; without "
            "it 20, 56, 110 and 218 layers took 2.2, 3.9, 6.7 and 13.3 s, which is linear.",
        },
    ),
    "resnet_width": Axis(
        (4, 16, 64),
        "channels of the first stage",
        "1,000 pictures of 16 x 16, `resnet` of depth 8.",
        {"training": "The weights of a convolution are the product of the channels before and after it."},
    ),
}


def write_table(path: Path, rows: int) -> None:
    """A CSV file of 30 mixed columns, in pieces, so that writing it takes no memory."""
    generator = np.random.default_rng(0)
    levels = np.array([2, 3, 5, 8, 12, 20, 50, 200, 1000])
    names = [*(f"x{i}" for i in range(20)), *(f"c{i}" for i in range(9)), "target"]
    with path.open("w") as file:
        file.write(",".join(names) + "\n")
        for start in range(0, rows, 20_000):
            count = min(20_000, rows - start)
            numbers, categories = generator.normal(size=(count, 20)), generator.integers(0, levels, (count, 9))
            logit = numbers[:, 0] + 0.5 * numbers[:, 1] * numbers[:, 2] + (categories[:, 1] == 1)
            answers = np.where(logit + generator.logistic(size=count) > 0, "yes", "no")
            cells = np.char.mod("%.4f", numbers).astype(object)
            words = np.char.add("v", categories.astype(str)).astype(object)
            cells[generator.random(cells.shape) < 0.03] = ""
            words[generator.random(words.shape) < 0.02] = ""
            file.writelines(",".join(row) + "\n" for row in np.column_stack([cells, words, answers.astype(object)]))


def pictures(count: int, side: int, classes: int) -> tuple[Any, Any]:
    """Pictures `(n, side, side)` of noise around one pattern a class, and their classes."""
    generator = np.random.default_rng(0)
    labels = np.arange(count) % classes
    patterns = generator.integers(40, 216, (classes, side, side))
    return (patterns[labels] + generator.integers(-40, 40, (count, side, side))).astype(np.uint8), labels


def train_one(axis: str, size: int, folder: Path) -> None:
    """The training of one point, in this process; its timings are written to `folder`."""
    import stepwell

    small: dict[str, Any] = {"model": "mlp", "model.width": 64}
    made = {
        "rows": lambda: ("table", str(folder / "table.csv"), {}),
        "classes": lambda: ("image_classification", pictures(20_000, 8, size), small),
        "mlp_depth": lambda: ("image_classification", pictures(2_000, 8, 10), {"model": "mlp", "model.depth": size}),
        "mlp_width": lambda: ("image_classification", pictures(2_000, 8, 10), {"model": "mlp", "model.width": size}),
        "resnet_depth": lambda: (
            "image_classification",
            pictures(1_000, 16, 10),
            {"model": "resnet", "model.depth": size, "model.width": 8},
        ),
        "resnet_width": lambda: (
            "image_classification",
            pictures(1_000, 16, 10),
            {"model": "resnet", "model.depth": 8, "model.width": size},
        ),
    }
    task, data, settings = made[axis]()
    settings |= {"budget.steps": CYCLES, "budget.epochs": None, "training.threads": 1}
    stepwell.train(task, data, settings=settings, run=folder / "run", progress="quiet", force=True)


def measure(axis: str, size: int, into: Path) -> dict[str, Any]:
    """One point in a process of its own: seconds of the processor by stage, and the most memory in bytes.

    Beside it what was planned, in bytes, before training.
    """
    with tempfile.TemporaryDirectory(dir=into) as name:
        folder = Path(name)
        if axis == "rows":
            write_table(folder / "table.csv", size)
        alone = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        words = [sys.executable, __file__, "--point", axis, str(size), str(folder)]
        done = subprocess.run(words, env=alone, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{axis} {size:,} failed:\n{done.stderr[-2000:]}")
        timings = json.loads((folder / "run" / "timings.json").read_text())
        plan = re.search(r"memory: ([0-9.]+) GB planned", (folder / "run" / "log.txt").read_text())
    assert plan is not None
    return {"cpu": timings["cpu"], "memory": timings["peak_memory_bytes"], "planned": float(plan[1]) * 2**30}


def least(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One point of several rounds: the least seconds of each stage, the least memory and plan, and how many rounds."""
    seconds = {stage: min(one["cpu"][stage] for one in rounds) for stage in rounds[0]["cpu"]}
    memory = {name: min(one[name] for one in rounds) for name in ("memory", "planned")}
    return {"cpu": seconds, **memory, "rounds": len(rounds)}


def exponent(sizes: Sequence[int], values: Sequence[float]) -> float:
    """The power by which a quantity grew between the last two points, both less the least point in size and value.

    So a straight line has the power 1 whatever it begins with, and what is fixed is left out.
    """
    before, after = values[-2] - values[0], values[-1] - values[0]
    grown = math.log((sizes[-1] - sizes[0]) / (sizes[-2] - sizes[0]))
    if before < 0.02 * values[-1]:  # nearly nothing beyond what is fixed, which is then left in
        before, after, grown = values[-2], values[-1], math.log(sizes[-1] / sizes[-2])
    if after <= before:
        return 0.0
    return math.log(after / before) / grown


def draw(sizes: Sequence[int], lines: Mapping[str, Sequence[float]], unit: str, words: str) -> str:
    """A picture of its own: each quantity over the sizes, both logarithmic; in gray what linear growth would be."""
    from stepwell.report import charts

    width, height, left, top = 640, 300, 64, 18
    colors = ("#2563a8", "#d9822b", "#3a8f5c", "#a04a9c", "#7a6a5a", "#c0392b", "#5b6abf", "#888")
    values = [max(one, 1e-3) for line in lines.values() for one in line]
    x_axis, y_axis = charts.logarithmic_axis(min(sizes), max(sizes)), charts.logarithmic_axis(min(values), max(values))

    def at(size: float, value: float) -> str:
        return f"{left + width * x_axis.place(size):.1f},{top + height * (1 - y_axis.place(value)):.1f}"

    parts = []
    for place, said in y_axis.ticks:
        y = top + height * (1 - place)
        parts.append(f'<path d="M{left} {y:.1f}H{left + width}" stroke="#ddd"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{said}</text>')
    for size in sizes:
        x = left + width * x_axis.place(size)
        parts.append(f'<text x="{x:.1f}" y="{top + height + 20}" text-anchor="middle">{size:,}</text>')
    most = max(line[-1] for line in lines.values())
    least = max(sizes[0], sizes[-1] * y_axis.low / most)  # where a straight line leaves the picture
    straight = f"{at(least, most * least / sizes[-1])} {at(sizes[-1], most)}"
    parts.append(f'<polyline points="{straight}" fill="none" stroke="#bbb" stroke-dasharray="4 4"/>')
    for number, (name, line) in enumerate(lines.items()):
        color, points = colors[number % len(colors)], [at(*pair) for pair in zip(sizes, line, strict=False)]
        parts.append(f'<polyline points="{" ".join(points)}" fill="none" stroke="{color}" stroke-width="2"/>')
        x, y = left + width + 14, top + 12 + 18 * number
        parts.append(f'<text x="{x}" y="{y}" fill="{color}">{escape(name)}</text>')
    parts.append(f'<text x="{left}" y="12">{escape(words)}</text>')
    parts.append(f'<text x="{left + width}" y="{top + height + 38}" text-anchor="end">{escape(unit)}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 130} {top + height + 48}" '
        f'font-family="system-ui, sans-serif" font-size="12" fill="#333"><rect width="100%" height="100%" '
        f'fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def section(name: str, axis: Axis, points: Mapping[str, Any]) -> list[str]:
    """What the page says of one axis: a table, two pictures, and a sentence for each stage that grows faster."""
    sizes = [size for size in axis.sizes if str(size) in points]
    found = [points[str(size)] for size in sizes]
    stages = [stage for stage in found[-1]["cpu"] if found[-1]["cpu"][stage] >= WORTH / 4]
    seconds = {stage: [one["cpu"].get(stage, 0.0) for one in found] for stage in stages}
    totals = [sum(one["cpu"].values()) for one in found]
    memory = [one["memory"] / 2**20 for one in found]
    title = name.replace("_", ", ")
    (PLACE / f"{name}_time.svg").write_text(draw(sizes, {**seconds, "all": totals}, axis.unit, "seconds of CPU"))
    (PLACE / f"{name}_memory.svg").write_text(draw(sizes, {"memory": memory}, axis.unit, "MB at most"))
    head = [axis.unit, *stages, "all", "memory", "planned"]
    rows = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for at, size in enumerate(sizes):
        cells = [f"{size:,}", *(f"{seconds[stage][at]:.1f}" for stage in stages), f"{totals[at]:.1f} s"]
        planned = found[at]["planned"] / found[at]["memory"] - 1
        rows.append("| " + " | ".join([*cells, f"{memory[at]:,.0f} MB", f"{100 * planned:+.0f} %"]) + " |")
    return [
        f"## {title[:1].upper()}{title[1:]}",
        f"{axis.what} {CYCLES} cycles{_rounds(found)}.",
        "\n".join(rows),
        f"![Seconds over {axis.unit}](growth/{name}_time.svg)",
        f"![Memory over {axis.unit}](growth/{name}_memory.svg)",
        _told(axis, sizes, {**seconds, "memory": memory}),
    ]


def _rounds(found: Sequence[Mapping[str, Any]]) -> str:
    """What is said of points that are the least of several rounds."""
    fewest = min(one.get("rounds", 1) for one in found)
    return f", the least of {fewest} rounds" if fewest > 1 else ""


def _told(axis: Axis, sizes: Sequence[int], lines: Mapping[str, Sequence[float]]) -> str:
    """Which quantities grow faster than what grows, by how much, and why."""
    said = []
    for name, values in lines.items():
        power = exponent(sizes, values)
        if power > LINEAR and (name == "memory" or values[-1] - values[0] >= WORTH):
            why = axis.why.get(name, "Why is not known yet.")
            said.append(f"**{name}** grows with the power {power:.2f} from {sizes[-2]:,} to {sizes[-1]:,}. {why}")
    spoken = [name for name in axis.why if name != "memory" and not any(f"**{name}**" in one for one in said)]
    slow = [f"Of {name}: {axis.why[name]}" for name in spoken]
    return " ".join([*(said or [f"Nothing grows faster than the {axis.unit} do."]), *slow])


def write_page(measured: Mapping[str, Any]) -> None:
    """docs/growth.md and its pictures, from the points that were measured."""
    about = (
        "How the time of the processor and the memory of one training grow, written by `python benchmarks/growth.py`. "
        "Both axes of a picture are logarithmic; the dashed line is what linear growth would be. The least point holds "
        "what every training takes: torch is loaded, the exporter is loaded, the report is drawn. Planned is how far "
        "the plan that was made before training lies from the memory that was then taken. A power is that "
        f"between the last two points, less the least point in size and value; up to {LINEAR} it is called linear."
    )
    blocks = ["# Growth", about]

    def not_yet(name: str, size: int) -> bool:
        return str(size) not in measured[name]

    told = {name for name in AXES if len(measured.get(name, {})) >= LEAST}
    for name in AXES:
        if name in told:
            blocks += section(name, AXES[name], measured[name])
    lacking = [name.replace("_", ", ") for name in AXES if name not in told]
    sizes = [f"{name} at {size:,}" for name in AXES if name in told for size in AXES[name].sizes if not_yet(name, size)]
    if lacking or sizes:
        blocks.append(f"Not measured yet: {'; '.join([*lacking, *sizes])}.")
    PAGE.write_text("\n\n".join(blocks) + "\n")


def main() -> None:
    """Measure what is wanted and not known yet, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=AXES, action="append", help="an axis; may be given again (default: all)")
    parser.add_argument("--most", type=int, default=10**9, help="the largest size that is measured")
    parser.add_argument("--anew", action="store_true", help="measure again what is known")
    parser.add_argument("--draw", action="store_true", help="measure nothing")
    parser.add_argument("--rounds", type=int, default=1, help="trainings a point, of which the least counts")
    parser.add_argument("--into", type=Path, help="where tables and runs lie while they are measured")
    parser.add_argument("--point", nargs=3, metavar=("AXIS", "SIZE", "FOLDER"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.point:
        train_one(given.point[0], int(given.point[1]), Path(given.point[2]))
        return
    PLACE.mkdir(parents=True, exist_ok=True)
    into = given.into or Path(tempfile.gettempdir())
    into.mkdir(parents=True, exist_ok=True)
    measured = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    for name in [] if given.draw else given.only or AXES:
        for size in AXES[name].sizes:
            points = measured.setdefault(name, {})
            if size > given.most or (str(size) in points and not given.anew):
                continue
            points[str(size)] = least([measure(name, size, into) for _ in range(given.rounds)])
            MEASURED.write_text(json.dumps(measured, indent=1) + "\n")
            total = sum(points[str(size)]["cpu"].values())
            print(f"{name} {size:>9,}  {total:7.1f} s  {points[str(size)]['memory'] / 2**20:7,.0f} MB", flush=True)
    write_page(measured)
    print(f"written: {PAGE}")


if __name__ == "__main__":
    main()
