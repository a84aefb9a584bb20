"""The run folder: begun once, never over another, read back with clear errors, listed and removed safely."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stepwell import locks, run
from stepwell.errors import RunError


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _finished(folder, *, task="table", value=0.9):
    made = run.create(Path(folder), "single", task, f"stepwell train {task} data")
    made.write_json(
        "scores.json", {"headline": "accuracy", "scores": {"accuracy": {"value": value, "low": 0.8, "high": 1.0}}}
    )
    made.set_state("finished")
    return made


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("venv/bin/stepwell", "stepwell train 'my data'"),
        (str(Path(run.__file__).with_name("__main__.py")), "stepwell train 'my data'"),
        ("scripts/train.py", "scripts/train.py train 'my data'"),
    ],
)
def test_a_command_is_told_as_it_is_typed(program, said, monkeypatch):
    monkeypatch.setattr("sys.argv", [program, "train", "my data"])
    assert run.command() == said


def test_a_run_begins_and_says_what_it_is():
    made = run.create(Path("runs/table/a"), "single", "table", "stepwell train table data.csv")
    state = made.state()
    assert state["format"] == run.FORMAT
    assert (state["kind"], state["task"], state["state"], state["why"]) == ("single", "table", "created", "")
    assert state["command"] == "stepwell train table data.csv"
    made.set_state("failed", "the loss is not finite")
    assert run.open_run(Path("runs/table/a")).state() | {"changed": ""} == state | {
        "state": "failed",
        "why": "the loss is not finite",
        "changed": "",
    }


def test_starts_in_the_same_second_get_folders_of_their_own():
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: run.new_folder("table"), range(24)))
    assert len(set(folders)) == 24
    assert all(folder.is_dir() and folder.parent == Path("runs/table") for folder in folders)
    run.create(folders[0], "single", "table", "")


def test_a_folder_in_use_is_refused_with_the_way_out():
    folder = Path("mine")
    made = run.create(folder, "single", "table", "")
    with pytest.raises(RunError, match="not finished") as caught:
        run.create(folder, "single", "table", "")
    assert "stepwell resume mine" in caught.value.do
    made.set_state("finished")
    with pytest.raises(RunError, match="a finished run") as caught:
        run.create(folder, "single", "table", "")
    assert "stepwell resume mine --epochs N" in caught.value.do


def test_what_failed_before_its_data_were_read_is_begun_again_in_its_place():
    folder = Path("mine")
    made = run.create(folder, "single", "table", "")
    (folder / "draft.yaml").write_text("format: 1")
    made.set_state("failed", "there is no such file")
    assert run.create(folder, "single", "table", "again").state()["command"] == "again"
    made.set_state("failed", "the disk is full")
    (folder / "split.csv").write_text("unit,id,part,group,why")
    with pytest.raises(RunError, match="not finished"):
        run.create(folder, "single", "table", "")


@pytest.mark.parametrize("name", ["notes.txt", ".git"])
def test_a_folder_that_is_not_empty_is_refused_and_left_alone(name):
    Path("mine").mkdir()
    Path("mine", name).write_text("precious")
    with pytest.raises(RunError, match="not empty"):
        run.create(Path("mine"), "single", "table", "")
    assert [path.name for path in Path("mine").iterdir()] == [name]
    with pytest.raises(RunError, match="cannot be made"):
        run.create(Path("mine", name, "deeper"), "single", "table", "")


def test_what_is_no_run_is_refused_with_the_nearest():
    with pytest.raises(RunError, match="There is no run") as caught:
        run.open_run(Path("runs/table/a"))
    assert "stepwell train" in caught.value.do
    _finished("runs/table/2026-01-01")
    with pytest.raises(RunError, match="is not a run folder") as caught:
        run.open_run(Path("runs/table"))
    assert "runs/table/2026-01-01" in caught.value.do
    with pytest.raises(RunError) as caught:
        run.open_run(Path("runs/tabel/2026-01-01"))
    assert caught.value.do == "did you mean runs/table/2026-01-01?"
    with pytest.raises(RunError) as caught:
        run.open_run(Path("x"))
    assert "the latest run, runs/table/2026-01-01" in caught.value.do


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "1"}', '{"format": 1, "state": "finished"}', '{"format": 1, "kind": 3}']
)
def test_a_damaged_run_is_one_clear_error(content):
    _finished("mine")
    Path("mine/run.json").write_text(content)
    with pytest.raises(RunError, match=r"run\.json"):
        run.open_run(Path("mine"))
    [listed] = run.list_runs(Path("mine"))
    assert listed["state"] == "damaged"
    assert "run.json" in listed["why"]
    with pytest.raises(RunError):
        run.remove(Path("mine"))
    assert Path("mine/run.json").exists()


def test_a_newer_format_is_refused():
    made = _finished("mine")
    made.write_json("run.json", {**made.state(), "format": run.FORMAT + 1})
    with pytest.raises(RunError, match="newer Stepwell") as caught:
        run.open_run(Path("mine"))
    assert "upgrade" in caught.value.do


def test_the_lock_keeps_others_out_and_cleans_up():
    made = run.create(Path("mine"), "single", "table", "")
    Path("mine/checkpoints").mkdir()
    Path("mine/checkpoints/.stepwell-00.tmp").mkdir()
    with made.lock():
        assert not Path("mine/checkpoints/.stepwell-00.tmp").exists()
        with pytest.raises(RunError, match="Another process"), run.open_run(Path("mine")).lock():
            pass
        with pytest.raises(RunError, match="Another process"):
            run.remove(Path("mine"))
    assert made.state()["state"] == "created"


def test_a_run_whose_process_died_is_listed_as_stopped():
    made = run.create(Path("runs/table/a"), "single", "table", "")
    made.set_state("running")
    with made.lock():
        assert run.list_runs()[0]["state"] == "running"
    listed = run.list_runs()[0]
    assert listed["state"] == "stopped"
    assert "without a word" in listed["why"]
    assert made.state()["state"] == "running"


def test_runs_are_listed_newest_first_with_score_and_size():
    first, second = _finished("runs/table/b", value=0.7), _finished("runs/table/a")
    for made, day in ((first, "2026-01-02"), (second, "2026-01-03")):
        made.write_json("run.json", {**made.state(), "created": f"{day}T00:00:00+00:00"})
    (first.path("members") / "00").mkdir(parents=True)
    second.write_json("scores.json", {"headline": "accuracy", "scores": []})
    run.create(first.path("members/00"), "single", "table", "")
    Path("runs/.ledger").mkdir()
    listed = run.list_runs()
    assert [one["run"] for one in listed] == ["runs/table/a", "runs/table/b"]
    assert listed[0]["score"] is None
    assert listed[1]["score"] == {"name": "accuracy", "value": 0.7, "low": 0.8, "high": 1.0}
    assert listed[1]["bytes"] == sum(path.stat().st_size for path in Path("runs/table/b").rglob("*") if path.is_file())
    assert run.latest() == Path("runs/table/a")
    assert run.list_runs(Path("absent")) == []


def test_a_listing_ends_where_links_go_round():
    _finished("runs/table/a")
    Path("runs/round").symlink_to(Path("runs").absolute())
    assert len(run.list_runs()) == 1


def test_remove_takes_the_run_and_nothing_that_it_links_to():
    _finished("runs/table/a")
    Path("outside").mkdir()
    Path("outside/precious").write_text("data")
    Path("runs/table/a/data").symlink_to(Path("outside").absolute())
    run.remove(Path("runs/table/a"))
    assert Path("outside/precious").exists()
    assert list(Path("runs/table").iterdir()) == []


def test_remove_refuses_what_is_no_run(monkeypatch):
    Path("photos").mkdir()
    Path("photos/a.jpg").write_text("precious")
    with pytest.raises(RunError, match="not a run"):
        run.remove(Path("photos"))
    _finished("mine")
    Path("link").symlink_to("mine")
    with pytest.raises(RunError, match="is a link"):
        run.remove(Path("link"))
    monkeypatch.chdir("mine")
    with pytest.raises(RunError, match="inside this run"):
        run.remove(Path("../mine"))
    assert Path("run.json").exists()
    assert Path("../photos/a.jpg").exists()


def test_two_starts_on_one_folder_give_one_run():
    script = (
        "import sys; from pathlib import Path; from stepwell import run; from stepwell.errors import RunError\n"
        "try: run.create(Path('mine'), 'single', 'table', sys.argv[1])\n"
        "except RunError: sys.exit(7)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(run.__file__).parent.parent)}
    started = [subprocess.Popen([sys.executable, "-c", script, str(number)], env=environment) for number in range(2)]
    codes = [one.wait(30) for one in started]
    assert sorted(codes) == [0, 7]
    assert json.loads(Path("mine/run.json").read_text())["command"] == str(codes.index(0))
    assert not locks.held(Path("mine"))
