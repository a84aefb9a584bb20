"""The Predictor: answers without torch, one bad example among good ones, results that JSON knows."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from artifact_toys import TOYS, listed

from stepwell import discovery
from stepwell.artifact import predictor
from stepwell.artifact.torch_network import torch_network
from stepwell.errors import ArtifactError, ExampleError
from stepwell.schema import Array, Columns, Examples, Schema


def source(name: str) -> list[Array]:
    field = TOYS[name].preparation.schema.inputs[0].name
    return [np.asarray(one) for one in TOYS[name].valid.columns[field]]


@pytest.mark.parametrize("name", ["pictures", "speech", "volume"])
def test_answers_are_those_of_the_module_whatever_the_batch_size(exported: Callable[[str], Path], name: str) -> None:
    toy = TOYS[name]
    opened = predictor.load(exported(name), threads=1)
    outputs = opened.infer(torch_network(toy.networks["model"].module), toy.valid.columns, 64)
    wanted = toy.decode(outputs, toy.valid.traces, opened.schema)
    for batch_size in (1, 2, 64):
        rows = predictor.load(exported(name), batch_size=batch_size)(source(name))
        assert [row["id"] for row in rows] == [f"file {place}" for place in range(len(toy.valid))]
        for field, column in wanted.items():
            for row, value in zip(rows, column, strict=True):
                if isinstance(value, str):
                    assert row[field] == value
                else:
                    np.testing.assert_allclose(row[field], value, rtol=1e-4, atol=1e-5)


def test_pictures_come_from_noise(exported: Callable[[str], Path]) -> None:
    rows = predictor.load(exported("noise"))([np.zeros(3, np.float32), np.ones(3, np.float32)])
    assert np.asarray(rows[0]["image"]).shape == (1, 2, 2)
    assert rows[0]["image"] != rows[1]["image"]


def test_one_bad_example_is_reported_and_the_rest_go_on(exported: Callable[[str], Path]) -> None:
    pictures: list[Array | None] = [*source("pictures")]
    pictures[2] = pictures[7] = None
    rows = predictor.load(exported("pictures"))(pictures)
    assert [place for place, row in enumerate(rows) if "error" in row] == [2, 7]
    assert rows[2] == {"id": "file 2", "error": "This file is empty."}
    whole = predictor.load(exported("pictures"))(source("pictures"))
    for place in (0, 1, 3, 8):
        assert rows[place]["label"] == whole[place]["label"]


def test_an_example_that_the_network_cannot_take_is_reported_alone(
    exported: Callable[[str], Path], capfd: pytest.CaptureFixture[str]
) -> None:
    good = source("speech")
    rows = predictor.load(exported("speech"))([good[0], np.zeros((5, 2), np.float32), good[1]])
    assert ["error" in row for row in rows] == [False, True, False]
    assert "cannot work with these inputs: speech (1, 5, 2)" in rows[1]["error"]
    assert capfd.readouterr() == ("", "")


def test_no_examples_give_no_answers(exported: Callable[[str], Path]) -> None:
    columns = predictor.load(exported("pictures")).answers({"image": np.zeros((0, 1, 4, 4), np.uint8)}, [])
    assert len(columns["label"]) == 0


def test_examples_are_read_a_batch_at_a_time(exported: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    fetched: list[int] = []

    def inputs(pictures: Sequence[Array]) -> Examples:
        examples = listed(pictures)

        def fetch(indices: Sequence[int], views: Array | None) -> Columns:
            fetched.append(len(indices))
            return examples.fetch(indices, views)

        return dataclasses.replace(examples, fetch=fetch)

    prepare = SimpleNamespace(inputs=inputs, decode=TOYS["pictures"].decode)
    monkeypatch.setattr(
        discovery, "task", lambda _: SimpleNamespace(module=lambda _: prepare, rooms=lambda room: (room,))
    )
    answers = predictor.load(exported("pictures"), batch_size=4).predict(source("pictures"))
    next(answers)
    assert fetched == [4]
    assert len(list(answers)) == 8
    assert fetched == [4, 4, 1]


def test_a_task_may_shape_the_answer_for_people(
    exported: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def row(prediction: dict[str, Any], schema: Schema) -> dict[str, Any]:
        classes = schema.targets[0].classes
        return {"probabilities": dict(zip(classes, prediction["probabilities"], strict=True))}

    prepare = SimpleNamespace(inputs=listed, decode=TOYS["pictures"].decode, row=row)
    monkeypatch.setattr(
        discovery, "task", lambda _: SimpleNamespace(module=lambda _: prepare, rooms=lambda room: (room,))
    )
    (answer, *_) = predictor.load(exported("pictures"))(source("pictures"))
    assert set(json.loads(json.dumps(answer))["probabilities"]) == {"cat", "dog"}
    assert sum(answer["probabilities"].values()) == pytest.approx(1.0)


def test_a_run_folder_leads_to_its_artifact(exported: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "artifact").symlink_to(exported("pictures"), target_is_directory=True)
    assert predictor.load(str(tmp_path)).manifest.task == "pictures"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: None, "no such folder"),
        (lambda folder: folder.mkdir(), "no artifact and no run"),
        (lambda folder: (folder.mkdir(), (folder / "run.json").write_text("{}")), "stepwell resume"),
        (lambda folder: folder.write_text("not a folder"), "no artifact and no run"),
    ],
)
def test_a_folder_without_artifact_says_what_to_do(tmp_path: Path, make: Callable[[Path], object], words: str) -> None:
    make(tmp_path / "here")
    with pytest.raises(ArtifactError, match=words):
        predictor.load(tmp_path / "here")


def test_the_judge_gets_the_failing_example_as_an_error(exported: Callable[[str], Path]) -> None:
    with pytest.raises(ExampleError):
        predictor.load(exported("speech")).answers({"speech": [np.zeros((4, 1), np.float32)]}, [{}])


def test_opening_and_predicting_never_imports_torch(exported: Callable[[str], Path]) -> None:
    program = f"""
import sys, types
import numpy as np
from stepwell import discovery
prepare = types.SimpleNamespace(decode=lambda outputs, traces, schema: outputs)
discovery.task = lambda name: types.SimpleNamespace(module=lambda name: prepare, rooms=lambda room: (room,))
from stepwell.artifact import predictor
assert "onnxruntime" not in sys.modules
opened = predictor.load({str(exported("speech"))!r})
answers = opened.answers({{"speech": [np.zeros((4, 3), np.float32)]}}, [{{}}])
assert answers["scores"][0].shape == (2, 4)
assert not {{"torch", "onnx", "onnxscript", "scipy", "sklearn"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_plain_values_are_what_json_knows() -> None:
    value = {
        1: np.float32(0.5),
        "list": (np.int64(3), np.array([[True]]), np.array([{"a": np.str_("b")}], dtype=object)),
        "none": None,
    }
    plain = predictor.plain_value(value)
    assert plain == {"1": 0.5, "list": [3, [[True]], [{"a": "b"}]], "none": None}
    assert json.loads(json.dumps(plain)) == plain
    assert type(plain["list"][2][0]["a"]) is str
