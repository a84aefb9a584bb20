"""Export and gate: what is written, what is measured, what is refused, and that nothing else changes."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from artifact_toys import TOYS, Pictures, Toy, export_toy, network, prepared
from torch import Tensor, nn

from stepwell.artifact import manifest as manifests
from stepwell.artifact import predictor
from stepwell.artifact.export import export, name_axes, network_inputs
from stepwell.artifact.gate import Comparison, difference, free_sizes, gate
from stepwell.errors import ArtifactError
from stepwell.preparation import Prepared
from stepwell.schema import Array, Columns, Field, Network


def measured(folder: Path) -> dict[str, Any]:
    facts = manifests.read(folder).gate
    assert facts is not None
    networks: dict[str, Any] = facts["networks"]
    return networks


def changed(toy: Toy, module: nn.Module) -> dict[str, Network]:
    return {"model": dataclasses.replace(toy.networks["model"], module=module)}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pictures", {"model": ([1, 3, 9], {})}),
        ("speech", {"model": ([1, 3, 4], {"time": [6, 7]})}),
        ("volume", {"model": ([1, 2], {"depth": [4, 8], "height": [4, 8], "width": [4, 8]})}),
        ("noise", {"generator": ([1, 3, 5], {}), "critic": ([1, 3, 5], {})}),
    ],
)
def test_the_gate_compares_batches_and_a_second_size(
    exported: Callable[[str], Path], name: str, expected: dict[str, tuple[list[int], dict[str, list[int]]]]
) -> None:
    found = measured(exported(name))
    assert set(found) == set(expected)
    for one, (batches, sizes) in expected.items():
        assert set(batches) <= set(found[one]["batch_sizes"])
        assert found[one]["sizes"] == sizes
        assert 0.0 <= found[one]["difference"] < 1e-5


@pytest.mark.parametrize("name", list(TOYS))
def test_a_network_file_is_whole_and_says_nothing_of_this_machine(exported: Callable[[str], Path], name: str) -> None:
    folder = exported(name)
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["manifest.json", *(f"{one}.onnx" for one in TOYS[name].networks)]
    )
    for one, module in TOYS[name].networks.items():
        content = (folder / f"{one}.onnx").read_bytes()
        assert str(Path(__file__).parent).encode() not in content
        assert b"stack_trace" not in content
        model = onnx.load_from_string(content)
        onnx.checker.check_model(model, full_check=True)
        assert not model.graph.value_info
        assert [value.name for value in model.graph.input] == list(manifests.input_names(module.inputs))
        first = [value.type.tensor_type.shape.dim[0].dim_param for value in (*model.graph.input, *model.graph.output)]
        assert set(first) == {"batch"}


def test_free_sizes_carry_names_of_their_own(exported: Callable[[str], Path]) -> None:
    model = onnx.load(exported("speech") / "model.onnx")
    shapes = {
        value.name: [axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    assert shapes == {
        "speech": ["batch", "speech_time", 3],
        "speech_lengths": ["batch"],
        "scores": ["batch", "scores_steps", 4],
        "scores_lengths": ["batch"],
    }


def test_input_and_output_may_share_a_name(exported: Callable[[str], Path]) -> None:
    toy = TOYS["volume"]
    answers = predictor.load(exported("volume")).answers(toy.valid.columns, toy.valid.traces)
    assert [np.shape(one) for one in answers["labels"]] == [np.shape(one)[1:] for one in toy.valid.columns["volume"]]


@dataclasses.dataclass(frozen=True)
class Words:
    """A fitted transform that needs a package of the extra `text`."""

    extra: str = "text"


def test_the_manifest_says_what_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepwell.artifact.export.onnx_bytes", lambda *args: b"a network")
    toy = TOYS["noise"]
    license_ = manifests.License("the critic", "MIT", "a package")
    networks = {name: dataclasses.replace(one, module=copy.deepcopy(one.module)) for name, one in toy.networks.items()}
    for one in networks.values():
        one.module.licenses = (license_,)
    export(
        networks,
        dataclasses.replace(toy.preparation, transforms=(("words", Words()), *toy.preparation.transforms)),
        tmp_path / "a",
        task="noise",
        samples=toy.valid,
        more={"words.json": b"[]"},
    )
    found = manifests.read(tmp_path / "a")
    assert (found.task, found.predict_with, found.extra, found.licenses) == ("noise", "generator", "text", (license_,))
    assert set(found.files) == {"generator.onnx", "critic.onnx", "words.json"}
    assert found.gate is None
    assert json.loads((tmp_path / "a" / "manifest.json").read_text())["format"] == 1


def test_exporting_changes_nothing_shows_nothing_and_leaves_no_thread(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    toy = TOYS["pictures"]
    module = Pictures()
    module.inner[2].eval()
    module.double()
    module.outer.weight.grad = torch.ones_like(module.outer.weight)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    export_toy(toy, tmp_path / "a", changed(toy, module))
    assert [one.training for one in module.modules()] == [True, True, True, True, False, True, True, True]
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert {value.dtype for value in module.parameters()} == {torch.float64}
    assert module.outer.weight.grad is not None
    assert capfd.readouterr() == ("", "")
    assert "tqdm_monitor" not in [one.name for one in threading.enumerate()]


def test_an_export_that_fails_leaves_what_was_there(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    class Branches(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return image.float() if float(image.float().mean()) > 3 else -image.float()

    toy = TOYS["pictures"]
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "old").write_text("kept")
    with pytest.raises(ArtifactError, match="cannot be exported to ONNX"):
        export_toy(toy, tmp_path / "a", changed(toy, Branches()))
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a" / "old").read_text() == "kept"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("shape", "words"),
    [((2, 1), "'logits' of the network 'model' has 2 axes; the schema declares 3"), ((5,), "of 2 where .* declares 5")],
)
def test_an_output_of_another_shape_than_declared_is_named(
    exported: Callable[[str], Path], shape: tuple[int, ...], words: str
) -> None:
    graph = onnx.load(exported("pictures") / "model.onnx").graph
    declared = dataclasses.replace(
        TOYS["pictures"].networks["model"], outputs=(Field("logits", "logits", "float32", shape),)
    )
    with pytest.raises(ArtifactError, match=words):
        name_axes("model", graph, declared)


class AlwaysDrops(nn.Module):
    """Forgets that there is an evaluation mode."""

    def forward(self, image: Tensor) -> Tensor:
        return nn.functional.dropout(image.float().flatten(1)[:, :2], 0.5)


def gone(folder: Path) -> bool:
    return not folder.exists()


def test_a_module_that_forgets_evaluation_mode_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    toy = TOYS["pictures"]
    networks = changed(toy, AlwaysDrops())
    export_toy(toy, tmp_path / "a", networks)
    with pytest.raises(ArtifactError, match="answers otherwise than the trained one: logits"):
        gate(tmp_path / "a", networks, toy.valid)
    assert gone(tmp_path / "a")


def test_an_artifact_of_other_weights_is_refused(artifact: Path) -> None:
    other = Pictures()
    with pytest.raises(ArtifactError, match="of its numbers are off"):
        gate(artifact, changed(TOYS["pictures"], other), TOYS["pictures"].valid)
    assert gone(artifact)


def test_a_network_that_fixes_the_batch_is_refused_and_told_why(artifact: Path) -> None:
    with pytest.raises(ArtifactError, match="itself fails on inputs of the shapes"):
        gate(artifact, changed(TOYS["pictures"], AlwaysTwo()), TOYS["pictures"].valid)
    assert gone(artifact)


class AlwaysTwo(nn.Module):
    """Needs an even number of examples."""

    def forward(self, image: Tensor) -> Tensor:
        return image.float().reshape(2, len(image) // 2, -1).flatten(0, 1)[:, :2]


def test_a_damaged_artifact_does_not_pass(artifact: Path) -> None:
    path = artifact / "model.onnx"
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ArtifactError, match="damaged"):
        gate(artifact, TOYS["pictures"].networks, TOYS["pictures"].valid)
    assert gone(artifact)


def test_networks_that_were_not_exported_do_not_pass(artifact: Path) -> None:
    with pytest.raises(ArtifactError, match="other networks"):
        gate(artifact, TOYS["noise"].networks, TOYS["pictures"].valid)


def test_without_examples_nothing_is_shown(artifact: Path) -> None:
    with pytest.raises(ArtifactError, match="no validation example"):
        gate(artifact, TOYS["pictures"].networks, prepared({"image": np.zeros((0, 1, 4, 4), np.uint8)}))
    toy = TOYS["pictures"]
    with pytest.raises(ArtifactError, match="no prepared example"):
        export_toy(dataclasses.replace(toy, valid=Prepared((), {"image": []}, {}, ())), artifact)


def test_the_headline_is_taken_of_both_ways(artifact: Path) -> None:
    seen: list[list[str]] = []

    def share_of_cats(predictions: Columns) -> float:
        seen.append(list(predictions["label"]))
        return seen[-1].count("cat") / len(seen[-1])

    toy = TOYS["pictures"]
    found = gate(artifact, toy.networks, toy.valid, share_of_cats)
    assert len(seen) == 2
    assert len(seen[0]) == len(toy.valid)
    assert set(seen[0]) == {"cat", "dog"}
    assert found["headline"]["trained"] == found["headline"]["artifact"] == share_of_cats({"label": seen[0]})
    assert manifests.read(artifact).gate == json.loads(json.dumps(found))


@pytest.mark.parametrize(
    ("values", "passes"),
    [((0.5, 0.502), False), ((50_000.0, 50_040.0), True), ((math.nan, math.nan), True), ((1.0, math.nan), False)],
)
def test_how_far_the_headline_may_lie_off(artifact: Path, values: tuple[float, float], passes: bool) -> None:
    given = iter(values)
    toy = TOYS["pictures"]
    if passes:
        gate(artifact, toy.networks, toy.valid, lambda _: next(given))
        return
    with pytest.raises(ArtifactError, match="headline metric"):
        gate(artifact, toy.networks, toy.valid, lambda _: next(given))
    assert gone(artifact)


def test_an_interrupt_leaves_no_artifact(artifact: Path) -> None:
    def interrupted(_: Columns) -> float:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gate(artifact, TOYS["pictures"].networks, TOYS["pictures"].valid, interrupted)
    assert gone(artifact)


NUMBERS = np.array([1.0, -1000.0, np.inf, 0.0], dtype=np.float32)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (NUMBERS + np.array([0.0, 2.0, 0.0, 0.0], np.float32), r"-998.0 instead of -1000.0 at \(1,\)"),
        (np.array([1.0, -1000.0, np.inf, np.nan], np.float32), r"nan instead of 0.0 at \(3,\)"),
        (np.array([1.0, -1000.0, -np.inf, 0.0], np.float32), "-inf instead of inf"),
        (NUMBERS[:3], r"the shape \(3,\) instead of \(4,\)"),
    ],
)
def test_what_differs_is_said(answer: Array, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        difference(NUMBERS, answer, "scores", [NUMBERS])


def test_what_is_near_enough_is_measured() -> None:
    assert difference(NUMBERS, NUMBERS + np.float32(5e-5), "scores", []) == pytest.approx(5e-5, rel=0.3)
    with pytest.raises(ArtifactError, match="0 \\+ 0"):
        difference(np.array([1_000_000]), np.array([1_000_001]), "lengths", [])


def test_a_single_step_is_doubled_for_a_second_length() -> None:
    schema = TOYS["speech"].preparation.schema
    comparison = Comparison("model", network(nn.Identity(), schema), lambda _: [], lambda _: [])
    comparison.first = [np.ones((2, 1, 3), np.float32), np.array([1, 1])]
    comparison.sizes = {"time": {1}}
    (arrays,) = comparison.other_sizes()
    assert arrays[0].shape == (2, 2, 3)
    assert arrays[1].tolist() == [2, 2]


def test_places_of_free_sizes_count_the_lengths_between() -> None:
    fields = (Field("a", "sequence", "float32", ("time", 2)), Field("b", "image", "uint8", (1, "height", "width")))
    assert [(one.name, one.place, one.axis, one.has_lengths) for one in free_sizes(fields)] == [
        ("time", 0, 1, True),
        ("height", 2, 2, False),
        ("width", 2, 3, False),
    ]


def test_only_noise_is_drawn_for_a_network() -> None:
    toy = TOYS["noise"]
    drawn = network_inputs(toy.preparation.schema.inputs, toy.valid)["noise"]
    assert np.asarray(drawn).shape == (5, 3)
    assert np.asarray(drawn).dtype == np.float32
    with pytest.raises(ArtifactError, match="'text'"):
        network_inputs((Field("text", "sequence", "int64", ("time",)),), toy.valid)
