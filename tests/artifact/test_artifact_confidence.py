"""What is fitted after training lies in the manifest, and every answer of the artifact goes through it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from artifact_toys import TOYS, classify

from stepwell.artifact import export, gate, predictor
from stepwell.errors import ArtifactError
from stepwell.judge.confidence import Confidence

SURE = Confidence(9, temperature=4.0, threshold=0.9, floor=0.2, coverage=0.9, measured={"coverage": 0.9})


@pytest.fixture
def artifact(exported: Callable[[str], Path], tmp_path: Path) -> Path:
    """The toy of pictures with a confidence; `exported` makes its task known."""
    exported("pictures")
    toy, folder = TOYS["pictures"], tmp_path / "artifact"
    export.export(toy.networks, toy.preparation, folder, task=toy.name, samples=toy.valid, confidence=SURE)
    return folder


def test_answers_go_through_what_the_manifest_carries(artifact: Path) -> None:
    toy = TOYS["pictures"]
    heard: list[dict[str, object]] = []

    def headline(predictions: dict[str, object]) -> float:
        heard.append(predictions)
        return float(np.mean([one == "dog" for one in predictions["label"]]))  # type: ignore[attr-defined]

    measured = gate.gate(artifact, toy.networks, toy.valid, headline)
    assert measured["headline"]["trained"] == measured["headline"]["artifact"]
    assert all("set" in one for one in heard), "both sides of the gate are answered alike"
    loaded = predictor.load(artifact)
    assert loaded.manifest.confidence == loaded.confidence == SURE
    answers = loaded.answers(toy.valid.columns, toy.valid.traces)
    plain = dataclasses.replace(loaded, confidence=None).answers(toy.valid.columns, toy.valid.traces)
    odds = [np.log(one["probabilities"]) @ [1, -1] for one in (answers, plain)]
    np.testing.assert_allclose(4.0 * odds[0], odds[1], rtol=1e-6)
    assert answers["label"] == ["dog" if one >= 0.9 else "cat" for one in answers["probabilities"][:, 1]]
    row = loaded.predict(list(toy.valid.columns["image"][:1])).__next__()
    assert row["label"] == answers["label"][0]
    assert row["set"] == answers["set"][0]


def test_a_manifest_without_any_answers_as_before(exported: Callable[[str], Path]) -> None:
    toy = TOYS["pictures"]
    folder = exported("pictures")
    values = json.loads((folder / "manifest.json").read_text())
    del values["confidence"], values["seal"]  # as an older version wrote it
    (folder / "manifest.json").write_text(json.dumps(values))
    loaded = predictor.load(folder)
    assert loaded.confidence is None
    outputs = loaded.infer(loaded.network, toy.valid.columns, 64)
    wanted = classify(outputs, [], loaded.schema)
    np.testing.assert_array_equal(
        loaded.answers(toy.valid.columns, toy.valid.traces)["probabilities"], wanted["probabilities"]
    )


def test_a_temperature_of_nothing_is_damage(artifact: Path) -> None:
    values = json.loads((artifact / "manifest.json").read_text())
    del values["seal"]
    values["confidence"]["temperature"] = -1.0
    (artifact / "manifest.json").write_text(json.dumps(values))
    with pytest.raises(ArtifactError, match="temperature is above 0"):
        predictor.load(artifact)
