"""One pass over the data before anything is trained: every example read once, and what the audit needs noted.

The task's `prepare.look(example)`, where there is one, decodes one raw example (column -> value) as
prediction would and returns plain facts of it: `digest` (a hash of the decoded content, the same for
equal contents in different files) and whatever else is worth a check (`height`, `width`). It raises
`ExampleError` for an example that cannot be read. Without it the raw content itself is hashed.

Where examples are rows of columns (`Examples.columns`, a table) nothing is decoded: rows are hashed
column by column, and the checks of columns look at `Inspection.columns`.
"""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from stepwell import discovery, rows, sampling
from stepwell.errors import ExampleError
from stepwell.schema import Columns, Examples, Finding

ANCHOR = 256
"""Examples that every inspection looks at, whatever its time limit: what a fingerprint rests on."""

_CHUNK = 8  # examples fetched at a time; at most four chunks are held at once
_THREADS = 2  # decoders let go of the interpreter's lock
_SMALL = 4096  # bytes of an example, to whose decoding a thread of its own would add more than it takes off
_WARM = 32  # examples before the speed is measured

Example = dict[str, Any]
Look = Mapping[str, Any]


@dataclass(frozen=True)
class Inspection:
    """What was found by looking at the examples at the indices `looked` (ascending; all, or a stated sample).

    `errors` says of each unreadable one why; `looks` holds the facts of each readable one; `digests`
    one hash of the content an example, None where it was not looked at or cannot be read; `sizes` the
    bytes of raw content where examples are files. `labels` are the classes, one an example, or empty
    where the task answers none. `anchor` are those that every inspection looks at. `note` says in a
    sentence what was looked at. Where chance explains that rows of a table are equal (`rows.equal_by_chance`) none of
    them has a digest, by which copies are known.
    """

    examples: Examples
    looked: tuple[int, ...]
    errors: Mapping[int, str]
    digests: tuple[str | None, ...]
    sizes: Mapping[int, int]
    labels: tuple[Any, ...]
    anchor: tuple[int, ...]
    note: str
    looks: Mapping[int, Look] = field(default_factory=dict)

    @cached_property
    def columns(self) -> Columns:
        """The raw columns (`Examples.columns`) of the examples `looked` at, in their order; none where it has none."""
        if not self.examples.columns:
            return {}
        raw = self.examples.fetch(self.looked, None)
        return {name: raw[name] for name in self.examples.columns}

    @property
    def scope(self) -> str:
        """What a count refers to where not everything was looked at, for the end of a sentence; else empty."""
        if len(self.looked) == len(self.examples):
            return ""
        return f" (of the {len(self.looked):,} looked at, of {len(self.examples):,})"

    def noted(self, index: int, fact: str) -> Any:
        """What looking at an example noted under a name; None where it was not looked at, or has no such fact."""
        if fact == "digest" and self.digests[index] is not None:
            return self.digests[index]
        return self.looks.get(index, {}).get(fact)

    def names(self, indices: Sequence[int], most: int = 5) -> tuple[str, ...]:
        """The ids of the first few of some examples."""
        return tuple(self.examples.ids[i] for i in indices[:most])

    def parts(self, assigned: Sequence[str] | None) -> tuple[str, ...]:
        """The part of every example: as assigned, before a split as given with the data; "" where there is none."""
        if assigned is not None:
            return tuple(assigned)
        return tuple(part or "" for part in self.examples.facts.get("part", ("",) * len(self.examples)))


def inspect(
    examples: Examples,
    folder: discovery.Folder,
    seconds: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Look at every example, or, where that would take more than `seconds`, at a stratified sample that fits.

    `progress(done, total)` is called from time to time. At most four chunks of eight raw examples are in memory.
    """
    card = folder.card
    labels = classes(examples.facts.get("label", ())) if "label" in card.truth else ()
    look = _looker(folder)
    if examples.columns:
        return _table(examples, labels)
    order = sampling.order(0, "inspection", examples.ids, labels or ("",) * len(examples)).tolist()
    anchor, rest = sorted(order[:ANCHOR]), order[ANCHOR:]
    found = _Found({}, {}, {})
    _look_at(examples, anchor[:_WARM], look, found, None)
    start = time.perf_counter()
    _look_at(examples, anchor[_WARM:], look, found, None)
    if seconds is not None and rest:
        pace = (time.perf_counter() - start) / (ANCHOR - _WARM)
        rest = rest[: int(max(0.0, seconds - pace * ANCHOR) / max(pace, 1e-9))]
    total = len(anchor) + len(rest)

    def tell(done: int) -> None:
        if progress is not None:
            progress(len(anchor) + done, total)

    tell(0)
    _look_at(examples, sorted(rest), look, found, tell)
    note = f"looked at all {total:,} examples"
    if total < len(examples):
        kind = "stratified sample" if labels else "sample"
        note = f"looked at a {kind} of {total:,} of {len(examples):,} examples, to keep within {seconds:.0f} s"
    return Inspection(
        examples=examples,
        looked=tuple(sorted([*anchor, *rest])),
        errors=found.errors,
        looks=found.looks,
        digests=tuple(found.looks.get(i, {}).get("digest") for i in range(len(examples))),
        sizes=found.sizes,
        labels=tuple(labels),
        anchor=tuple(anchor),
        note=note,
    )


def run_checks(inspection: Inspection, parts: Sequence[str] | None) -> tuple[Finding, ...]:
    """The findings of every check of the room `audit`, worst first.

    `parts` holds the part of every example ("" = in none) after a split; None before it. What listing
    itself brought up (`examples.findings`) is not repeated.
    """
    # Numbers near the limits of float64 become infinities and NaN on the way, which no threshold is passed by.
    with np.errstate(all="ignore"):
        found = [
            finding
            for name in discovery.names("audit")
            for finding in discovery.load("audit", name).check(inspection, parts)
        ]
    return tuple(sorted(found, key=lambda one: -one.severity))


def fingerprint(inspection: Inspection) -> str:
    """64 hexadecimal digits that change when examples come, go or get other facts, or the anchor's contents change.

    They depend neither on the order of the examples nor on how many a time limit let us look at.
    """
    examples, anchor = inspection.examples, set(inspection.anchor)

    def seen(i: int) -> Any:
        return inspection.looks.get(i, {}).get("digest") if i in anchor else ""

    facts = sorted(examples.facts.items())
    lines = sorted(
        repr((name, unit, [(fact, values[i]) for fact, values in facts], seen(i)))
        for i, (name, unit) in enumerate(zip(examples.ids, examples.units, strict=True))
    )
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def classes(labels: Sequence[Any]) -> tuple[Any, ...]:
    """The labels if they name classes (text or whole numbers); nothing where they are measured."""
    return tuple(labels) if all(label is None or isinstance(label, (str, int)) for label in labels) else ()


def _table(examples: Examples, labels: Sequence[Any]) -> Inspection:
    """The inspection of rows of columns: all of them, hashed a column at a time."""
    everyone = tuple(range(len(examples)))
    raw = examples.fetch(everyone, None)
    columns = [raw[name] for name in examples.columns]
    keys = rows.keys(columns, len(examples))
    chance = rows.equal_by_chance(columns, keys)
    digests = tuple(f"{key:016x}" for key in keys.tolist())
    anchor = sorted(sampling.order(0, "inspection", examples.ids, labels or ("",) * len(examples))[:ANCHOR].tolist())
    return Inspection(
        examples=examples,
        looked=everyone,
        errors={},
        digests=(None,) * len(examples) if chance else digests,
        sizes={},
        labels=tuple(labels),
        anchor=tuple(anchor),
        note=f"looked at all {len(examples):,} rows",
        looks={i: {"digest": digests[i]} for i in anchor},
    )


@dataclass(frozen=True)
class _Found:
    errors: dict[int, str]
    looks: dict[int, Look]
    sizes: dict[int, int]


def _looker(folder: discovery.Folder) -> Callable[[Example], Look]:
    prepare = folder.module("prepare")
    if hasattr(prepare, "look"):
        look: Callable[[Example], Look] = prepare.look
        return look
    others = {*folder.card.truth, "path"}
    return lambda example: {"digest": _raw_digest({name: example[name] for name in sorted(set(example) - others)})}


def _raw_digest(inputs: Example) -> str | None:
    """A hash of all inputs of a raw example; None where one of them is neither bytes, text, a number nor an array."""
    content = hashlib.sha256()
    for name, value in inputs.items():
        if isinstance(value, (bytes, bytearray)):
            content.update(f"{name}\0bytes {len(value)}\0".encode() + value)
        elif isinstance(value, np.ndarray) and value.dtype != object:
            content.update(f"{name}\0{value.dtype.str} {value.shape}\0".encode() + value.tobytes())
        elif isinstance(value, (str, int, float, np.generic)) or value is None:
            content.update(f"{name}\0{value!r}\0".encode("utf-8", "surrogatepass"))
        else:
            return None
    return content.hexdigest()


def _look_at(
    examples: Examples,
    indices: Sequence[int],
    look: Callable[[Example], Look],
    found: _Found,
    tell: Callable[[int], None] | None,
) -> None:
    """Fetch in this thread, decode in two others where it is worth it, and note what comes back."""
    waiting: deque[Future[_Found]] = deque()
    done = 0

    def note(one: _Found) -> None:
        nonlocal done
        found.errors.update(one.errors)
        found.looks.update(one.looks)
        found.sizes.update(one.sizes)
        done += len(one.errors) + len(one.looks)
        if tell is not None:
            tell(done)

    with ThreadPoolExecutor(_THREADS, thread_name_prefix="inspection") as pool:
        for start in range(0, len(indices), _CHUNK):
            chunk = _fetched(examples, indices[start : start + _CHUNK])
            if sum(map(_size, chunk.values())) < _SMALL * len(chunk):
                note(_looked(look, chunk))
                continue
            waiting.append(pool.submit(_looked, look, chunk))
            if len(waiting) > _THREADS:
                note(waiting.popleft().result())
        while waiting:
            note(waiting.popleft().result())


def _size(example: Example | ExampleError) -> int:
    """The bytes and the letters of a raw example."""
    values = () if isinstance(example, ExampleError) else example.values()
    arrays = sum(value.nbytes for value in values if isinstance(value, np.ndarray))
    return arrays + sum(len(value) for value in values if isinstance(value, (bytes, bytearray, str)))


def _fetched(examples: Examples, chunk: Sequence[int]) -> dict[int, Example | ExampleError]:
    """Raw examples by index; where one of them cannot even be fetched, its error, and the rest one by one."""
    try:
        raw = examples.fetch(chunk, None)
    except ExampleError as error:
        if len(chunk) == 1:
            return {chunk[0]: error}
        return {i: one for single in chunk for i, one in _fetched(examples, [single]).items()}
    return {i: {name: column[row] for name, column in raw.items()} for row, i in enumerate(chunk)}


def _looked(look: Callable[[Example], Look], chunk: Mapping[int, Example | ExampleError]) -> _Found:
    found = _Found({}, {}, {})
    for i, example in chunk.items():
        if isinstance(example, ExampleError):
            found.errors[i] = example.what
            continue
        sizes = [len(value) for value in example.values() if isinstance(value, (bytes, bytearray))]
        if sizes:
            found.sizes[i] = sum(sizes)
        try:
            found.looks[i] = look(example)
        except ExampleError as error:
            found.errors[i] = error.what
    return found
