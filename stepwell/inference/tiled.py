"""Overlapping tiles over an image or a volume, blended by a Gaussian weight: any size, in the memory of a few tiles.

The tiles are spread evenly so that the first and the last touch the borders; each answer counts most
in the middle of its tile, where the network saw most of the surroundings (as in Isensee et al.,
nnU-Net, Nature Methods 2021: half overlap, a standard deviation of one eighth of the tile).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np

from stepwell.errors import StepwellError
from stepwell.inference.plain import ask
from stepwell.schema import Array, Columns, Field, Schema

_FLOOR = 1e-4
"""The least weight of an answer against the middle of its tile: it keeps the weights' sum away from zero."""


@dataclass(frozen=True)
class Options:
    """How tiles are laid and weighted."""

    size: Annotated[
        tuple[Annotated[int, msgspec.Meta(ge=1)], ...],
        msgspec.Meta(min_length=2, max_length=3, description="Size of a tile, one number for each spatial axis."),
    ] = (64, 64)
    overlap: Annotated[
        float, msgspec.Meta(ge=0.0, le=0.9, description="Least share of a tile that its neighbor covers as well.")
    ] = 0.5
    sigma: Annotated[
        float, msgspec.Meta(gt=0.0, description="Standard deviation of the weight, as a share of the tile.")
    ] = 0.125
    padding: Annotated[
        Literal["zero", "edge"],
        msgspec.Meta(description="What surrounds an input smaller than a tile: zeros, or its own border values."),
    ] = "zero"


def run(
    network: Callable[[list[Array]], list[Array]], inputs: Columns, schema: Schema, options: Options, batch_size: int
) -> Columns:
    """Run `network` over tiles of every example, `batch_size` tiles at a time, and blend its answers.

    The one input is an image or a volume `(channels, *spatial)` with as many spatial axes as
    `options.size` has numbers; the network sees `(tiles, channels, *size)`. Every output is a map
    `(channels, *spatial)` as large as the tile or a whole multiple of it (super-resolution). Answers
    are blended as float32, so outputs should be scores and not labels. Returns, for each output, a
    list of `n` arrays, or one array `(n, ...)` where its shape has no symbolic size.

    Raises `ValueError` where the schema does not fit tiles, and `StepwellError` where an answer is
    no such map.
    """
    field = _input(schema, options)
    answers: dict[str, list[Array]] = {one.name: [] for one in schema.outputs}
    for example in inputs[field.name]:
        blended = _blend(network, np.asarray(example, dtype=field.dtype), schema, options, batch_size)
        for one, values in zip(schema.outputs, blended, strict=True):
            answers[one.name].append(values)
    return {one.name: _column(answers[one.name], one) for one in schema.outputs}


def positions(length: int, size: int, overlap: float) -> list[int]:
    """Where tiles of `size` start along an axis of `length >= size`: evenly, the first at 0, the last at the end."""
    step = max(1.0, size * (1.0 - overlap))
    count = 1 + math.ceil((length - size) / step)
    return [round(start) for start in np.linspace(0, length - size, count).tolist()]


def weight(size: tuple[int, ...], sigma: float) -> Array:
    """A Gaussian bump of shape `size`, float32 in (0, 1], highest in the middle; `sigma` is a share of each axis."""
    bump: Array = np.ones((), dtype=np.float64)
    for length in size:
        offset = np.arange(length) - (length - 1) / 2
        bump = np.multiply.outer(bump, np.exp(-0.5 * (offset / (sigma * length)) ** 2))
    floored: Array = np.maximum(bump / bump.max(), _FLOOR).astype(np.float32)
    return floored


def _blend(
    network: Callable[[list[Array]], list[Array]], example: Array, schema: Schema, options: Options, batch_size: int
) -> list[Array]:
    """The blended outputs of one example, each cut to the example's own size."""
    true = example.shape[1:]
    padded = _padded(example, options)
    starts = list(
        itertools.product(
            *(
                positions(length, size, options.overlap)
                for length, size in zip(padded.shape[1:], options.size, strict=True)
            )
        )
    )
    sums: list[Array] = []
    totals: list[Array] = []
    bumps: list[Array] = []
    for first in range(0, len(starts), batch_size):
        chosen = starts[first : first + batch_size]
        tiles = np.stack([padded[_window(start, options.size, 1)] for start in chosen])
        answers = ask(network, [tiles], schema.outputs)
        if not sums:
            for one, answer in zip(schema.outputs, answers, strict=True):
                scale = _scale(one, answer, options)
                bumps.append(weight(answer.shape[2:], options.sigma))
                sums.append(np.zeros((answer.shape[1], *(scale * length for length in padded.shape[1:])), np.float32))
                totals.append(np.zeros(sums[-1].shape[1:], np.float32))
        for answer, bump, total, weights in zip(answers, bumps, sums, totals, strict=True):
            scale = answer.shape[2] // options.size[0]
            for start, values in zip(chosen, answer, strict=True):
                place = _window(start, options.size, scale)
                total[place] += bump * values
                weights[place[1:]] += bump
    results = []
    for total, weights, bump in zip(sums, totals, bumps, strict=True):
        total /= weights
        scale = bump.shape[0] // options.size[0]
        results.append(total[(slice(None), *(slice(0, scale * length) for length in true))])
    return results


def _window(start: tuple[int, ...], size: tuple[int, ...], scale: int) -> tuple[slice, ...]:
    """The part of `(channels, *spatial)` that the tile at `start` covers, in an array `scale` times as fine."""
    return (
        slice(None),
        *(slice(scale * first, scale * (first + length)) for first, length in zip(start, size, strict=True)),
    )


def _padded(example: Array, options: Options) -> Array:
    """The example, at least as large as a tile: what is missing is added at the end of each axis."""
    missing = [max(0, size - length) for size, length in zip(options.size, example.shape[1:], strict=True)]
    if not any(missing):
        return example
    widths = [(0, 0), *((0, more) for more in missing)]
    if options.padding == "edge":
        return np.pad(example, widths, mode="edge")
    return np.pad(example, widths)


def _scale(one: Field, answer: Array, options: Options) -> int:
    """How many times finer than the tile the answer is; `StepwellError` where it is no whole number."""
    scale = max(1, answer.shape[2] // options.size[0]) if answer.ndim > 2 else 1
    wanted = tuple(scale * size for size in options.size)
    if answer.shape[2:] != wanted:
        raise StepwellError(
            f"The network's output {one.name!r} has the shape {answer.shape[1:]} for a tile of {options.size}.",
            do="run in tiles only a network whose outputs are maps (channels, *spatial) as large as its input, "
            "or a whole multiple; or use the inference 'plain'",
        )
    return scale


def _input(schema: Schema, options: Options) -> Field:
    """The image or volume that is cut; `ValueError` where the schema does not have exactly that."""
    if len(schema.inputs) != 1:
        raise ValueError(f"tiles need one input, the schema has {len(schema.inputs)}")
    field = schema.inputs[0]
    if len(field.shape) != 1 + len(options.size):
        raise ValueError(
            f"tiles of {options.size} need an input (channels, *spatial) with {len(options.size)} spatial axes; "
            f"{field.name!r} has the shape {field.shape}"
        )
    return field


def _column(values: list[Array], one: Field) -> Array | list[Array]:
    sizes = [size for size in one.shape if isinstance(size, int)]
    if len(sizes) < len(one.shape):
        return values
    return np.stack(values) if values else np.zeros((0, *sizes), dtype=np.float32)
