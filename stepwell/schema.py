"""The plain data that everything else passes on: fields, examples, batches, losses, scores, findings.

Nothing here computes; nothing here imports torch at run time. Words are those of ARCHITECTURE.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from torch import Tensor, nn

Array = npt.NDArray[Any]
Columns = dict[str, "Array | list[Any]"]
"""Several examples, a column a name: a dense array `(n, ...)`, or a list of `n` things of unequal shape."""

Trace = dict[str, Any]
"""What the transforms must remember of one example to answer in its original terms (plain JSON values)."""

Part = Literal["train", "valid", "test"]
PARTS: tuple[Part, ...] = ("train", "valid", "test")

PART_NAMES: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("valid", "val", "validation", "dev"), "valid"),
    **dict.fromkeys(("test", "testing"), "test"),
}
"""What the parts are called in folders, files and columns, in lower case."""


@dataclass(frozen=True)
class Field:
    """One named input, target or output of a prepared example.

    `shape` is without the batch axis; a name in it is a size that differs between examples ("time",
    "height"). If the first axis is a name the field is ragged: a batch pads it and carries `lengths`.
    `kind` says what the numbers are ("image", "category", "number", "sequence", "mask", "boxes",
    "volume", "noise", "logits", …), `measure` their unit, `ordered` that the classes come in an order, as stars do.
    `mean` and `std` are fixed statistics of a sensor, per channel, which the network applies itself (see DESIGN 5.6).

    Of a table, `columns` names what lies along the last axis; `levels` says how many values each column of a
    category field takes, 0 being what was never seen; `bins` holds, where numbers are to be cut into pieces, the
    borders for each column, ascending.
    """

    name: str
    kind: str
    dtype: str
    shape: tuple[str | int, ...] = ()
    classes: tuple[str, ...] = ()
    measure: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    columns: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    bins: tuple[tuple[float, ...], ...] = ()
    ordered: bool = False

    @property
    def ragged(self) -> bool:
        """Whether examples differ in the length of the first axis."""
        return bool(self.shape) and isinstance(self.shape[0], str)


@dataclass(frozen=True)
class Schema:
    """What one prepared example holds (`inputs`, `targets`) and what the network answers (`outputs`).

    The network is called with the inputs in this order, each ragged input followed by its lengths
    `(batch,)` int64, and returns one tensor, or a tuple of tensors in the order of `outputs`.
    """

    inputs: tuple[Field, ...]
    targets: tuple[Field, ...]
    outputs: tuple[Field, ...]

    def field(self, name: str) -> Field:
        """The field of that name; KeyError where there is none."""
        for one in (*self.inputs, *self.targets, *self.outputs):
            if one.name == name:
                return one
        raise KeyError(name)


@dataclass(frozen=True)
class Examples:
    """What a reader found: stable ids, units and facts of every example, and how to fetch some of them.

    `ids` are unique and stable over machines and runs (a path relative to the source, a row number).
    `units` name what a split may not cut (often the id itself). `facts` hold one value an example and
    are known without decoding: `label`, `group`, `time`, `part`, `path`; a fact that an example lacks is None.
    `fetch(indices, views)` returns raw columns (undecoded bytes or arrays, labels as written); `views`
    is None or one place an example, as the task's `views` made it.
    `findings` are those that listing itself brought up (files passed over, for instance).
    `columns` names the raw columns that hold one plain value an example, as a table's do: numbers as float64
    (NaN = missing), else a list of text or None. Checks of columns look at these. `settled` says what a reader
    found for those of its options that were `auto`: value and reason, by name.
    """

    ids: tuple[str, ...]
    units: tuple[str, ...]
    facts: Mapping[str, tuple[Any, ...]]
    fetch: Callable[[Sequence[int], Array | None], Columns]
    source: str
    reader: str
    findings: tuple[Finding, ...] = ()
    columns: tuple[str, ...] = ()
    settled: Mapping[str, tuple[Any, str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Batch:
    """Named tensors of one batch, `(batch, ...)` each, in the terms of the schema.

    `lengths` holds, for each ragged field, the true lengths `(batch,)`; `weight` one weight an example
    or None; `keys` the 64-bit keys of the examples (`randomness.keys`), by which augmentations draw.
    """

    fields: dict[str, Tensor]
    lengths: dict[str, Tensor]
    keys: npt.NDArray[np.uint64]
    weight: Tensor | None = None

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size(self) -> int:
        """The numbers of all fields, those that fill up included: what a batch of unequal examples costs goes by it."""
        return sum(one.numel() for one in self.fields.values())


@dataclass(frozen=True)
class Term:
    """One term of a loss: a differentiable `sum` over `count` things (examples, tokens, boxes), and its `weight`."""

    sum: Tensor
    count: float
    weight: float = 1.0


@dataclass(frozen=True)
class Loss:
    """The terms of a loss by name; the loop divides each sum by its own count over all micro-batches.

    `accumulates` is False where examples of a batch are coupled (a contrastive loss, a gradient
    penalty over pairs), so that micro-batches would change what is minimized.
    """

    terms: dict[str, Term]
    accumulates: bool = True


@dataclass(frozen=True)
class Objective:
    """Some parameters and the loss that they minimize.

    One cycle of training gives every objective `updates` optimizer steps, each on a batch of its own,
    in the order of the objectives; `every` = k gives it a turn only in every k-th cycle.
    `counts(batch)` gives the counts of the terms ahead, needed only where batches are accumulated and
    the count is not the number of examples. `rates(model)` says what the learning rate of some parameters is
    multiplied by (those of layers that were trained before, for instance); the others learn at the rate itself.
    """

    name: str
    parameters: Callable[[nn.Module], Iterable[nn.Parameter]]
    loss: Callable[[nn.Module, Batch], Loss]
    updates: int = 1
    every: int = 1
    counts: Callable[[Batch], dict[str, float]] | None = None
    rates: Callable[[nn.Module], Mapping[nn.Parameter, float]] | None = None


@dataclass(frozen=True)
class Network:
    """A module to export, the fields that it takes and the fields that it answers."""

    module: nn.Module
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]


@dataclass(frozen=True)
class Score:
    """A metric's value with its interval at `level` and the number of examples it rests on."""

    value: float
    low: float
    high: float
    n: int
    direction: Literal["max", "min"] = "max"
    level: float = 0.95


@dataclass(frozen=True)
class Finding:
    """What the audit or the doctor saw.

    `severity`: 1 notice, 2 harmful, 3 stop and fix. `where` holds any of part, file, column, step,
    layer; `evidence` the numbers; `examples` a few ids that show it. `refuted_by` says what would
    prove the finding wrong.
    """

    name: str
    severity: Literal[1, 2, 3]
    message: str
    why: str
    remedy: str
    where: Mapping[str, Any] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()
    refuted_by: str = ""

    def __str__(self) -> str:
        """One line, as a person reads it."""
        return f"{self.name.replace('_', ' ')}: {self.message} Try: {self.remedy}."


@dataclass(frozen=True)
class Picture:
    """Something to look at: an image file in memory, and one sentence."""

    mime: Literal["image/png", "image/svg+xml"]
    data: bytes
    caption: str
