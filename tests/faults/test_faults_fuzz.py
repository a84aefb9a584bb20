"""Whatever lies in a file, nothing but a StepwellError comes out of its reader; `make fuzz` looks for much longer."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image
from writers import WRITERS, state

from stepwell import checkpoint, discovery, files, preparation, reading, recipe, run, splitting
from stepwell.artifact import manifest
from stepwell.errors import ArtifactError, ExampleError, RecipeError, RunError, StepwellError
from stepwell.judge import scores
from stepwell.preparation import Preparation
from stepwell.schema import Field, Schema

Folders = pytest.TempPathFactory

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
ODD = [
    b"",
    b"\0",
    b"\xff",
    b'"',
    b",",
    b"\n",
    b"\r",
    b"-",
    b"9" * 30,
    b"{",
    b"[",
    b": ",
    b"&a",
    b"*a",
    b"!!",
    b"\xe2\x80",
]
MANY = [b"[" * 5_000, b"1" * 5_000, b"a: " * 2_000, b"&a [" * 99, b"," * 3_000]


@st.composite
def damaged(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with a few places replaced, doubled or cut out; seldom something else altogether."""
    if draw(st.integers(0, 19)) == 0:
        return draw(st.binary(max_size=200) | st.sampled_from(MANY))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.sampled_from([start, start + 1, start + 4, len(content)]))
        piece = draw(st.binary(max_size=4) | st.sampled_from(ODD + MANY) | st.just(content[start : start + 40] * 2))
        content = content[:start] + piece + content[end:]
    return content


@st.composite
def changed(draw: st.DrawFn, values: Any) -> Any:
    """`values` with one value, somewhere inside, replaced by any other, or taken out."""
    if not isinstance(values, dict | list) or not values or draw(st.integers(0, 5)) == 0:
        return draw(JSON)
    copied = dict(values) if isinstance(values, dict) else list(values)
    place = draw(st.sampled_from(sorted(values)) if isinstance(values, dict) else st.integers(0, len(values) - 1))
    if draw(st.integers(0, 5)) == 0:
        del copied[place]
    else:
        copied[place] = draw(changed(values[place]))
    return copied


def only(wanted: type[StepwellError] | tuple[type[StepwellError], ...], call: Callable[[], object]) -> None:
    """Nothing but the declared errors, each with a sentence; no warning of a library is shown to anyone."""
    said = "nothing"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            call()
        except wanted as error:
            said = error.what
    assert said


# What a run holds.


@cache
def frozen() -> str:
    """A complete recipe, as a run writes it."""
    return recipe.to_yaml(recipe.draft("table", ("quick",), {"reader.target": "answer"}))


@given(st.data())
def test_a_recipe_of_a_run(data: st.DataObject) -> None:
    text = data.draw(damaged(frozen().encode())).decode(errors="replace")
    only(RecipeError, lambda: recipe.from_yaml(text))


@given(data=st.data())
def test_a_recipe_file(data: st.DataObject, tmp_path_factory: Folders) -> None:
    path = tmp_path_factory.mktemp("recipe") / "mine.yaml"
    own = b"recipe: quick\nseed: 3\nmodel: {name: mlp, depth: 2}\noptimizer: adam\nbudget: {epochs: 3}\n"
    path.write_bytes(data.draw(damaged(own)))
    only(StepwellError, lambda: recipe.draft("table", (path,), {}))


RUN = {"format": 1, "kind": "single", "task": "table", "command": "train", "state": "running", "why": ""} | {
    "created": "2026-01-01T00:00:00.000+00:00",
    "changed": "2026-01-01T00:00:00.000+00:00",
    "data": "/data.csv",
    "start": None,
    "phase_start": 0,
    "lineage": "abc",
    "trial": {},
}
SCORES = {"headline": "accuracy", "scores": {"accuracy": {"value": 0.5, "low": 0.4, "high": 0.6}}}


@given(state=changed(RUN), judged=changed(SCORES))
def test_run_json_and_the_list_of_runs(state: Any, judged: Any, tmp_path_factory: Folders) -> None:
    root = tmp_path_factory.mktemp("runs")
    (root / "a").mkdir()
    (root / "a" / "run.json").write_text(json.dumps(state))
    (root / "a" / "scores.json").write_text(json.dumps(judged))
    only(RunError, lambda: run.open_run(root / "a"))
    assert len(run.list_runs(root)) == 1
    with contextlib.suppress(RunError):
        taken = run.open_run(root / "a").state()
        optional = (taken.get("data"), taken.get("start"))
        assert all(value is None or isinstance(value, str) for value in optional)
        assert isinstance(taken.get("phase_start", 0), int) and isinstance(taken.get("trial", {}), dict)


@given(data=st.data())
def test_files_of_lines_and_tables(data: st.DataObject, tmp_path_factory: Folders) -> None:
    folder = tmp_path_factory.mktemp("run")
    (folder / "history.jsonl").write_bytes(data.draw(damaged(b'{"kind":"step","cycle":1,"loss":{"model":2.3}}\n' * 3)))
    (folder / "split.csv").write_bytes(
        data.draw(damaged(b'unit,id,part,group,why\r\n1,a,train,g,"drawn, by lot"\r\n2,b,test,h,\r\n'))
    )
    only(RunError, lambda: files.read_lines(folder / "history.jsonl"))
    only(RunError, lambda: splitting.read_split(folder / "split.csv"))
    only(RunError, lambda: scores.from_json(data.draw(changed({**SCORES, "format": 1, "tables": {}, "baselines": {}}))))


@given(data=st.data())
def test_a_checkpoint_with_right_digests(data: st.DataObject, tmp_path_factory: Folders) -> None:
    folder = checkpoint.save(tmp_path_factory.mktemp("checkpoints"), state(1), 1)
    name = data.draw(st.sampled_from(["state.json", "model.safetensors"]))
    (folder / name).write_bytes(data.draw(damaged((folder / name).read_bytes())))
    digests = {path.name: files.sha256(path) for path in folder.iterdir() if path.name != "manifest.json"}
    listed = data.draw(st.just(digests) | changed(digests))
    files.write_whole(folder / "manifest.json", json.dumps({"format": 1, "cycle": 1, "sha256": listed}))
    only(RunError, lambda: checkpoint.load(folder))


# What an artifact holds.


@cache
def listed_by(folder: Path) -> dict[str, Any]:
    """The values of a manifest that was written."""
    WRITERS["artifact"].before(folder)
    values: dict[str, Any] = json.loads((folder / "artifact" / manifest.FILE).read_text())
    del values["seal"]
    return values


@given(data=st.data())
def test_a_manifest_of_an_artifact(data: st.DataObject, tmp_path_factory: Folders) -> None:
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(exist_ok=True)
    values = data.draw(changed(listed_by(folder)))
    path = folder / "artifact" / manifest.FILE
    path.write_text(json.dumps(values))
    only(ArtifactError, lambda: manifest.verify(path.parent, manifest.read(path.parent)))
    path.write_bytes(data.draw(damaged(json.dumps(listed_by(folder)).encode())))
    only(ArtifactError, lambda: manifest.verify(path.parent, manifest.read(path.parent)))


DECLARED = preparation.to_json(
    Preparation(
        Schema((Field("image", "image", "uint8", (1, 4, 4)),), (), (Field("logits", "logits", "float32", (2,)),)),
        tuple(
            (name, msgspec.convert(values, discovery.load("transforms", name).Fitted))
            for name, values in (("decode_image", {"channels": 3}),)
        ),
    )
)


@given(changed(DECLARED))
@example({**DECLARED, "transforms": [{"name": None, "values": {}}]})
def test_a_declared_preparation(values: Any) -> None:
    only(ArtifactError, lambda: preparation.from_json(values))


# What people bring.


def listed(task: str, source: Path, **options: Any) -> None:
    """Read a source as a task does, and fetch a few of its examples."""
    examples = reading.read(discovery.task(task), source, options.pop("name", "auto"), options)
    for index in range(min(3, len(examples))):
        with contextlib.suppress(ExampleError):
            examples.fetch([index], None)


CSV = 'a,b,"the day",answer\n1,x,2020-01-01,yes\n2.5,,2020-02-30,no\n-1e3,"q ""r""",,yes\n' * 3


@given(data=st.data(), suffix=st.sampled_from([".csv", ".tsv", ".csv.gz"]))
def test_a_table(data: st.DataObject, suffix: str, tmp_path_factory: Folders) -> None:
    path = tmp_path_factory.mktemp("table") / f"data{suffix}"
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    path.write_bytes(data.draw(damaged(CSV.encode(encoding))))
    only(StepwellError, lambda: listed("table", path, target="answer"))


@cache
def picture() -> bytes:
    """A small PNG."""
    content = io.BytesIO()
    Image.fromarray(np.arange(48, dtype=np.uint8).reshape(4, 4, 3)).save(content, "PNG")
    return content.getvalue()


@given(data=st.data())
def test_a_table_of_pictures(data: st.DataObject, tmp_path_factory: Folders) -> None:
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "1.png").write_bytes(data.draw(damaged(picture())))
    path = folder / "labels.csv"
    path.write_bytes(data.draw(damaged(b"path,label,split\n1.png,cat,train\n2.png,dog,test\n../1.png,cat,valid\n")))
    name = data.draw(st.sampled_from(["auto", "manifest"]))
    only(StepwellError, lambda: listed("image_classification", path, name=name))


@given(data=st.data())
def test_idx_files(data: st.DataObject, tmp_path_factory: Folders) -> None:
    folder = tmp_path_factory.mktemp("idx")
    images = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in (5, 4, 4)) + bytes(80)
    labels = bytes([0, 0, 8, 1]) + (5).to_bytes(4, "big") + bytes(5)
    (folder / "train-images-idx3-ubyte").write_bytes(data.draw(st.just(images) | damaged(images)))
    (folder / "train-labels-idx1-ubyte").write_bytes(data.draw(damaged(labels)))
    name = data.draw(st.sampled_from(["auto", "idx"]))
    only(StepwellError, lambda: listed("image_classification", folder, name=name))


@given(data=st.data())
def test_a_zip_of_pictures(data: st.DataObject, tmp_path_factory: Folders) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
            archive.writestr(name, picture())
    path = tmp_path_factory.mktemp("zipped") / "data.zip"
    path.write_bytes(data.draw(damaged(content.getvalue())))
    only(StepwellError, lambda: listed("image_classification", path))
