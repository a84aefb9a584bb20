"""The chain from a raw example to network input, fitted once, the same in training and prediction.

A `Preparation` is what a task's `prepare.fit` returns and what travels in the artifact as JSON: the
schema, the fitted transforms in order, and the kind of inference. It needs no torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, cast

import msgspec
import numpy as np

from stepwell import discovery
from stepwell.errors import ArtifactError, ExampleError, UsageError
from stepwell.schema import Columns, Examples, Schema, Trace

GROUP, HELD = 16, 2**28
"""Examples, and bytes, that are held at a time in a form larger than the one they end in."""

FEW, MANY, CELLS = 16, 64, 2**20
"""Examples prepared at once: of a very wide table, where they are decoded; and cells, where they are rows."""


class Fitted(Protocol):
    """A fitted transform: a frozen dataclass named `Fitted` in its file under `transforms/`.

    Its fields are plain JSON values, so that `msgspec` carries them both ways. `reads` and `writes`
    name columns; a transform is passed over where a column that it reads is absent (targets are, at
    prediction). `apply` returns only the columns it writes, and notes in `traces[i][<transform>]`
    what is needed to answer in original terms. An example that cannot be prepared raises
    `ExampleError`. One that makes of an example something far larger than what the chain leaves of it (a
    photograph before it is made small) has `apply_some(columns, traces, most)` too, which gives what `apply` does for
    the first examples, until they take `most` bytes; few at a time go through such a chain. One that needs a package
    of an optional install names that as its `extra`.
    """

    @property
    def reads(self) -> tuple[str, ...]: ...

    @property
    def writes(self) -> tuple[str, ...]: ...

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns: ...


@dataclass(frozen=True)
class Inference:
    """How a network is run over prepared inputs: a file of the shelf `inference/` and its options."""

    name: str = "plain"
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Preparation:
    """Schema, fitted transforms `(name, fitted)` in order, and the kind of inference.

    `views` is how many places of each training example an epoch shows, chosen by the task's `prepare.views`
    before decoding (patches of a volume, crops of a recording); 0 shows every example once and whole.
    `train_only` names transforms that are part of training alone (cutting a patch out of a volume).
    """

    schema: Schema
    transforms: tuple[tuple[str, Any], ...]
    inference: Inference = Inference()
    views: int = 0
    train_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Prepared:
    """Prepared examples: columns in the terms of the schema, truth in original terms, a trace an example."""

    ids: tuple[str, ...]
    columns: Columns
    truth: Columns
    traces: tuple[Trace, ...]

    def __len__(self) -> int:
        return len(self.ids)


def run(preparation: Preparation, raw: Columns, *, training: bool = False) -> tuple[Columns, list[Trace]]:
    """Take raw columns through the chain; returns the prepared columns and one trace an example.

    Only fields of the schema are kept; those that are dense in the schema come as one array.
    """
    count = len(next(iter(raw.values()))) if raw else 0
    chain = [one for name, one in preparation.transforms if training or name not in preparation.train_only]
    first = next((place for place, one in enumerate(chain) if _expands(one, raw)), None)
    if first is None or not count:
        traces: list[Trace] = [{} for _ in range(count)]
        return _kept(preparation.schema, _through(chain, raw, traces)), traces
    parts: list[Columns] = []
    noted: list[Trace] = []
    while len(noted) < count:
        group = take(raw, range(len(noted), min(len(noted) + GROUP, count)))
        columns, more = _some(preparation.schema, chain, first, group)
        parts.append(columns)
        noted += more
    return concatenate(parts), noted


def needed_extra(preparation: Preparation) -> str:
    """The optional install that a transform needs, by the name it is asked for with pip; "" where none does."""
    return next((found for _, fitted in preparation.transforms if (found := getattr(fitted, "extra", ""))), "")


def _expands(fitted: Any, raw: Columns) -> bool:
    """Whether a transform makes these examples larger for a while; a dense column is in its last form already."""
    return hasattr(fitted, "apply_some") and any(isinstance(raw.get(name), list) for name in fitted.reads)


def _some(schema: Schema, chain: Sequence[Any], first: int, group: Columns) -> tuple[Columns, list[Trace]]:
    """As many of a group, from its first example on, as take `HELD` bytes once `chain[first]` expanded them."""
    traces: list[Trace] = [{} for _ in next(iter(group.values()))]
    columns = _through(chain[:first], group, traces)
    expanded = chain[first].apply_some(columns, traces, HELD)
    done = len(next(iter(expanded.values())))
    held = {**take(columns, range(done)), **expanded}
    return _kept(schema, _through(chain[first + 1 :], held, traces[:done])), traces[:done]


def _through(chain: Sequence[Any], raw: Columns, traces: Sequence[Trace]) -> Columns:
    """All columns after the transforms of `chain` whose columns are there."""
    columns: Columns = dict(raw)
    for fitted in chain:
        if all(column in columns for column in fitted.reads):
            columns.update(fitted.apply(columns, traces))
    return columns


def _kept(schema: Schema, columns: Columns) -> Columns:
    """The fields of the schema, each in its type."""
    kept: Columns = {}
    for spec in (*schema.inputs, *schema.targets):
        if spec.name not in columns:
            continue
        column = columns[spec.name]
        if any(isinstance(size, str) for size in spec.shape):
            kept[spec.name] = [np.asarray(one, dtype=spec.dtype) for one in column]
        elif isinstance(column, np.ndarray):
            kept[spec.name] = column.astype(spec.dtype, copy=False)
        else:
            kept[spec.name] = (
                np.stack([np.asarray(one, dtype=spec.dtype) for one in column])
                if len(column)
                else np.zeros((0, *cast("tuple[int, ...]", spec.shape)), dtype=spec.dtype)
            )
    return kept


def prepare(
    preparation: Preparation,
    examples: Examples,
    indices: Sequence[int],
    truth: Sequence[str],
    *,
    chunk: int | None = None,
) -> Prepared:
    """Fetch and prepare the examples at `indices`, `chunk` at a time, keeping their truth in original terms.

    How many that is changes no result; None takes `at_a_time`.

    Raises `ExampleError` at the first example that cannot be read; the audit finds those beforehand.
    """
    whole: Columns = {}
    truths: list[Columns] = []
    traces: list[Trace] = []
    chunk = chunk or at_a_time(examples)
    for start in range(0, len(indices), chunk):
        raw = examples.fetch(indices[start : start + chunk], None)
        truths.append({name: raw[name] for name in truth if name in raw})
        columns, noted = run(preparation, raw)
        _place(columns, whole, start, len(indices))
        traces.extend(noted)
    return Prepared(tuple(examples.ids[i] for i in indices), whole, concatenate(truths), tuple(traces))


def _place(columns: Columns, whole: Columns, start: int, count: int) -> None:
    """Put prepared columns at row `start` of those of all `count` examples; joining them at the end would need twice
    the memory.
    """
    for name, column in columns.items():
        if isinstance(column, np.ndarray):
            if name not in whole:
                whole[name] = np.empty((count, *column.shape[1:]), dtype=column.dtype)
            whole[name][start : start + len(column)] = column
        else:
            cast("list[Any]", whole.setdefault(name, [])).extend(column)


def at_a_time(examples: Examples) -> int:
    """How many examples are prepared at once: few of what has to be decoded, of rows of a table what `CELLS` holds.

    Pictures and the like lie decoded and in full size in memory until they are prepared; the cells of a row take a
    few bytes, and what is done once for each chunk costs more than they do.
    """
    return max(FEW, CELLS // len(examples.columns)) if examples.columns else MANY


def readable(
    preparation: Preparation, examples: Examples, indices: Sequence[int]
) -> Iterable[tuple[int, Columns | ExampleError]]:
    """Fetch and prepare one example at a time; an unreadable one comes as its error, the rest go on."""
    for index in indices:
        try:
            columns, _ = run(preparation, examples.fetch([index], None))
        except ExampleError as error:
            yield index, error
        else:
            yield index, columns


def concatenate(parts: Sequence[Columns]) -> Columns:
    """Join columns of several chunks, dense with dense and ragged with ragged."""
    joined: Columns = {}
    for name in parts[0] if parts else ():
        columns = [part[name] for part in parts]
        if all(isinstance(column, np.ndarray) for column in columns):
            joined[name] = np.concatenate(cast("list[np.ndarray[Any, Any]]", columns))
        else:
            joined[name] = [one for column in columns for one in column]
    return joined


def take(columns: Columns, indices: Sequence[int] | np.ndarray[Any, Any]) -> Columns:
    """The rows at `indices` of every column."""
    return {
        name: column[np.asarray(indices, dtype=np.int64)]
        if isinstance(column, np.ndarray)
        else [column[int(i)] for i in indices]
        for name, column in columns.items()
    }


def to_json(preparation: Preparation) -> dict[str, Any]:
    """The preparation as plain JSON values, as the artifact's manifest carries it."""
    return {
        "schema": dataclasses.asdict(preparation.schema),
        "transforms": [
            {"name": name, "values": msgspec.to_builtins(fitted)} for name, fitted in preparation.transforms
        ],
        "inference": {"name": preparation.inference.name, "options": dict(preparation.inference.options)},
        "views": preparation.views,
        "train_only": list(preparation.train_only),
    }


def from_json(values: Mapping[str, Any], rooms: Sequence[str] = ("transforms",)) -> Preparation:
    """The preparation back from `to_json`, its transforms found in `rooms` (`Folder.rooms("transforms")`).

    `ArtifactError` where a transform is unknown or its values do not fit.
    """
    try:
        transforms = tuple(
            (one["name"], msgspec.convert(one["values"], discovery.find(rooms, one["name"]).Fitted))
            for one in values["transforms"]
        )
        return Preparation(
            schema=msgspec.convert(values["schema"], Schema),
            transforms=transforms,
            inference=msgspec.convert(values["inference"], Inference),
            views=values["views"],
            train_only=tuple(values["train_only"]),
        )
    except (AttributeError, KeyError, TypeError, UsageError, msgspec.ValidationError) as error:
        raise ArtifactError(
            f"The declared preparation cannot be rebuilt: {error}.",
            do="train again with this version of Stepwell, or load it with the version that wrote it",
        ) from error
