"""The memory of all runs on the same data: which part every unit was in, and how often each test part was looked at.

    runs/.ledger/<lineage>/
      about.json         format, task, and where the data lay
      splits/<key>.bin   for one rule with its options and seed: id, content and part of every unit
      tests/<key>.bin    the ids of one test part
      looks.json         who looked at which test part, and when

A **lineage** is a set of data as it grows: data belong to it where at least half of the units that it knows are in
them, with the same content where contents are known. Files are whole or not there, and sealed with a sha256; a
lineage with a damaged file is set aside and begun anew. What is remembered serves new runs and never stops one: where
the ledger cannot be kept, a note says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stepwell import files, locks, randomness
from stepwell.errors import RunError
from stepwell.schema import PARTS

FORMAT = 1
NAME = ".ledger"
SAME = 0.5
"""The share of known units that data must hold to belong to a lineage, and of a test part for it to be that one."""

_MAGIC = b"stepwell ledger 1\n"
_LIMIT = 2**31
_PATIENCE = 10.0  # seconds to wait for another run that writes
_UNITS = np.dtype([("id", "<u8"), ("content", "<u8"), ("part", "u1")])
_NO_CONTENT = 0

Units = npt.NDArray[Any]
"""One row a unit: a 64-bit key of its id, one of its content (0 = unknown), the number of its part (3 = none)."""


@dataclass(frozen=True)
class Looks:
    """How often a test part was looked at: `count` times, this one included; `before` says by whom, latest first."""

    count: int
    before: tuple[str, ...]


@dataclass(frozen=True)
class Remembered:
    """What the ledger knows of some data: the part of every known unit by id, and what a person should hear."""

    parts: Mapping[str, str]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Noted:
    """The lineage in which a split was remembered ("" = the ledger could not be kept), and what to say of it."""

    lineage: str
    notes: tuple[str, ...] = ()


def place(run: Path, task: str) -> Path:
    """Where the ledger of a run lies: beside the runs, for members of a run beside their parent."""
    folder = run.resolve().parent
    while folder.name == "members":
        folder = folder.parent.parent
    return (folder.parent if folder.name == task else folder) / NAME


def split_key(rule: str, options: Any, seed: int) -> str:
    """The name under which a split is remembered: the same for the same rule, options and seed."""
    text = files.json_text([rule, options, seed])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def units(ids: Sequence[str], contents: Sequence[str | None]) -> Units:
    """The units of some data, `contents` being hashes of what the examples hold (None = unknown), in no part yet."""
    found = np.zeros(len(ids), dtype=_UNITS)
    found["id"] = randomness.keys(ids)
    found["content"] = [_NO_CONTENT if one is None else int(one[:16], 16) for one in contents]
    found["part"] = len(PARTS)
    return found


def remember(root: Path, task: str, source: str, now: Units, ids: Sequence[str], key: str) -> Remembered:
    """The parts that the units `now`, whose names are `ids`, had under the split `key`; none where they are new.

    A unit is known by its content, wherever it lies and whatever it is called now; where its content is unknown, or
    was, by its id.
    """
    notes: list[str] = []
    parts: dict[str, str] = {}
    with _noting(root, notes), _held(root):
        lineage = _lineage(root, task, source, now, notes)
        path = lineage / "splits" / f"{key}.bin"
        if path.exists():
            parts = _parts(_read(path, _UNITS), now, ids)
    if parts and (new := len(ids) - len(parts)):
        notes.append(f"{len(parts):,} examples are known from earlier runs and stay in their parts; {new:,} are new")
    return Remembered(parts, tuple(notes))


def note_split(root: Path, task: str, source: str, now: Units, parts: Sequence[str], key: str) -> Noted:
    """Remember the part of every unit under the split `key`; those that are gone from the data stay remembered."""
    notes: list[str] = []
    name = ""
    placed = now.copy()
    placed["part"] = [PARTS.index(part) if part in PARTS else len(PARTS) for part in parts]
    with _noting(root, notes), _held(root):
        lineage = _lineage(root, task, source, now, notes)
        path = lineage / "splits" / f"{key}.bin"
        if path.exists():
            before = _read(path, _UNITS)
            placed = np.concatenate([placed, before[~np.isin(before["id"], placed["id"])]])
        path.parent.mkdir(parents=True, exist_ok=True)
        if not (lineage / "about.json").exists():
            files.write_json(lineage / "about.json", {"format": FORMAT, "task": task, "source": source})
        _write(path, placed)
        name = lineage.name
    return Noted(name, tuple(notes))


def look(root: Path, lineage: str, ids: Sequence[str], *, who: str, stamp: str) -> tuple[Looks, tuple[str, ...]]:
    """Count a look at the test part that holds the units `ids`, by `who` ("train RUN"); and what to say of it.

    A look with the `stamp` of an earlier one is that one, taken up again. Looks at other test parts of the lineage
    count where they held at least half of these units. Where there is no such lineage nothing is counted: 0.
    """
    folder = root / lineage
    if not lineage or not (folder / "about.json").exists():
        return Looks(0, ()), ()
    notes: list[str] = []
    before: list[str] = []
    wanted = np.sort(randomness.keys(ids))
    key = hashlib.sha256(wanted.tobytes()).hexdigest()[:16]
    with _noting(root, notes), _held(root):
        known = _looks(folder)
        tests = {one["test"] for one in known}
        same = {name: name == key or _overlap(folder, name, wanted) >= SAME for name in tests}
        before = [one["who"] for one in reversed(known) if same[one["test"]] and one["stamp"] != stamp]
        if not any(one["stamp"] == stamp and same[one["test"]] for one in known):
            path = folder / "tests" / f"{key}.bin"
            path.parent.mkdir(exist_ok=True)
            _write(path, wanted)
            when = datetime.now(UTC).isoformat(timespec="seconds")
            known.append({"test": key, "who": who, "stamp": stamp, "when": when, "n": len(wanted)})
            files.write_json(folder / "looks.json", known)
    if before:
        times = "once" if len(before) == 1 else f"{len(before):,} times"
        notes.append(
            f"these test examples were looked at {times} before, last by {before[0]}: whoever chooses between runs by "
            "them makes their scores too good"
        )
    return Looks(len(before) + 1, tuple(before[:10])), tuple(notes)


@contextlib.contextmanager
def _noting(root: Path, notes: list[str]) -> Iterator[None]:
    """A note in place of an error: what is remembered serves a run and never stops it."""
    try:
        yield
    except (RunError, OSError) as error:
        reason = error.what if isinstance(error, RunError) else f"{error.strerror or error}."
        notes.append(f"the ledger of earlier runs cannot be kept ({root}): {reason}")


@contextlib.contextmanager
def _held(root: Path) -> Iterator[None]:
    """Hold the ledger against other runs, waiting for one that writes; `RunError` where that takes too long."""
    root.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + _PATIENCE
    with contextlib.ExitStack() as stack:
        while True:
            try:
                stack.enter_context(locks.hold(root))
                break
            except RunError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        files.clean(root)
        yield


def _lineage(root: Path, task: str, source: str, now: Units, notes: list[str]) -> Path:
    """The folder of the lineage that the data belong to, a new name where there is none; damaged ones are set aside."""
    best, found = 0.0, None
    for folder in sorted(one for one in root.iterdir() if one.is_dir() and "." not in one.name):
        try:
            alike = _alike_in(folder, task, source, now)
        except RunError as error:
            aside = folder.with_name(f"{folder.name}.damaged-{time.time_ns()}")
            folder.rename(aside)
            notes.append(f"a damaged ledger was set aside as {aside.name} ({error.what}) and is begun anew")
            continue
        if alike > best:
            best, found = alike, folder
    if found is not None and best >= SAME:
        return found
    seed = f"{task}\0{source}\0{time.time_ns()}"
    return root / hashlib.sha256(seed.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _alike_in(folder: Path, task: str, source: str, now: Units) -> float:
    """How well the data fit a lineage, 0 to 1; `RunError` where a file of it is damaged or of another format."""
    about = files.read_json(folder / "about.json")
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise RunError("about.json does not say what this is.", where=str(folder))
    if about.get("task") != task:
        return 0.0
    _looks(folder)
    here = about.get("source") == source and Path(source).exists()
    known = [_read(one, _UNITS) for one in sorted((folder / "splits").glob("*.bin"))]
    return max((_alike(one, now, same_place=here) for one in known), default=0.0)


def _alike(known: Units, now: Units, *, same_place: bool) -> float:
    """The share of known units that are here still: by content, or by id where contents agree or nothing is known."""
    if not len(known):
        return 0.0
    contents = known["content"][known["content"] != _NO_CONTENT]
    by_content = float(np.isin(contents, now["content"]).sum()) / len(known)
    _, mine, theirs = np.intersect1d(known["id"], now["id"], return_indices=True)
    was, is_now = known["content"][mine], now["content"][theirs]
    both = (was != _NO_CONTENT) & (is_now != _NO_CONTENT)
    agree = float((was == is_now)[both].mean()) if both.any() else float(same_place)
    return max(by_content, agree * len(mine) / len(known))


def _parts(known: Units, now: Units, ids: Sequence[str]) -> dict[str, str]:
    """The part of each unit that is known, by its name now."""
    placed = known[known["part"] < len(PARTS)]
    contents = placed["content"].tolist()
    by_content = {content: part for content, part in zip(contents, placed["part"].tolist(), strict=True) if content}
    by_id = {
        one: (content, part)
        for one, content, part in zip(placed["id"].tolist(), contents, placed["part"].tolist(), strict=True)
    }
    found: dict[str, str] = {}
    for name, one, content in zip(ids, now["id"].tolist(), now["content"].tolist(), strict=True):
        was, part = by_id.get(one, (content, None))
        if content and was and was != content:
            part = None  # another example under an old name
        part = by_content.get(content, part) if part is None else part
        if part is not None:
            found[name] = PARTS[part]
    return found


def _looks(lineage: Path) -> list[dict[str, Any]]:
    path = lineage / "looks.json"
    if not path.exists():
        return []
    known = files.read_json(path)
    wanted = {"test", "who", "stamp"}
    if not isinstance(known, list) or not all(isinstance(one, dict) and wanted <= one.keys() for one in known):
        raise RunError("looks.json does not say who looked at what.", where=str(path))
    return known


def _overlap(lineage: Path, key: str, wanted: npt.NDArray[Any]) -> float:
    """The share of the `wanted` ids that an earlier test part held; 0 where that part is no more known."""
    path = lineage / "tests" / f"{key}.bin"
    if not len(wanted) or not path.exists():
        return 0.0
    return float(np.isin(wanted, _read(path, np.dtype("<u8"))).mean())


def _write(path: Path, rows: npt.NDArray[Any]) -> None:
    body = rows.tobytes()
    files.write_whole(path, _MAGIC + hashlib.sha256(body).digest() + body)


def _read(path: Path, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    content = files.read_bytes(path, _LIMIT)
    start = len(_MAGIC) + 32
    body = content[start:]
    if content[: len(_MAGIC)] != _MAGIC or content[len(_MAGIC) : start] != hashlib.sha256(body).digest():
        raise RunError(f"{path.name} is damaged.", where=str(path))
    return np.frombuffer(body, dtype=dtype)
