"""An artifact on other labeled data: what it was trained on is known again, slices that stand apart are said."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import stepwell
from stepwell import splitting
from stepwell.artifact import seen
from stepwell.cli import text
from stepwell.errors import RunError, UsageError

ROWS = 400


def write(path: Path, seed: int, *, spoiled: bool = False) -> Path:
    """A table of two classes; where it is spoiled, one region has answers by chance."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(ROWS, 2))
    label = x[:, 0] + 0.3 * draw.normal(size=ROWS) > 0.5
    region = np.arange(ROWS) % 4
    if spoiled:
        label = np.where(region == 3, draw.random(ROWS) < 0.5, label)
    rows = [
        f"{a:.4f},{b:.4f},{'NESW'[r]},{'yes' if y else 'no'}" for (a, b), r, y in zip(x, region, label, strict=True)
    ]
    path.write_text("\n".join(["a,b,region,label", *rows]) + "\n")
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A run on a table, and the table."""
    folder = tmp_path_factory.mktemp("evaluated")
    data = write(folder / "rows.csv", 0)
    stepwell.train(
        "table", data, recipes=("quick",), steps=40, run=folder / "run", settings={"positive": "no"}, progress="quiet"
    )
    return folder / "run", data


def test_examples_that_were_trained_on_are_known_again(run: tuple[Path, Path]) -> None:
    folder, data = run
    found = stepwell.evaluate(folder, data)
    parts = [row.part for row in splitting.read_split(folder / "split.csv")]
    assert found["leak"]["leaked"] == sum(part in ("train", "valid") for part in parts)
    kept = found["leak"]["without"]
    assert kept["n"] == parts.count("test")
    assert kept["value"] == pytest.approx(stepwell.evaluate(folder)["scores"][found["headline"]], abs=1e-6)
    told = text.evaluated(found)
    assert "examples were trained on" in told and "without them" in told
    assert found["positive"] == "no"


def test_new_data_are_sliced_and_hold_nothing_known(run: tuple[Path, Path], tmp_path: Path) -> None:
    found: dict[str, Any] = stepwell.evaluate(run[0], write(tmp_path / "new.csv", 1, spoiled=True))
    assert "leak" not in found
    first = found["slices"]["found"][0]
    assert (first["column"], first["value"]) == ("region", "W") and first["chance"] < 0.05
    assert "region: W" in text.evaluated(found)


def test_an_artifact_alone_is_judged_and_has_no_test_part(run: tuple[Path, Path], tmp_path: Path) -> None:
    alone = shutil.copytree(run[0] / "artifact", tmp_path / "alone")
    found = stepwell.evaluate(alone, run[1])
    assert found["n"] == ROWS and found["leak"]["leaked"] > ROWS / 2 and found["looks"] == 0
    with pytest.raises(UsageError, match="no test part"):
        stepwell.evaluate(alone)
    assert stepwell.evaluate(run[0] / "artifact")["data"] == "test part"


def test_contents_are_known_by_eight_bytes_each_and_unknown_ones_never() -> None:
    digests = [f"{number:064x}"[::-1] for number in range(1, 1000)]
    content = seen.encoded([*digests[:500], None, digests[0]])
    assert len(content) == 8 * 500
    assert seen.among(content, [*digests, None]).tolist() == [True] * 500 + [False] * 500
    assert not seen.among(b"", [None, "0" * 16]).any()


def test_weights_are_not_taken_over_where_the_classes_have_another_order(
    run: tuple[Path, Path], tmp_path: Path
) -> None:
    with pytest.raises(RunError, match="positive class 'no'"):
        stepwell.train(
            "table", run[1], start=run[0], settings={"positive": "yes"}, run=tmp_path / "other", progress="quiet"
        )
