"""The light install: what checks, predicts and evaluates works where nothing of the extra `[train]` can be imported.

Each try runs in a process of its own that refuses those packages and says, at the end, which were asked for.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

import stepwell

HEAVY = ("onnx", "onnxscript", "scipy", "sklearn", "torch")

REFUSE = f"""
import json, sys
class Refuse:
    asked = set()
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {HEAVY!r}:
            self.asked.add(name.partition(".")[0])
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Refuse())
def leave(code=0):
    sys.stdout.flush()
    sys.stderr.write("\\nasked for: " + json.dumps(sorted(Refuse.asked)))
    sys.exit(code)
"""


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str
    asked: list[str]
    seconds: float


def light(body: str, *words: str, cwd: Path | None = None) -> Said:
    """Run `body` where the heavy packages cannot be imported; `words` are its arguments."""
    start = time.perf_counter()
    command = [sys.executable, "-c", REFUSE + body, *words]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=60)
    err, _, asked = done.stderr.rpartition("\nasked for: ")
    assert asked, f"it ended before its time: {done.stderr}"
    return Said(done.returncode, done.stdout, err, json.loads(asked), time.perf_counter() - start)


def command(*words: str, cwd: Path | None = None) -> Said:
    return light("from stepwell.cli import main\nleave(main())", *words, cwd=cwd)


def draw(root: Path, each: int) -> Path:
    """Two folders of gray pictures of 8x8 pixels, `each` a class, all different."""
    for label, start in (("dark", 0), ("light", 150)):
        (root / label).mkdir(parents=True)
        for i in range(each):
            Image.new("L", (8, 8), start + i).save(root / label / f"{i}.png")
    return root


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    return draw(tmp_path / "pictures", 6)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that this process, which has everything, trained for the others to use."""
    place = tmp_path_factory.mktemp("trained")
    settings = {"budget.steps": 20, "training.batch_size": 16}
    data = draw(place / "pictures", 40)
    made = stepwell.train(
        "image_classification", data, recipes=["quick"], settings=settings, run=place / "run", progress="quiet"
    )
    return Path(made.folder)


def test_importing_stepwell_imports_next_to_nothing() -> None:
    said = light("import stepwell\nprint(len(sys.modules), 'numpy' in sys.modules)\nleave()")
    assert said.asked == []
    count, numpy = said.out.split()
    assert numpy == "False"
    assert int(count) < 200


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], *([verb, "--help"] for verb in ("check", "train", "predict", "evaluate", "env"))],
)
def test_help_needs_nothing(words: list[str]) -> None:
    said = command(*words)
    assert said.code == 0
    assert "stepwell" in said.out.lower()
    assert said.asked == []


@pytest.mark.parametrize(
    "words", [["trian", "x"], ["train", "image_clasification", "x"], ["predict"], ["check", "--jsn"]]
)
def test_wrong_words_are_answered_without_torch(words: list[str], tmp_path: Path) -> None:
    said = command(*words, cwd=tmp_path)
    assert said.code == 2
    assert said.err.startswith("error: ")
    assert said.asked == []


def test_a_missing_path_is_said_without_torch(tmp_path: Path) -> None:
    said = command("train", "image_classification", "absent", cwd=tmp_path)
    assert said.code == 1
    assert "There is nothing at absent" in said.err
    assert said.asked == []


def test_check_works(pictures: Path) -> None:
    said = command("check", str(pictures), "--json")
    assert said.code in (0, 1), said.err
    assert isinstance(json.loads(said.out)["findings"], list)
    assert said.asked == []


def test_check_names_a_damaged_picture(pictures: Path) -> None:
    (pictures / "dark" / "broken.png").write_bytes(b"no picture")
    said = command("check", str(pictures), "--json")
    findings = json.loads(said.out)["findings"]
    assert [one["examples"] for one in findings if one["name"] == "unreadable"] == [["dark/broken.png"]]
    assert said.code == int(any(one["severity"] >= 2 for one in findings))
    assert said.asked == []


def test_check_reads_a_zip(pictures: Path, tmp_path: Path) -> None:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for path in sorted(pictures.rglob("*.png")):
            archive.write(path, path.relative_to(pictures))
    (tmp_path / "pictures.zip").write_bytes(whole.getvalue())
    said = command("check", str(tmp_path / "pictures.zip"), "--json")
    assert said.code in (0, 1), said.err
    assert said.asked == []


def test_env_says_what_is_missing() -> None:
    said = command("env", "--json")
    assert said.code == 0, said.err
    assert json.loads(said.out)


def test_runs_of_an_empty_place(tmp_path: Path) -> None:
    said = command("runs", "--json", cwd=tmp_path)
    assert (said.code, json.loads(said.out), said.asked) == (0, {"runs": []}, [])


def test_train_names_the_missing_extra(pictures: Path, tmp_path: Path) -> None:
    said = command("train", "image_classification", str(pictures), "--json", cwd=tmp_path)
    assert said.code == 1
    error = json.loads(said.out)["error"]
    assert error["kind"] == "missing_extra"
    assert 'pip install "stepwell[train]"' in error["do"]
    assert "Traceback" not in said.err


def test_predict_works(trained: Path, pictures: Path) -> None:
    said = command("predict", str(trained), str(pictures), "--json")
    assert said.code == 0, said.err
    answers = json.loads(said.out)["predictions"]
    assert len(answers) == 12
    assert {one["label"] for one in answers} <= {"dark", "light"}
    assert said.asked == []


def test_an_answer_waits_for_no_import_that_it_does_not_need(trained: Path, pictures: Path) -> None:
    """Most of the time of one answer goes into imports (`benchmarks/predict.py`)."""
    spared = {"yaml", "rich", "jinja2", "stepwell.api", "stepwell.judge.scoring", "PIL.TiffImagePlugin"}
    body = f"from stepwell.cli import main\nmain()\nprint(sorted({spared} & set(sys.modules)))\nleave()"
    said = light(body, "predict", str(trained), str(pictures / "light" / "3.png"))
    assert "light/3.png" in said.out and said.out.splitlines()[-1] == "[]", said.err


def test_one_damaged_picture_does_not_stop_the_rest(trained: Path, pictures: Path) -> None:
    (pictures / "dark" / "0.png").write_bytes(b"no picture")
    said = command("predict", str(trained), str(pictures), "--json")
    answers = json.loads(said.out)["predictions"]
    assert (said.code, len(answers), sum("error" in one for one in answers)) == (0, 12, 1)


def test_load_works(trained: Path, pictures: Path) -> None:
    body = "import stepwell\nprint(stepwell.load(sys.argv[1])([sys.argv[2]])[0]['label'])\nleave()"
    said = light(body, str(trained / "artifact"), str(pictures / "light" / "3.png"))
    assert said.out.strip() in {"dark", "light"}, said.err
    assert said.asked == []


def test_evaluate_works(trained: Path, pictures: Path) -> None:
    for words in ([], [str(pictures)]):
        said = command("evaluate", str(trained), *words, "--json")
        assert said.code == 0, said.err
        facts = json.loads(said.out)
        low, high = facts["intervals"]["accuracy"]
        assert low <= facts["scores"]["accuracy"] <= high
        assert said.asked == []


def test_runs_lists_what_was_trained(trained: Path) -> None:
    said = command("runs", str(trained.parent), "--json")
    assert len(json.loads(said.out)["runs"]) == 1, said.err
    assert said.asked == []
