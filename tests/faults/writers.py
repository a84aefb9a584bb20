"""What Stepwell writes, each as a state before, one act, and what is read back afterwards.

The same list is killed at every point (`test_faults_kills.py`) and failed at every point (`test_faults_errors.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
from torch import nn

from stepwell import checkpoint, files, run
from stepwell.artifact import export, manifest
from stepwell.errors import RunError
from stepwell.history import History
from stepwell.loop import Evaluation
from stepwell.preparation import Preparation, Prepared
from stepwell.schema import Field, Network, Schema

OLD, NEW = "old", "new"


@dataclass(frozen=True)
class Writer:
    """`before` makes the old state in an empty folder, `act` writes, `seen` reads: OLD or NEW, or a StepwellError."""

    before: Callable[[Path], object]
    act: Callable[[Path], object]
    seen: Callable[[Path], Any]


def state(cycle: int, text: str = OLD) -> dict[str, Any]:
    """A small training state."""
    return {
        "model": {"weight": torch.full((3, 2), float(cycle))},
        "averaged": None,
        "progress": {"cycle": cycle, "text": text},
        "history": 0,
    }


def _two_checkpoints(folder: Path) -> None:
    for cycle in (1, 2):
        checkpoint.save(folder, state(cycle), cycle)


def _newest(folder: Path) -> Any:
    found, notes = checkpoint.load_latest(folder)
    assert found is not None and notes == [], "a half-written checkpoint was taken for one"
    cycle = found["progress"]["cycle"]
    assert torch.equal(found["model"]["weight"], state(cycle)["model"]["weight"])
    assert {path.name for path in folder.iterdir()} <= {f"{one:012d}" for one in (1, 2, 3)}
    return {2: found["progress"]["text"], 3: NEW}[cycle]


def _folder(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        with files.whole_folder(folder / "whole") as inside:
            for name in ("a", "b"):
                files.write_whole(inside / name, text)

    return write


def _only(texts: set[str]) -> Any:
    assert len(texts) == 1, "a mixture of old and new"
    return texts.pop()


def _begin(folder: Path) -> run.Run:
    return run.create(folder / "run", "single", "table", "stepwell train table data.csv")


def _begun(folder: Path) -> Any:
    """A run that was not begun can be begun."""
    try:
        run.open_run(folder / "run")
    except RunError:
        assert run.list_runs(folder) == []
        _begin(folder)
        return OLD
    return NEW


def _change(folder: Path) -> None:
    taken = run.open_run(folder / "run")
    with taken.lock():
        taken.set_state("running", NEW)


def _listed(folder: Path) -> Any:
    listed = run.list_runs(folder)
    assert all(one["state"] != "damaged" for one in listed)
    return OLD if listed else NEW


def _export(text: str) -> Callable[[Path], None]:
    schema = Schema((Field("x", "number", "float32", (2,)),), (), (Field("y", "number", "float32", (1,)),))
    network = Network(nn.Linear(2, 1), schema.inputs, schema.outputs)
    samples = Prepared(("1", "2"), {"x": np.zeros((2, 2), np.float32)}, {}, ({}, {}))

    def write(folder: Path) -> None:
        # What is not writing: finding the inference, and torch's export.
        unread = {"inference_of": lambda *_: None, "_first_call": lambda *_: []}
        with mock.patch.multiple(export, onnx_bytes=lambda *_: text.encode() * 99, **unread):
            export.export({"model": network}, Preparation(schema, ()), folder / "artifact", task=text, samples=samples)

    return write


def _exported(folder: Path) -> Any:
    found = manifest.read(folder / "artifact")
    manifest.verify(folder / "artifact", found)
    return found.task


def _first_line(folder: Path) -> None:
    with History(folder / "history.jsonl") as history:
        history.add(Evaluation(1, 0, {"accuracy": 0.5}, best=True, stop=False))
        history.flush(durable=True)
        files.write_json(folder / "noted.json", history.offset)


def _more_lines(folder: Path) -> None:
    with History(folder / "history.jsonl", files.read_json(folder / "noted.json")) as history:
        for cycle in (2, 3):
            history.add(Evaluation(cycle, 0, {"accuracy": 0.6}, best=False, stop=False))
        history.flush(durable=True)


def _taken_up(folder: Path) -> Any:
    """What a checkpoint noted is there whatever happened after it."""
    with History(folder / "history.jsonl", files.read_json(folder / "noted.json")):
        pass
    assert files.read_lines(folder / "history.jsonl") == [
        {"kind": "evaluation", "cycle": 1, "epoch": 0, "values": {"accuracy": 0.5}, "best": True}
    ]
    return NEW


WRITERS = {
    "file": Writer(
        lambda folder: files.write_whole(folder / "a.txt", OLD),
        lambda folder: files.write_whole(folder / "a.txt", NEW),
        lambda folder: (folder / "a.txt").read_text(),
    ),
    "folder": Writer(
        _folder(OLD), _folder(NEW), lambda folder: _only({one.read_text() for one in (folder / "whole").iterdir()})
    ),
    "checkpoint": Writer(_two_checkpoints, lambda folder: checkpoint.save(folder, state(3, NEW), 3), _newest),
    "checkpoint again": Writer(_two_checkpoints, lambda folder: checkpoint.save(folder, state(2, NEW), 2), _newest),
    "run": Writer(lambda folder: None, _begin, _begun),
    "run state": Writer(_begin, _change, lambda folder: run.open_run(folder / "run").state()["why"] or OLD),
    "run removed": Writer(_begin, lambda folder: run.remove(folder / "run"), _listed),
    "artifact": Writer(_export(OLD), _export(NEW), _exported),
    "history": Writer(_first_line, _more_lines, _taken_up),
}
