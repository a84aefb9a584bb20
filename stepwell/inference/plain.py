"""Batch after batch: ragged inputs are padded with zeros, ragged outputs are cut to their true length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from stepwell.errors import StepwellError
from stepwell.schema import Array, Columns, Field, Schema

STEPS = 2**13
"""Steps of ragged inputs run together at most, padding among them: 256 texts of 256 tokens took an encoder 3 GB."""


@dataclass(frozen=True)
class Options:
    """Nothing to set: the batch size comes from the caller and changes no result."""


def run(
    network: Callable[[list[Array]], list[Array]],
    inputs: Columns,
    schema: Schema,
    options: Options,
    batch_size: int,
) -> Columns:
    """Run `network` over all examples of `inputs`; returns its raw outputs in the order of the examples.

    `network` gets the arrays of `collate` and answers one array `(batch, ...)` for each of
    `schema.outputs`. Examples are batched longest first, so that little is padded, and only with
    others of the same sizes on all but a ragged axis. An output without symbolic sizes comes as one
    array `(n, ...)`, any other as a list of `n` arrays. A ragged output is cut to the output
    `<name>_lengths` if the schema has one, else to the length of the input that shares the name of
    its first axis, else of the only ragged input. No examples give empty columns.

    Raises `StepwellError` where the network's answer is not what the schema declares, and
    `ValueError` where the schema does not say how a ragged output is cut.
    """
    count = len(inputs[schema.inputs[0].name])
    gathered: dict[str, Array | list[Array]] = {
        one.name: [np.zeros(0)] * count if _symbolic(one) else np.zeros((0, *_sizes(one)), dtype=one.dtype)
        for one in schema.outputs
    }
    for rows in batches(inputs, schema.inputs, batch_size):
        arrays = collate(inputs, rows, schema.inputs)
        answers = dict(zip((one.name for one in schema.outputs), ask(network, arrays, schema.outputs), strict=True))
        for one in schema.outputs:
            answer, column = answers[one.name], gathered[one.name]
            if isinstance(column, np.ndarray):
                gathered[one.name] = _placed(column, answer, rows, count, one)
                continue
            lengths = _lengths(one, answers, arrays, schema) if one.ragged else [None] * len(rows)
            for row, values, length in zip(rows, answer, lengths, strict=True):
                column[row] = values[:length].copy()
    return dict(gathered)


def batches(inputs: Columns, fields: Sequence[Field], batch_size: int) -> Iterator[list[int]]:
    """Rows that can be run together, at most `batch_size` at a time, of long ones fewer; every row comes once."""
    count = len(inputs[fields[0].name])
    if not any(_symbolic(one) for one in fields):
        yield from (list(range(start, min(start + batch_size, count))) for start in range(0, count, batch_size))
        return
    symbolic = [(inputs[one.name], one.ragged) for one in fields if _symbolic(one)]
    if not symbolic:  # all rows are of one size: they stay in their order
        yield from (list(range(start, min(start + batch_size, count))) for start in range(0, count, batch_size))
        return
    shapes = [tuple(np.shape(column[row])[ragged:] for column, ragged in symbolic) for row in range(count)]
    lengths = [tuple(len(column[row]) for column, ragged in symbolic if ragged) for row in range(count)]
    order = sorted(range(count), key=lambda row: (shapes[row], lengths[row]), reverse=True)  # stable: dense stay put
    batch, most = list[int](), batch_size
    for row in order:
        if batch and (len(batch) == most or shapes[row] != shapes[batch[0]]):
            yield batch
            batch = []
        if not batch:  # of which this one is the longest
            most = max(1, min(batch_size, STEPS // max((1, *lengths[row]))))
        batch.append(row)
    if batch:
        yield batch


def collate(inputs: Columns, rows: Sequence[int], fields: Sequence[Field]) -> list[Array]:
    """The arrays of one call: `(batch, ...)` a field in order, each ragged one followed by its lengths int64.

    A ragged field is padded with zeros at the end of its first axis, to the longest of the batch.
    """
    arrays: list[Array] = []
    for one in fields:
        column = inputs[one.name]
        if isinstance(column, np.ndarray):
            arrays.append(column[np.asarray(rows)].astype(one.dtype, copy=False))
            if one.ragged:
                arrays.append(np.full(len(rows), column.shape[1], dtype=np.int64))
            continue
        items = [np.asarray(column[row], dtype=one.dtype) for row in rows]
        if not one.ragged:
            arrays.append(np.stack(items))
            continue
        lengths = np.array([len(item) for item in items], dtype=np.int64)
        padded = np.zeros((len(items), int(lengths.max()), *items[0].shape[1:]), dtype=one.dtype)
        for place, item in zip(padded, items, strict=True):
            place[: len(item)] = item
        arrays += [padded, lengths]
    return arrays


def ask(network: Callable[[list[Array]], list[Array]], arrays: list[Array], outputs: Sequence[Field]) -> list[Array]:
    """Call `network`; `StepwellError` unless it answers one array for each output, with the batch axis it was given."""
    answers = network(arrays)
    if len(answers) != len(outputs):
        raise StepwellError(
            f"The network answers {len(answers)} arrays where {len(outputs)} are declared.",
            do="return one tensor for each of: " + ", ".join(one.name for one in outputs),
        )
    batch = len(arrays[0])
    for one, answer in zip(outputs, answers, strict=True):
        if answer.ndim != 1 + len(one.shape) or len(answer) != batch:
            raise StepwellError(
                f"The network's output {one.name!r} has the shape {answer.shape} for a batch of {batch} examples.",
                do="return one row an example: "
                + " x ".join(str(size) for size in (batch, *one.shape))
                + " is declared",
            )
    return answers


def _placed(column: Array, answer: Array, rows: list[int], count: int, one: Field) -> Array:
    """Write the rows of one batch into the dense column, which is made when the first answer shows its shape."""
    if not len(column):
        column = np.empty((count, *answer.shape[1:]), dtype=answer.dtype)
    if answer.shape[1:] != column.shape[1:]:
        raise StepwellError(
            f"The network's output {one.name!r} has the shape {answer.shape[1:]} for some examples and "
            f"{column.shape[1:]} for others, but its declared shape has no free size.",
            do="declare the sizes that differ by a name",
        )
    column[rows] = answer
    return column


def _lengths(one: Field, answers: dict[str, Array], arrays: list[Array], schema: Schema) -> list[int]:
    """The true lengths of a ragged output in this batch."""
    lengths = answers.get(f"{one.name}_lengths")
    if lengths is None:
        lengths = arrays[_lengths_place(one, schema)]
    room = answers[one.name].shape[1]
    if len(lengths) and not 0 <= int(lengths.min()) <= int(lengths.max()) <= room:
        raise StepwellError(
            f"The network's output {one.name!r} is {room} long, but lengths from {lengths.min()} to {lengths.max()} "
            "are declared for it.",
            do=f"let the network return {one.name}_lengths, the true lengths of its output",
        )
    return [int(length) for length in lengths]


def _lengths_place(one: Field, schema: Schema) -> int:
    """Where, among the arrays of a call, the lengths lie that hold for the ragged output `one`."""
    places: dict[str | int, int] = {}
    place = 0
    for field in schema.inputs:
        place += 1
        if field.ragged:
            places.setdefault(field.shape[0], place)
            place += 1
    if one.shape[0] in places:
        return places[one.shape[0]]
    if len(places) == 1:
        return next(iter(places.values()))
    raise ValueError(f"the schema does not say which lengths cut the output {one.name!r}: add {one.name}_lengths")


def _symbolic(one: Field) -> bool:
    return any(isinstance(size, str) for size in one.shape)


def _sizes(one: Field) -> tuple[int, ...]:
    return cast("tuple[int, ...]", one.shape)
