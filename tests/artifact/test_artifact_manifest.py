"""Whatever is wrong with an artifact is said before onnxruntime opens anything."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto

from stepwell.artifact import manifest as manifests
from stepwell.artifact import predictor
from stepwell.artifact.manifest import Manifest, Stored
from stepwell.errors import ArtifactError
from stepwell.preparation import Preparation, to_json
from stepwell.schema import Field, Schema


@pytest.fixture(autouse=True)
def nothing_is_opened(exported: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    exported("pictures")  # its gate does open it

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("onnxruntime opened a file that should have been refused")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads((folder / "manifest.json").read_text())
    values.pop("seal", None)  # as someone writes it who knows what is read
    change(values)
    (folder / "manifest.json").write_text(json.dumps(values))


def refused(folder: Path) -> str:
    with pytest.raises(ArtifactError) as caught:
        predictor.load(folder)
    assert caught.value.do
    assert caught.value.where
    return str(caught.value)


def flip(content: bytes) -> bytes:
    return content[:100] + bytes([content[100] ^ 4]) + content[101:]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (flip, "SHA-256"),
        (lambda content: content[:-1], "fewer than"),
        (lambda content: content + b"\0", "more than"),
        (lambda content: b"", "fewer than"),
    ],
)
def test_a_damaged_network_is_refused(artifact: Path, damage: Callable[[bytes], bytes], words: str) -> None:
    path = artifact / "model.onnx"
    path.write_bytes(damage(path.read_bytes()))
    assert words in refused(artifact)


def test_a_missing_network_is_refused(artifact: Path) -> None:
    (artifact / "model.onnx").unlink()
    assert "cannot be read" in refused(artifact)


@pytest.mark.parametrize("name", ["model.onnx", "manifest.json"])
def test_links_are_not_followed(artifact: Path, tmp_path: Path, name: str) -> None:
    (artifact / name).rename(tmp_path / "elsewhere")
    (artifact / name).symlink_to(tmp_path / "elsewhere")
    assert "link" in refused(artifact)


def test_a_pipe_in_place_of_a_file_does_not_stop_us(artifact: Path) -> None:
    (artifact / "model.onnx").unlink()
    os.mkfifo(artifact / "model.onnx")
    assert "not a plain file" in refused(artifact)


def test_a_newer_format_says_which_and_how_to_read_it(artifact: Path) -> None:
    edit(artifact, lambda values: values.update(format=2, networks="something new", stepwell="9.9"))
    message = refused(artifact)
    assert "format 2" in message
    assert "pip install --upgrade stepwell" in message
    assert "9.9" in message


@pytest.mark.parametrize("number", [None, "1", 0, True, 1.5])
def test_a_format_that_is_no_number_is_damage(artifact: Path, number: object) -> None:
    edit(artifact, lambda values: values.update(format=number))
    assert "format number" in refused(artifact)


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "a/b", "a\\b", "..", ".hidden", "", "manifest.json"])
def test_names_that_lead_elsewhere_are_refused(artifact: Path, name: str) -> None:
    edit(artifact, lambda values: values["files"].update({name: {"sha256": "0" * 64, "size": 1}}))
    assert "no plain name" in refused(artifact)


def test_a_network_without_digest_is_refused(artifact: Path) -> None:
    edit(artifact, lambda values: values["networks"]["model"].update(file="other.onnx"))
    assert "no digest" in refused(artifact)


def test_a_network_that_is_not_there_cannot_predict(artifact: Path) -> None:
    edit(artifact, lambda values: values.update(predict_with="generator"))
    assert "'generator'" in refused(artifact)


def test_a_task_that_is_not_installed_is_named(artifact: Path) -> None:
    edit(artifact, lambda values: values.update(task="knitting"))
    assert "'knitting', which is not installed" in refused(artifact)


def test_an_artifact_that_never_passed_its_gate_is_refused(artifact: Path) -> None:
    edit(artifact, lambda values: values.update(gate=None))
    assert "never passed its gate" in refused(artifact)


def test_an_unknown_inference_is_named(artifact: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    edit(artifact, lambda values: values["preparation"]["inference"].update(name="guesswork"))
    monkeypatch.setattr(predictor, "open_network", lambda *args, **kwargs: None)
    with pytest.raises(ArtifactError, match="'guesswork'"):
        predictor.load(artifact)


def test_tensors_in_other_files_are_refused_even_with_a_right_digest(artifact: Path) -> None:
    path = artifact / "model.onnx"
    model = onnx.load(path)
    outside = model.graph.initializer[0]
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="/etc/passwd")
    path.write_bytes(model.SerializeToString())
    stored = manifests.describe(artifact)["model.onnx"]
    edit(artifact, lambda values: values["files"].update({"model.onnx": msgspec.to_builtins(stored)}))
    assert "other files" in refused(artifact)


def test_bytes_that_are_no_network_are_refused_even_with_a_right_digest(artifact: Path) -> None:
    (artifact / "model.onnx").write_bytes(b"\xff" * 40)
    stored = manifests.describe(artifact)["model.onnx"]
    edit(artifact, lambda values: values["files"].update({"model.onnx": msgspec.to_builtins(stored)}))
    assert "no ONNX file" in refused(artifact)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}', b"[" * 100_000])
def test_a_manifest_that_is_none_is_refused(artifact: Path, content: bytes) -> None:
    (artifact / "manifest.json").write_bytes(content)
    assert "damaged" in refused(artifact)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(["format", "task", "preparation", "networks", "predict_with", "files", "extra", "gate"]), JSON)
def test_no_value_brings_out_anything_but_an_artifact_error(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: Any
) -> None:
    folder = tmp_path_factory.mktemp("fuzzed")
    values = msgspec.to_builtins(a_manifest())
    (folder / "manifest.json").write_text(json.dumps({**values, key: value}))
    with contextlib.suppress(ArtifactError):
        assert manifests.read(folder).format == 1


def a_manifest() -> Manifest:
    schema = Schema((Field("x", "number", "float32", (2,)),), (), (Field("y", "number", "float32"),))
    return Manifest(
        format=manifests.FORMAT,
        task="toy",
        stepwell="0",
        created=manifests.now(),
        preparation=to_json(Preparation(schema, ())),
        networks={"model": manifests.NetworkFile("model.onnx", schema.inputs, schema.outputs)},
        predict_with="model",
        files={"model.onnx": Stored("0" * 64, 7)},
        licenses=(manifests.License("the encoder", "Apache-2.0", "the package that carries it"),),
        gate={"examples": 3},
    )


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = a_manifest()
    manifests.write(tmp_path, written)
    found = manifests.read(tmp_path)
    assert msgspec.json.encode(found) == msgspec.json.encode(written)
    assert found.networks == written.networks


def test_a_name_that_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="no plain name"):
        manifests.write(tmp_path, bad_name())
    assert not (tmp_path / "manifest.json").exists()


def bad_name() -> Manifest:
    return msgspec.convert(
        {**msgspec.to_builtins(a_manifest()), "files": {"a/b": {"sha256": "0", "size": 1}}}, Manifest
    )


def test_lengths_follow_each_ragged_field() -> None:
    fields = (Field("a", "sequence", "float32", ("time", 2)), Field("b", "image", "uint8", (1, "height", "width")))
    assert manifests.input_names(fields) == ("a", "a_lengths", "b")


def test_a_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = np.arange(3_000_000, dtype=np.uint8).tobytes()
    (tmp_path / "model.onnx").write_bytes(content)
    files = manifests.describe(tmp_path)
    manifest = msgspec.convert({**msgspec.to_builtins(a_manifest()), "files": msgspec.to_builtins(files)}, Manifest)
    manifests.verify(tmp_path, manifest)
    assert manifests.contents(tmp_path, manifest, "model.onnx") == content
