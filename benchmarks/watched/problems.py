"""What the watched networks learn: rows for training and rows held out, by name.

Generated sets and those that come with scikit-learn are here; those that are read from a folder are in real_data.py.
A problem is the same in every run that names it; what differs between runs is which rows, how many and how noisy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn import datasets
from torch import Tensor

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Problem:
    """Rows to learn from (`x`, `y`) and rows held out (`v`, `w`).

    `x` is float32 [n, columns], [n, channels, height, width] or [n, steps, columns], or int64 tokens [n, steps].
    `kind` says what `y` is: "classes" int64 [n], "numbers" float32 [n, k], "next" int64 [n, steps] (the next token),
    "same" (the inputs themselves), "points" (what a generator is to make). `width` is the number of classes, of tokens
    or of numbers.
    """

    name: str
    kind: str
    x: Tensor
    y: Tensor
    v: Tensor
    w: Tensor
    width: int
    tokens: int = 0


def split(name: str, kind: str, x: Numbers, y: NDArray[np.generic], *, seed: int = 0, rows: int = 3000) -> Problem:
    """Shuffle, keep at most `rows`, hold a quarter out (at most 600 rows), standardize columns by the training part."""
    order = np.random.default_rng(seed).permutation(len(x))[:rows]
    x, y = x[order], y[order]
    held = min(600, len(x) // 4)
    if x.ndim == 2:
        mean, deviation = x[held:].mean(0), x[held:].std(0)
        x = (x - mean) / np.where(deviation > 0, deviation, 1)
    inputs = torch.tensor(x, dtype=torch.float32)
    if kind == "classes":
        targets, width = torch.tensor(y.astype(np.int64)), int(y.max()) + 1
    else:
        numbers = y.reshape(len(y), -1).astype(np.float32)
        numbers = (numbers - numbers[held:].mean(0)) / numbers[held:].std(0)
        targets, width = torch.tensor(numbers), numbers.shape[1]
    return Problem(name, kind, inputs[held:], targets[held:], inputs[:held], targets[:held], width)


def tokens(
    name: str, kind: str, rows: NDArray[np.int64], y: NDArray[np.int64], count: int, *, seed: int = 0
) -> Problem:
    """Rows of tokens, `count` of them, with their classes or with the next token at every place."""
    order = np.random.default_rng(seed).permutation(len(rows))
    inputs, targets = torch.tensor(rows[order]), torch.tensor(y[order])
    held = min(600, len(rows) // 4)
    width = count if kind == "next" else int(targets.max()) + 1
    return Problem(name, kind, inputs[held:], targets[held:], inputs[:held], targets[:held], width, count)


def itself(problem: Problem) -> Problem:
    """The same rows, to be answered with themselves."""
    x, v = problem.x.flatten(1), problem.v.flatten(1)
    return replace(problem, kind="same", y=x, w=v, width=x.shape[1])


def fewer(problem: Problem, rows: int, seed: int) -> Problem:
    """Only `rows` of the rows to learn from, of every class as many as of another where there are classes."""
    order = torch.randperm(len(problem.x), generator=torch.Generator().manual_seed(seed))
    if problem.kind == "classes":
        each = max(1, rows // problem.width)
        chosen = [order[problem.y[order] == one][:each] for one in range(problem.width)]
        order = torch.cat(chosen)
    return replace(problem, x=problem.x[order[:rows]], y=problem.y[order[:rows]])


def noisy(problem: Problem, share: float, seed: int) -> Problem:
    """A share of the labels, of those to learn from alone, replaced by others at random."""
    draw = torch.Generator().manual_seed(seed)
    wrong = torch.rand(len(problem.y), generator=draw) < share
    other = torch.randint(0, problem.width, problem.y.shape, generator=draw)
    return replace(problem, y=torch.where(wrong, other, problem.y))


def only(problem: Problem, classes: range) -> Problem:
    """The rows of some classes, numbered from 0."""
    train, held = torch.isin(problem.y, torch.tensor(classes)), torch.isin(problem.w, torch.tensor(classes))
    return replace(
        problem,
        x=problem.x[train],
        y=problem.y[train] - classes.start,
        v=problem.v[held],
        w=problem.w[held] - classes.start,
        width=len(classes),
    )


def _array(values: NDArray[np.generic]) -> Numbers:
    return values.astype(np.float32)


def digits() -> Problem:
    """8 x 8 handwritten digits, as columns."""
    data = datasets.load_digits()
    return split("digits", "classes", _array(data.data), data.target)


def digit_maps() -> Problem:
    """8 x 8 handwritten digits, as maps of 0 to 1."""
    data = datasets.load_digits()
    return split("digit_maps", "classes", _array(data.images)[:, None] / 16, data.target)


def digit_rows() -> Problem:
    """8 x 8 handwritten digits, a row after the other."""
    data = datasets.load_digits()
    return split("digit_rows", "classes", _array(data.images) / 8 - 1, data.target)


def wine() -> Problem:
    """178 wines of three growers."""
    data = datasets.load_wine()
    return split("wine", "classes", _array(data.data), data.target)


def diabetes() -> Problem:
    """442 patients and how their illness went on."""
    data = datasets.load_diabetes()
    return split("diabetes", "numbers", _array(data.data), data.target)


def moons() -> Problem:
    """Two half circles that reach into each other."""
    x, y = datasets.make_moons(2000, noise=0.2, random_state=3)
    return split("moons", "classes", _array(x), y)


def clusters() -> Problem:
    """Four classes of several clusters in 20 columns."""
    x, y = datasets.make_classification(
        3000, n_features=20, n_informative=8, n_classes=4, class_sep=1.2, random_state=3
    )
    return split("clusters", "classes", _array(x), y)


def friedman1() -> Problem:
    """Friedman's first function of ten columns."""
    x, y = datasets.make_friedman1(2000, noise=0.5, random_state=3)
    return split("friedman1", "numbers", _array(x), y)


def friedman2() -> Problem:
    """Friedman's second function: an impedance."""
    x, y = datasets.make_friedman2(2400, noise=20.0, random_state=5)
    return split("friedman2", "numbers", _array(x), y)


def friedman3() -> Problem:
    """Friedman's third function: a phase."""
    x, y = datasets.make_friedman3(2400, noise=0.05, random_state=5)
    return split("friedman3", "numbers", _array(x), y)


def spirals() -> Problem:
    """Three arms that wind around each other."""
    draw = np.random.default_rng(5)
    y = draw.integers(0, 3, 2400)
    along = draw.uniform(0.2, 1, 2400)
    angle = 4 * along + y * 2 * np.pi / 3 + draw.normal(0, 0.12, 2400)
    return split("spirals", "classes", _array(np.stack([along * np.sin(angle), along * np.cos(angle)], 1)), y)


def surface() -> Problem:
    """Two numbers that waves over six columns add up to."""
    draw = np.random.default_rng(7)
    x = draw.uniform(-1, 1, (2400, 6))
    waves = draw.normal(0, 1.5, (6, 5))
    y = np.sin(x @ waves) @ draw.normal(0, 1, (5, 2)) + draw.normal(0, 0.1, (2400, 2))
    return split("surface", "numbers", _array(x), y)


def shapes() -> Problem:
    """12 x 12 pictures of a disk, a square or a cross, anywhere, on noise."""
    draw = np.random.default_rng(5)
    y = draw.integers(0, 3, 2400)
    down, right = np.mgrid[:12, :12]
    pictures = draw.normal(0, 0.3, (2400, 1, 12, 12))
    for picture, one in zip(pictures, y, strict=True):
        row, column, size = draw.integers(3, 9), draw.integers(3, 9), draw.integers(2, 5)
        far, side = np.abs(down - row), np.abs(right - column)
        disk, square = far**2 + side**2 <= size**2, np.maximum(far, side) <= size
        picture[0] += (disk, square, square & ((far == 0) | (side == 0)))[one]
    return split("shapes", "classes", _array(pictures), y)


def frequencies() -> Problem:
    """Sequences of 40 steps: which of four frequencies sounds in the noise."""
    draw = np.random.default_rng(5)
    y = draw.integers(0, 4, 2400)
    phase, time = draw.uniform(0, 2 * np.pi, (2400, 1)), np.arange(40)
    waves = np.sin(phase + np.array([0.25, 0.45, 0.7, 1.0])[y][:, None] * time) + draw.normal(0, 0.3, (2400, 40))
    return split("frequencies", "classes", _array(waves)[..., None], y)


def trends() -> Problem:
    """Sequences of 24 steps of two columns: does their sum rise, fall, or neither?"""
    draw = np.random.default_rng(3)
    y = draw.integers(0, 3, 2000)
    slope = (y - 1)[:, None, None] * draw.uniform(0.03, 0.1, (2000, 1, 2))
    walks = slope * np.arange(24)[:, None] + draw.normal(0, 0.3, (2000, 24, 2))
    return split("trends", "classes", _array(walks), y)


def waves() -> Problem:
    """Sequences of 24 steps of a wave and its overtone; the step after them."""
    draw = np.random.default_rng(3)
    phase, slow = draw.uniform(0, 2 * np.pi, (2000, 2, 1)), draw.uniform(0.2, 0.5, (2000, 1))
    time = np.arange(25)
    values = np.sin(phase[:, 0] + slow * time) + 0.5 * np.sin(phase[:, 1] + 2.2 * slow * time)
    values += draw.normal(0, 0.05, values.shape)
    return split("waves", "numbers", _array(values)[:, :24, None], values[:, 24])


def photo_patches(name: str, every: int) -> Problem:
    """8 x 8 patches of a photograph that comes with scikit-learn, gray, of 0 to 1; to be answered with themselves."""
    picture = datasets.load_sample_image(name).mean(2) / 255
    windows = np.lib.stride_tricks.sliding_window_view(picture, (8, 8))[::every, ::every].reshape(-1, 1, 8, 8)
    patches = windows.astype(np.float32)
    return itself(split(name.partition(".")[0], "classes", patches, np.zeros(len(patches)), rows=4000))


def ring(count: int) -> Problem:
    """Points around `count` centers on a circle."""
    draw = np.random.default_rng(count)
    angle = 2 * np.pi * draw.integers(0, count, 4000) / count
    centers = 1.5 * np.stack([np.sin(angle), np.cos(angle)], 1)
    points = torch.tensor(centers + draw.normal(0, 0.08, (4000, 2)), dtype=torch.float32)
    return Problem(f"ring{count}", "points", points[1000:], points[1000:], points[:1000], points[:1000], 2)


GENERATED: dict[str, Callable[[], Problem]] = {
    one.__name__: one
    for one in (
        *(digits, digit_maps, digit_rows, wine, diabetes, moons, clusters, friedman1, friedman2, friedman3),
        *(spirals, surface, shapes, frequencies, trends, waves),
    )
}
GENERATED["flower"] = functools.partial(photo_patches, "flower.jpg", 9)
GENERATED["china"] = functools.partial(photo_patches, "china.jpg", 9)
GENERATED["digits_same"] = lambda: itself(digit_maps())
GENERATED |= {f"ring{count}": functools.partial(ring, count) for count in (4, 5, 6, 7, 8, 9)}
