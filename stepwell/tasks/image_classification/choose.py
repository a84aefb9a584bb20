"""The task's own `auto` values: how large pictures are, whether they may be mirrored, and how far they are moved.

A mirrored picture is a fair example only where nature (or the camera) could have made it. If the pictures
of the validation part, mirrored, are as easy for a linear model as they are upright, nothing in the data
speaks against it; digits and letters fail this at once.

A picture of half the side takes a quarter of the time. Where a time budget would show pictures of their own size to the
network a few times only, they are made smaller before anything else: what is small and seen often is learned better.

Moving pictures makes up for seeing each of them often. In a training of a few epochs it only makes them
harder (Fashion-MNIST, 2.9 epochs: 1.6 points of accuracy lost), so that it waits until the length is known.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from stepwell import backbones, sampling
from stepwell.preparation import Prepared
from stepwell.recipe import Recipe
from stepwell.schema import Array, Columns, Examples, Field
from stepwell.tasks.image_classification import prepare
from stepwell.tasks.image_classification.baselines import pixels

PADDING = "augmentation.crop.padding"
AXES = {"horizontal": -1, "vertical": -2}
TRAIN, VALID = 4000, 2000
"""Examples that the linear model is fitted on, and asked about, at most."""

SIDE = 16  # pixels a side are enough to see which way up a thing is
PENALTY = 0.1  # on the squares of weights, beside a mean of squared errors
FEWEST = 30  # validation examples below which nothing can be told
CLEAR = 2.0  # standard errors from which on a difference counts
SEEN_OFTEN = 5.0  # epochs from which on pictures are moved
SEEN_ENOUGH = 8.0  # epochs below which pictures are made smaller
SHRUNK = 32  # pixels of the shorter side that are left at least
PASSES = 3  # an update takes a pass forward and, twice as long, one back
PIXELS_MOVED = 28  # pixels of a side for each pixel that a picture is moved by


def choose(recipe: Recipe, train: Prepared, valid: Prepared, seed: int) -> dict[str, tuple[Any, str]]:
    """The padding of cropping, and the ways of flipping, where they are `auto`, each with the reason."""
    return {**_moving(recipe, train), **_flipping(recipe, train, valid, seed)}


def afford(recipe: Recipe, examples: Examples, train: Sequence[int], operations: float) -> dict[str, tuple[Any, str]]:
    """`prepare.size` where it is `auto` and pictures of their own size would be seen too seldom within the time.

    Training can make so many `operations` in all. Only a backbone of the shelf is reckoned with.
    """
    options, module = recipe.options("prepare"), recipe.module("model")
    if options.size != "auto" or not hasattr(module, "ACCEPTS"):
        return {}
    found = prepare.resolve(options, examples, train)
    height, width = found["size"][0]
    channels = found["channels"][0] if "channels" in found else options.channels
    field = Field("image", "image", "uint8", (channels, height, width))
    each = PASSES * backbones.operations(module.build(recipe.options("model"), field), field)
    epochs = operations / (each * len(train))
    least, asked = min(SHRUNK, height, width), recipe.options("budget").epochs
    wanted = SEEN_ENOUGH if asked is None else min(SEEN_ENOUGH, asked)
    ratio = max(math.sqrt(epochs / wanted), least / min(height, width))
    if ratio >= 1:
        return {}
    sides = tuple(max(least, round(side * ratio)) for side in (height, width))
    said = f"about {epochs:.1f}" if epochs >= 0.1 else "less than a tenth of one"
    return {
        "prepare.size": (
            sides,
            f"within the time {said} epochs of {height} x {width} pixels are possible; smaller ones are seen oftener",
        )
    }


def settle(recipe: Recipe, epochs: float) -> dict[str, tuple[Any, str]]:
    """What the planned number of epochs changes among the choices: a short training does not move its pictures."""
    origin = recipe.origins.get(PADDING)
    if origin is None or origin.kind != "auto" or epochs >= SEEN_OFTEN:
        return {}
    return {PADDING: (0, f"{epochs:.1f} epochs are planned, and from {SEEN_OFTEN:.0f} on pictures are moved")}


def _moving(recipe: Recipe, train: Prepared) -> dict[str, tuple[Any, str]]:
    crop = (recipe.values.get("augmentation") or {}).get("crop") or {}
    if crop.get("padding") != "auto":
        return {}
    side = min(_rows(train.columns, np.arange(1))[0].shape[-2:])
    padding = max(1, round(side / PIXELS_MOVED))
    return {PADDING: (padding, f"one for every {PIXELS_MOVED} of the {side} pixels of a side")}


def _flipping(recipe: Recipe, train: Prepared, valid: Prepared, seed: int) -> dict[str, tuple[Any, str]]:
    """`augmentation.flip.horizontal` and `.vertical` where they are `auto`: True or False, and why in a sentence.

    True only where the linear model, fitted on training pictures, beats the commonest class clearly on
    validation pictures and does not clearly lose when they are mirrored (paired, `CLEAR` standard errors).
    """
    flip = (recipe.values.get("augmentation") or {}).get("flip") or {}
    ways = [way for way in AXES if flip.get(way) == "auto"]
    if not ways:
        return {}
    shown = sampling.first(seed, "choose valid", valid.ids, _labels(valid).tolist(), VALID)
    if len(shown) < FEWEST:
        reason = f"with {len(shown)} validation pictures it cannot be told whether mirroring does harm"
        return {f"augmentation.flip.{way}": (False, reason) for way in ways}
    predict, common = _fitted(train, seed)
    images, labels = _rows(valid.columns, shown), _labels(valid)[shown]
    upright = predict(pixels(images, SIDE)) == labels
    gain, error = _paired(upright, labels == common)
    if not gain > CLEAR * error:
        reason = (
            f"a linear model is no better than the commonest class ({_percent(upright)} of {len(shown):,} validation "
            "pictures), so that it cannot tell whether mirroring does harm"
        )
        return {f"augmentation.flip.{way}": (False, reason) for way in ways}
    found: dict[str, tuple[Any, str]] = {}
    for way in ways:
        mirrored = predict(pixels(_mirrored(images, AXES[way]), SIDE)) == labels
        loss, error = _paired(upright, mirrored)
        harms = loss > CLEAR * error
        found[f"augmentation.flip.{way}"] = (
            not harms,
            f"a linear model is right on {_percent(upright)} of {len(shown):,} validation pictures and on "
            f"{_percent(mirrored)} of them mirrored: {100 * loss:.1f} points lost (standard error {100 * error:.1f}), "
            + ("more than chance explains" if harms else "no more than chance explains"),
        )
    return found


def _fitted(train: Prepared, seed: int) -> tuple[Callable[[Array], Array], int]:
    """What answers rows of pixels with classes, and the commonest class of the training pictures."""
    labels = _labels(train)
    chosen = sampling.first(seed, "choose train", train.ids, labels.tolist(), TRAIN)
    predict = _linear(pixels(_rows(train.columns, chosen), SIDE), labels[chosen])
    return predict, int(np.bincount(labels).argmax())


def _linear(rows: Array, labels: Array) -> Callable[[Array], Array]:
    """Ridge regression from pixels `(n, d)`, standardized, to indicators of the classes `(n,)`; answers the likeliest.

    It is within 3 points of logistic regression (Fashion-MNIST, digits), loses as much on mirrored pictures, and needs
    a twentieth of its time: training waits for it.
    """
    seen, codes = np.unique(labels, return_inverse=True)
    mean, spread = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
    spread[spread < 1e-3 * max(float(spread.max()), 1e-12)] = np.inf  # a pixel that (almost) never changes
    inputs = (rows - mean) / spread
    sums = np.zeros((len(seen), inputs.shape[1]))
    np.add.at(sums, codes, inputs)
    square = inputs.T @ inputs / len(inputs) + PENALTY * np.eye(inputs.shape[1])
    weights = np.linalg.solve(square, sums.T / len(inputs))
    shares = np.bincount(codes) / len(codes)

    def predict(shown: Array) -> Array:
        likeliest: Array = seen[((shown - mean) / spread @ weights + shares).argmax(axis=1)]
        return likeliest

    return predict


def _paired(one: Array, other: Array) -> tuple[float, float]:
    """The mean of `one` minus `other` over the same examples, and its standard error."""
    difference = one.astype(np.float64) - other.astype(np.float64)
    return float(difference.mean()), float(difference.std(ddof=1) / math.sqrt(len(difference)))


def _mirrored(images: Array | list[Array], axis: int) -> Array | list[Array]:
    if isinstance(images, np.ndarray):
        return np.flip(images, axis)
    return [np.flip(one, axis) for one in images]


def _rows(columns: Columns, chosen: Array) -> Array | list[Array]:
    images = columns["image"]
    return images[chosen] if isinstance(images, np.ndarray) else [images[i] for i in chosen.tolist()]


def _labels(part: Prepared) -> Array:
    return np.asarray(part.columns["label"], dtype=np.int64)


def _percent(right: Array) -> str:
    return f"{100 * right.mean():.1f} %"
