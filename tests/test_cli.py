"""The command line: words -> one call of the api -> words. The api is a stand-in here that notes its calls."""

import csv
import errno
import io
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import stepwell
from stepwell import cli, recipe
from stepwell.cli import flags, rows, text
from stepwell.errors import DataError, Interrupted, RunError
from stepwell.recipe import Recipe
from stepwell.schema import Finding

SCORES = {
    "n": 360,
    "headline": "accuracy",
    "scores": {"log_loss": 0.08, "accuracy": 0.982},
    "intervals": {"accuracy": [0.971, 0.99], "log_loss": [0.05, 0.12]},
    "baselines": {"linear": {"accuracy": 0.943, "log_loss": 0.2}, "constant": {"accuracy": 0.104}},
}
TRAINED = {
    "run": "runs/a b",
    "task": "image_classification",
    "seconds": 80.2,
    "findings": [],
    "report": "runs/a b/report.html",
    "artifact": "runs/a b/artifact",
    **SCORES,
}
DIFFERENCE = {"score": {"value": 0.02, "low": 0.01, "high": 0.03}, "test": "mcnemar", "chance": 0.0, "adjusted": 0.0004}
COMPARED = {
    "n": 360,
    "headline": "accuracy",
    "sides": ["A", "B"],
    "scores": {"A": {"accuracy": {"value": 0.98}}, "B": {"accuracy": {"value": 0.96}, "log_loss": {"value": 0.1}}},
    "pairs": [{"first": "A", "second": "B", "differences": {"accuracy": DIFFERENCE}}],
    "metrics": {"log_loss": {}, "accuracy": {}},
    "verdict": "A is better than B.",
    "notes": ["Other seeds would give others."],
}
NOTICE = Finding("imbalance", 1, "One class is rare.", "It is learned last.", "Weigh the classes.")
HARM = Finding("duplicates", 2, "12 pictures are in train and in test.", "The score is too good.", "Remove them.")
STOP = Finding("unreadable", 3, "No picture can be read.", "", "Copy them again.", examples=("a.png", "b\n.png"))


class _Result:
    def to_json(self):
        return dict(TRAINED)


@pytest.fixture
def api(monkeypatch):
    """In place of `stepwell.api` and `stepwell.prediction`: `calls` notes what is called, `answers` what comes back."""
    module = types.ModuleType("stepwell.api")
    module.calls = []
    module.answers = {
        "check": types.SimpleNamespace(findings=(), summary={"examples": 1797}),
        "train": _Result(),
        "resume": _Result(),
        "predict": [{"id": "a", "label": "cat", "probability": 0.9}],
        "evaluate": {"data": "test part", **SCORES},
        "compare": COMPARED,
        "sample": Path("digits"),
        "runs": [],
        "remove": None,
        "env": {
            "stepwell": "1",
            "memory": 2**34,
            "extras": {"train": True},
            "packages": {"numpy": "2"},
            "devices": [{"name": "cpu", "what": "X", "precisions": ["fp32"]}],
        },
    }

    def stand_in(name):
        def call(*args, **kwargs):
            module.calls.append((name, args, kwargs))
            answer = module.answers[name]
            if isinstance(answer, BaseException):
                raise answer
            return answer

        return call

    for name in (*module.answers, "plan"):
        setattr(module, name, stand_in(name))
    for name in ("api", "prediction"):
        monkeypatch.setitem(sys.modules, f"stepwell.{name}", module)
        monkeypatch.setattr(stepwell, name, module, raising=False)
    return module


@pytest.fixture
def run(capsysbinary):
    """Run the command; gives (code, standard output, standard error)."""

    def call(*words):
        code = cli.main([str(word) for word in words])
        said = capsysbinary.readouterr()
        return code, said.out.decode(), said.err.decode()

    return call


def test_help_lists_the_verbs(run):
    for words in ([], ["--help"], ["-h"]):
        code, out, err = run(*words)
        assert (code, err) == (0, "")
        assert all(f"\n    {verb}" in out for verb in cli.VERBS)


@pytest.mark.parametrize("verb", sorted(cli.VERBS))
def test_every_verb_explains_itself(run, verb):
    code, out, _ = run(verb, "--help")
    assert code == 0
    assert f"usage: stepwell {verb}" in out
    assert "--json" in out


def test_version(run):
    assert run("--version")[1] == f"stepwell {stepwell.__version__}\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["trian", "x"], "'train'"),
        (["--verison"], "There is no flag --verison"),
        (["train", "image_clasification", "x"], "'image_classification'"),
        (["train", "image_classification", "x", "--rcipe", "quick"], "'--recipe'"),
        (["train", "image_classification", "x", "--optimiser", "adam"], "'--optimizer'"),
        (["train", "image_classification", "x", "--model"], "needs a value"),
        (["check", "x", "--jsn"], "--json"),
        (["check", "x", "--task", "image"], "There is no task"),
        (["evaluate", "a", "--data", "b"], "Known: --json, --quiet"),
        (["predict"], "RUN, FILES"),
        (["resume", "a", "--epohcs", "3"], "'--epochs'"),
        (["resume", "a", "b"], "no further word 'b'"),
        (["predict", "a", "b", "--out", "c.xls"], ".csv or .jsonl"),
        (["train", "image_classification", "x", "--dry-run", "--from", "y"], "--dry-run"),
    ],
)
def test_wrong_words_give_2_and_the_nearest_right_one(api, run, words, hint):
    code, out, err = run(*words)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert hint in err
    assert "\n  do:    " in err
    _, _, known = err.partition("Known: ")
    assert len(set(known.split(", "))) == len(known.split(", "))
    assert api.calls == []
    code, out, err = run(*words, "--json")
    if words != ["check", "x", "--jsn"]:  # there --json is taken for the value of --jsn, which is wrong as well
        assert json.loads(out)["error"]["kind"] in ("usage", "recipe")
        assert err == ""


def test_train_passes_its_words_on(api, run):
    typed = (
        "train image-classification DATA --model resnet --model.depth 20 --optimizer.learning-rate=0.1 --time 10m "
        "--seed 1 --batch_size 64 --recipe quick --recipe my.yaml --run r --from old --force --augmentation none "
        "--prepare.fill -1 -q"
    )
    code, _, _ = run(*typed.split())
    assert code == 0
    [(name, args, kwargs)] = api.calls
    assert (name, args) == ("train", ("image_classification", "DATA"))
    assert kwargs == {
        "recipes": ["quick", "my.yaml"],
        "settings": {
            "model": "resnet",
            "model.depth": "20",
            "optimizer.learning_rate": "0.1",
            "augmentation": "none",
            "prepare.fill": "-1",
            "time": "10m",
            "seed": "1",
            "batch_size": "64",
        },
        "run": "r",
        "start": "old",
        "folds": None,
        "ensemble": None,
        "imbalance": None,
        "compare": None,
        "force": True,
        "pictures": True,
        "progress": "quiet",
    }


def test_words_before_the_verb_and_in_any_order(api, run):
    assert run("--json", "train", "--model", "cnn", "image_classification", "--epochs", "3", "DATA")[0] == 0
    assert api.calls[0][1] == ("image_classification", "DATA")
    assert api.calls[0][2]["settings"] == {"model": "cnn", "epochs": "3"}
    assert api.calls[0][2]["progress"] == "auto"


def test_the_other_verbs_pass_their_words_on(api, run):
    run("check", "DATA", "--task", "image_classification", "--reader", "idx")
    run("resume", "RUN", "--epochs", "5", "--data", "moved", "-v")
    run("evaluate", "RUN")
    run("evaluate", "RUN", "NEW")
    run("compare", "A", "B", "C", "--report", "page.html")
    run("sample", "image_classification", "digits", "--seed", "3")
    run("runs")
    run("runs", "elsewhere")
    run("runs", "--remove", "RUN")
    run("env")
    assert api.calls == [
        ("check", ("DATA",), {"task": "image_classification", "settings": {"reader": "idx"}, "progress": "auto"}),
        ("resume", ("RUN",), {"settings": {"budget.epochs": "5"}, "data": "moved", "progress": "verbose"}),
        ("evaluate", ("RUN", None), {}),
        ("evaluate", ("RUN", "NEW"), {}),
        ("compare", (["A", "B", "C"],), {"report": "page.html"}),
        ("sample", ("image_classification", "digits"), {"seed": 3}),
        ("runs", ("runs",), {}),
        ("runs", ("elsewhere",), {}),
        ("remove", ("RUN",), {}),
        ("env", (), {}),
    ]


def test_compare_says_the_verdict_first_and_names_the_page(api, run):
    code, out, _ = run("compare", "A", "B", "--report", "page.html")
    assert code == 0
    assert out.startswith("A is better than B.\n")
    assert "0.0100 to 0.0300  < 0.001      mcnemar" in out
    assert out.endswith("report:   page.html\n")
    assert json.loads(run("compare", "A", "B", "--json")[1])["n"] == 360


def test_every_shortcut_is_known_to_the_recipe():
    names = {section.name for section in recipe.sections("image_classification")}
    assert set(flags.SHORTCUTS) <= set(recipe.SHORTCUTS) | names


def test_evaluate_says_what_could_not_be_judged(api, run):
    unreadable = {f"{number}\n.png": "truncated" for number in range(5)}
    api.answers["evaluate"] = {"data": "new data", "unreadable": unreadable, **SCORES}
    code, out, _ = run("evaluate", "RUN", "NEW")
    assert code == 0
    assert "judged on: new data" in out
    assert "360 examples" in out
    assert "5 could not be read" in out
    assert "  2\\n.png: truncated" in out
    assert "and 2 more" in out


def test_many_classes_are_not_all_listed(api, run):
    api.answers["check"] = types.SimpleNamespace(findings=(), summary={"classes": {f"c{i}": i for i in range(1000)}})
    out = run("check", "DATA")[1]
    assert "c11 11, and 988 more" in out
    assert "c12" not in out


def test_a_headline_that_is_undefined_is_said_and_not_passed_over(api, run):
    api.answers["train"] = types.SimpleNamespace(to_json=lambda: {**TRAINED, "headline": "auroc"})
    assert "auroc is undefined on these examples" in run("train", "image_classification", "DATA")[1]


def test_train_says_scores_beside_baselines_and_what_is_next(api, run):
    code, out, _ = run("train", "image_classification", "DATA")
    lines = [line.split() for line in out.splitlines()]
    assert code == 0
    assert ["accuracy", "0.9820", "0.9710", "to", "0.9900", "0.9430", "0.1040"] in lines
    assert ["log_loss", "0.0800", "0.0500", "to", "0.1200", "0.2000", "–"] in lines
    assert out.index("accuracy") < out.index("log_loss"), "the headline comes first"
    assert "done in 1m20s" in out
    assert "runs/a b/report.html" in out
    assert "stepwell predict 'runs/a b' FILES" in out
    code, out, _ = run("train", "image_classification", "DATA", "--json")
    assert json.loads(out) == TRAINED
    assert out.count("\n") == 1


def test_dry_run_prints_the_recipe_with_origins(api, run):
    api.answers["plan"] = Recipe("image_classification", {"seed": 7}, {"seed": recipe.Origin("flag", "--seed")})
    code, out, _ = run("train", "image_classification", "DATA", "--dry-run", "--seed", "7")
    assert code == 0
    assert "seed: 7" in out
    alone = {"folds": None, "ensemble": None, "imbalance": None, "compare": None}
    assert api.calls == [("plan", ("image_classification", "DATA", [], {"seed": "7"}), alone)]
    facts = json.loads(run("train", "image_classification", "DATA", "--dry-run", "--json")[1])
    assert facts["recipe"] == {"seed": 7}
    assert facts["origins"]["seed"]["kind"] == "flag"


@pytest.mark.parametrize(("findings", "code"), [((), 0), ((NOTICE,), 0), ((NOTICE, HARM), 1), ((STOP,), 1)])
def test_check_fails_where_harm_was_found(api, run, findings, code):
    api.answers["check"] = types.SimpleNamespace(findings=findings, summary={"examples": 1797, "classes": ["a", "b"]})
    done, out, _ = run("check", "DATA")
    assert done == code
    assert "1,797" in out
    assert all(one.message in out for one in findings)
    done, out, _ = run("check", "DATA", "--json")
    assert done == code
    assert [one["name"] for one in json.loads(out)["findings"]] == [one.name for one in findings]


def test_three_findings_are_shown_the_gravest_first_and_v_shows_all(api, run):
    api.answers["check"] = types.SimpleNamespace(findings=(NOTICE, NOTICE, HARM, NOTICE, STOP), summary={})
    out = run("check", "DATA")[1]
    assert out.index("unreadable") < out.index("duplicates") < out.index("imbalance")
    assert "and 2 more" in out
    assert STOP.examples[0] not in out
    out = run("check", "DATA", "-v")[1]
    assert out.count("imbalance") == 3
    assert "b\\n.png" in out


PREDICTIONS = [
    {"id": "broken.png", "error": "truncated"},
    {"id": "=cmd()", "label": "@sum", "probabilities": [0.5, 0.5]},
    {"id": 'new\nline "quoted"', "label": "-dash", "probabilities": [-1e-9, 1]},
]


def test_predictions_as_csv_are_safe_in_a_spreadsheet(api, run):
    api.answers["predict"] = iter(PREDICTIONS)
    code, out, err = run("predict", "RUN", "a", "b")
    assert api.calls == [("predict", ("RUN", ["a", "b"]), {})]
    assert code == 0
    assert list(csv.reader(io.StringIO(out))) == [
        ["id", "label", "probabilities", "error"],
        ["broken.png", "", "", "truncated"],
        ["'=cmd()", "'@sum", "[0.5, 0.5]", ""],
        ['new\\nline "quoted"', "'-dash", "[-1e-09, 1]", ""],
    ]
    assert len(out.splitlines()) == 4
    assert "1 of 3 could not be read" in err


def test_predictions_as_lines_and_as_one_object(api, run, tmp_path):
    api.answers["predict"] = iter(PREDICTIONS)
    out = run("predict", "RUN", "a", "--format", "jsonl")[1]
    assert [json.loads(line) for line in out.splitlines()] == PREDICTIONS
    api.answers["predict"] = iter(PREDICTIONS)
    code, out, err = run("predict", "RUN", "a", "--json")
    assert (code, json.loads(out), err) == (0, {"predictions": PREDICTIONS}, "")
    api.answers["predict"] = iter(PREDICTIONS)
    path = tmp_path / "out.jsonl"
    code, out, err = run("predict", "RUN", "a", "--out", path, "--json", "--quiet")
    assert (code, err) == (0, "")
    assert json.loads(out) == {"out": str(path), "predictions": 3, "errors": 1}
    assert [json.loads(line) for line in path.read_text().splitlines()] == PREDICTIONS


def test_a_prediction_that_breaks_off_leaves_the_old_file(api, run, tmp_path):
    def breaks():
        yield PREDICTIONS[1]
        raise RunError("gone")

    path = tmp_path / "out.csv"
    path.write_text("old")
    api.answers["predict"] = breaks()
    assert run("predict", "RUN", "a", "--out", path)[0] == 1
    assert path.read_text() == "old"
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize(("answers", "code"), [(PREDICTIONS[:1], 1), ([], 1), (PREDICTIONS[1:], 0)])
@pytest.mark.parametrize("form", [["--json"], ["--format", "csv"]])
def test_predict_fails_only_where_nothing_could_be_read(api, run, answers, code, form):
    api.answers["predict"] = iter(answers)
    assert run("predict", "RUN", "a", *form)[0] == code


def test_numbers_in_csv_are_numbers():
    import numpy as np

    file = io.BytesIO()
    rows.write([{"id": "a", "x": np.float32(-0.5), "y": True, "z": None, "w": float("nan")}], file, "csv")
    assert file.getvalue().splitlines()[1] == b"a,-0.5,true,,null,"


def test_runs_and_env_are_tables(api, run):
    score = {"name": "auc", "value": 0.9, "low": 0, "high": 1}
    begun = {"bytes": 1_400_000, "created": "2026-01-02T03:04:05.000+00:00"}
    api.answers["runs"] = [
        {"run": "runs/a", "task": "table", "state": "finished", "score": score, **begun},
        {"run": "runs/b", "task": "", "state": "damaged", "score": None, "bytes": 7, "created": ""},
    ]
    lines = run("runs")[1].splitlines()
    assert lines[1].split() == ["runs/a", "table", "finished", "auc", "0.9000", "1.4", "MB", "2026-01-02", "03:04"]
    assert lines[2].split() == ["runs/b", "damaged", "7", "B"]
    api.answers["runs"] = []
    assert run("runs", "x")[1] == "no runs under x\n"
    assert json.loads(run("runs", "--json")[1]) == {"runs": []}
    out = run("env")[1]
    assert "17 GB" in out
    assert "X (fp32)" in out


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            DataError("Two classes differ in case only.", where="cat, Cat", do="rename one"),
            1,
            ["error: Two classes differ in case only.", "  where: cat, Cat", "  do:    rename one"],
        ),
        (
            Interrupted("Stopped at cycle 30.", where="r", do="stepwell resume r"),
            1,
            ["stopped: Stopped at cycle 30.", "  where: r", "  do:    stepwell resume r"],
        ),
        (KeyboardInterrupt(), 1, ["stopped: Stopped."]),
        (
            OSError(errno.ENOSPC, "No space left on device", "x"),
            1,
            ["error: The system refuses: No space left on device."],
        ),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, ["error: The system refuses: Broken pipe."]),
        (MemoryError(), 1, ["error: There is not enough memory."]),
    ],
)
def test_failures_are_a_few_lines_without_traceback(api, run, error, code, lines):
    api.answers["train"] = error
    done, out, err = run("train", "image_classification", "DATA")
    assert (done, out) == (code, "")
    assert err.splitlines()[: len(lines)] == lines
    assert "Traceback" not in err
    done, out, _ = run("train", "image_classification", "DATA", "--json")
    assert done == code
    assert set(json.loads(out)["error"]) == {"kind", "message", "where", "do"}


def test_v_adds_the_traceback(api, run):
    api.answers["evaluate"] = DataError("broken")
    assert "Traceback" in run("evaluate", "RUN", "-v")[2]
    assert "Traceback" not in run("evaluate", "RUN")[2]


def test_a_fault_of_our_own_is_not_hidden_and_json_stays_one_object(api, capsys):
    api.answers["evaluate"] = ZeroDivisionError("a fault")
    with pytest.raises(ZeroDivisionError):
        cli.main(["evaluate", "RUN", "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["kind"], error["message"]) == ("fault", "a fault")


def test_messages_cannot_steer_the_terminal(api, run):
    api.answers["evaluate"] = DataError("class \x1b[2J is empty")
    assert "\x1b" not in run("evaluate", "RUN")[2]


def test_color_only_for_a_person_who_wants_it(api, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    api.answers["evaluate"] = DataError("broken")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for wanted, start in [(True, "\x1b[1;31merror:\x1b[0m broken"), (False, "error: broken")]:
        if not wanted:
            monkeypatch.setenv("NO_COLOR", "1")
        stream = Terminal()
        monkeypatch.setattr(sys, "stderr", stream)
        cli.main(["evaluate", "RUN"])
        assert stream.getvalue().startswith(start)


def test_task_help_lists_sections_components_and_options(run):
    code, out, _ = run("train", "image_classification", "--help")
    assert code == 0
    for section in recipe.sections("image_classification"):
        assert f"\n{section.name}:" in out
    assert "--training.batch_size: whole number >= 1 or auto (default auto)" in out
    assert "--budget.time" in out


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (23_400_000_000, "23 GB"), (10**16, "10000 TB")],
)
def test_sizes(count, expected):
    assert text.size(count) == expected


def test_public_names_are_lazy():
    script = (
        "import stepwell, sys\n"
        "assert dir(stepwell) and stepwell.__version__\n"
        "heavy = {'numpy', 'yaml', 'msgspec', 'torch', 'stepwell.api'} & set(sys.modules); assert not heavy, heavy\n"
        "from stepwell.cli import main\n"
        "for words in (['--help'], ['train', '--help'], ['predict', '--help'], ['trian']): main(words)\n"
        "heavy = {'numpy', 'yaml', 'msgspec', 'rich', 'stepwell.api'} & set(sys.modules); assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="trian"):
        stepwell.trian  # noqa: B018


def test_the_module_runs_and_a_closed_pipe_is_quiet():
    command = f"{sys.executable} -m stepwell --help"
    done = subprocess.run([*command.split()], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Stepwell")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*command.split()], check=False, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_dry_run_hears_what_is_asked_of_several_trainings():
    words = [sys.executable, "-m", "stepwell", "train", "image_classification", "nowhere", "--dry-run"]
    weighted = subprocess.run([*words, "--imbalance", "class_weights"], capture_output=True, text=True, check=False)
    assert "name: class_weights" in weighted.stdout
    both = subprocess.run([*words, "--folds", "3", "--ensemble", "2"], capture_output=True, text=True, check=False)
    assert both.returncode == 2
    assert "not of folds and ensemble" in both.stderr
