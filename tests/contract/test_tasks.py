"""What every task that discovery finds has promised, each promise kept by the task's own quick run.

A promise that does not fit a task is named in `TASK.exempt` with the reason. Nobody lists tasks here.
"""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from quick_run import Contract

from stepwell import api, building, checkpoint, discovery, files, planning, preparation, recipe, training
from stepwell.artifact import predictor
from stepwell.judge.scores import from_json
from stepwell.loop import Plan, Step, Training
from stepwell.run import Run
from stepwell.schema import Columns, Field, Picture

EXEMPTIBLE = {"overfit", "chance", "bad_file", "baseline"}
"""The checks that may not fit a task."""

NEAR_CHANCE = 0.25
"""How far the first loss may lie from the declared one, as a share of it."""

EIGHT, CYCLES, LEARNED = 8, 500, 0.1
"""Examples to be learned by heart, the cycles for it, and the share of the first loss that may be left."""


def unless_exempt(folder: discovery.Folder, check: str) -> None:
    if check in folder.card.exempt:
        pytest.skip(folder.card.exempt[check])


def test_the_card_is_complete(folder: discovery.Folder) -> None:
    card = folder.card
    assert discovery.describe("tasks")[folder.name].strip(), "the first line of its docstring is its line in help"
    assert card.title and card.takes and card.gives and card.truth
    metrics = {name: discovery.find(folder.rooms("metrics"), name) for name in {*card.metrics, *card.validate}}
    assert card.headline in card.metrics
    assert card.validate, "nothing would be seen of a validation"
    for name in (card.headline, *card.validate):
        assert metrics[name].KIND == "number", f"{name} must be one number"
    if card.select is not None:
        assert card.select.quantity in card.validate
        assert card.select.direction == metrics[card.select.quantity].DIRECTION
    if card.worst is not None:
        assert hasattr(discovery.find(folder.rooms("metrics"), card.worst), "per_example")
    assert set(card.exempt) <= EXEMPTIBLE
    assert all(len(reason.split()) > 4 for reason in card.exempt.values()), "say why"


def test_the_folder_is_complete(folder: discovery.Folder) -> None:
    for name, wanted in {
        "prepare": ("fit", "decode", "inputs"),
        "objectives": ("objectives",),
        "baselines": ("rivals",),
        "pictures": ("draw",),
        "sample": ("write", "DIFFICULTY"),
    }.items():
        module = folder.module(name)
        assert module.__doc__
        assert all(hasattr(module, one) for one in wanted), f"{name}.py lacks one of {wanted}"
    assert {"default", "quick"} <= set(folder.recipe_names())
    assert [name for room in folder.rooms("models") for name in discovery.names(room)]
    assert "chance" in folder.card.exempt or hasattr(folder.module("objectives"), "chance")
    for name in folder.recipe_names():
        drafted = recipe.draft(folder.name, (name,))
        assert recipe.from_yaml(recipe.to_yaml(drafted)) == drafted


def test_the_objectives_are_those_of_the_card(contract: Contract) -> None:
    schema = contract.data.preparation.schema
    objectives = building.build_objectives(contract.recipe, contract.folder, schema)
    assert tuple(one.name for one in objectives) == contract.folder.card.objectives
    model = building.build_model(contract.recipe, contract.folder, schema)
    owned = [parameter for one in objectives for parameter in one.parameters(model) if parameter.requires_grad]
    assert {id(one) for one in owned} == {id(one) for one in model.parameters() if one.requires_grad}


def test_the_run_is_whole(contract: Contract) -> None:
    run = contract.run
    assert run.state()["state"] == "finished"
    assert not recipe.unresolved(contract.recipe)
    scores = from_json(run.read_json("scores.json"))
    assert contract.folder.card.headline in scores.scores
    assert scores.n == len(contract.data.parts["test"]) == len(files.read_lines(run.path("predictions") / "test.jsonl"))
    evaluated = api.evaluate(run.folder)
    assert evaluated["scores"] == contract.result.to_json()["scores"]
    last = contract.history("evaluation")[-1]
    assert set(contract.folder.card.validate) == set(last["values"])
    assert last["cycle"] == contract.recipe.options("budget").steps


def test_what_preparing_decided_by_itself_is_said(contract: Contract) -> None:
    said = contract.run.path("log.txt").read_text()
    for path, value in recipe.flat(contract.recipe).items():
        origin = contract.recipe.origins[path]
        if path.startswith("prepare.") and origin.kind == "auto" and value:
            assert path in said
            assert origin.detail in said


def test_the_first_loss_is_that_of_chance(contract: Contract) -> None:
    unless_exempt(contract.folder, "chance")
    wanted = contract.folder.module("objectives").chance(contract.data.preparation.schema)
    first = contract.history("step")[0]["loss"][contract.folder.card.objectives[0]]
    assert first == pytest.approx(wanted, rel=NEAR_CHANCE)


def test_the_model_learns_eight_examples_by_heart(contract: Contract) -> None:
    unless_exempt(contract.folder, "overfit")
    data, frozen = contract.data, recipe.with_values(contract.recipe, {"augmentation": ([], "by heart")})
    few = list(data.parts["train"][:EIGHT])
    prepared = (
        {}
        if data.preparation.views
        else {"train": preparation.prepare(data.preparation, data.examples, few, data.truth)}
    )
    data = replace(data, parts={**data.parts, "train": few}, prepared=prepared)
    model = building.build_model(frozen, contract.folder, data.preparation.schema)
    place = planning.placement(frozen)
    if place.channels_last:
        model = model.to(memory_format=torch.channels_last)
    objectives = building.build_objectives(frozen, contract.folder, data.preparation.schema)
    turns = [
        replace(turn, factor=lambda cycle, total, evaluations: 0.3)
        for turn in building.build_turns(frozen, objectives, model)
    ]
    feed = building.build_feed(frozen, contract.folder, data, place, EIGHT)
    events = Training(model, turns, feed, Plan(CYCLES, 10 * CYCLES), lambda network: {})
    losses: list[float] = []
    for event in events:
        if isinstance(event, Step):
            losses.append(float(event.losses[objectives[0].name]))
            if losses[-1] < LEARNED * losses[0]:
                return
    pytest.fail(f"after {len(losses)} cycles {min(losses):.3g} of {losses[0]:.3g} is left")


@pytest.mark.parametrize("clipped", [False, True])
def test_no_cycle_waits_for_an_accelerator(contract: Contract, clipped: bool) -> None:
    """On the device `meta` tensors have no numbers: whoever reads one fails, where a GPU would be waited for."""
    frozen, folder, data = contract.recipe, contract.folder, contract.data
    model = building.build_model(frozen, folder, data.preparation.schema).to("meta")
    objectives = building.build_objectives(frozen, folder, data.preparation.schema)
    turns = building.build_turns(frozen, objectives, model)
    place = replace(planning.placement(frozen), device=torch.device("meta"))
    feed = building.build_feed(frozen, folder, data, place, EIGHT)
    plan = Plan(5, 10, clip_norm=1.0 if clipped else None, ema=0.9)
    cycles = iter(Training(model, turns, feed, plan, lambda network: {}))
    try:
        assert [next(cycles).cycle for _ in range(4)] == [1, 2, 3, 4]
    except NotImplementedError as error:
        if "no fake impl or Meta kernel registered" in str(error):  # the operator itself, not a number that is read
            pytest.skip("torch has no meta kernel of " + str(error).partition(": ")[0])
        raise


def test_the_quick_recipe_beats_the_simplest_baseline(contract: Contract) -> None:
    unless_exempt(contract.folder, "baseline")
    scores = from_json(contract.run.read_json("scores.json"))
    assert scores.baselines, "a score without a rival beside it says little"
    simplest = next(iter(scores.baselines.values()))
    found = simplest.differences[scores.headline]
    assert found.low > 0 if found.direction == "max" else found.high < 0


@pytest.fixture(scope="session")
def killed(contract: Contract, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A second training by the same recipe, killed in the midst of it."""
    run = contract.untrained(tmp_path_factory.mktemp("killed") / "run")
    often = recipe.with_values(run.recipe(), {"training.checkpoint_every": (0.001, "it will be killed")})
    files.write_whole(run.path("recipe.yaml"), recipe.to_yaml(often))
    command = [sys.executable, Path(__file__).with_name("killed.py"), run.folder, contract.folder.name]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    return run


def test_the_same_seed_gives_the_same_history(contract: Contract, killed: Run) -> None:
    ours, theirs = (run.path("history.jsonl").read_bytes() for run in (contract.run, killed))
    whole = theirs[: theirs.rfind(b"\n") + 1]
    assert whole.count(b"\n") > 2
    assert ours.startswith(whole)


def test_a_killed_run_taken_up_equals_one_never_stopped(contract: Contract, killed: Run) -> None:
    before, _ = checkpoint.load_latest(killed.path("checkpoints"))
    assert before is not None
    assert 0 < before["progress"]["cycle"] < contract.recipe.options("budget").steps
    with killed.lock():
        training.fit(contract.job(killed), contract.data)
    assert killed.path("history.jsonl").read_bytes() == contract.run.path("history.jsonl").read_bytes()
    once, again = (checkpoint.load_latest(run.path("checkpoints"))[0] for run in (contract.run, killed))
    assert flat(once) == flat(again)


def flat(value: Any) -> Any:
    """A state with its tensors as bytes, so that equal means equal bit for bit."""
    if isinstance(value, torch.Tensor):
        return str(value.dtype), tuple(value.shape), value.contiguous().view(-1).view(torch.uint8).numpy().tobytes()
    if isinstance(value, dict):
        return {name: flat(one) for name, one in value.items()}
    return [flat(one) for one in value] if isinstance(value, list | tuple) else value


def test_the_artifact_answers_as_the_model_does(contract: Contract) -> None:
    data, folder = contract.data, contract.folder
    few = data.sample("valid", 32, seed=1)
    loaded = replace(predictor.load(contract.run.folder), confidence=None)  # the network itself, nothing fitted after
    name, network = next(iter(building.networks(folder, contract.model(), data.preparation.schema).items()))
    assert loaded.manifest.predict_with == name
    wanted = building.answering(folder, network, data)(few.columns, few.traces)
    assert_alike(loaded.answers(few.columns, few.traces), wanted)
    one = preparation.take(few.columns, [0])
    assert_alike(loaded.answers(one, few.traces[:1]), preparation.take(wanted, [0]))


def assert_alike(found: Columns, wanted: Columns) -> None:
    """The same answers: numbers within the gate's limits, everything else the same."""
    assert list(found) == list(wanted)
    for name, column in wanted.items():
        assert len(found[name]) == len(column)
        for one, other in zip(found[name], column, strict=True):
            if isinstance(other, str):
                assert one == other
            else:
                np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-4)


def test_predictions_on_the_sample_come_out(contract: Contract) -> None:
    rows = list(api.predict(contract.run.folder, contract.sample))
    assert len(rows) == len(contract.data.examples)
    assert [row for row in rows if "error" in row] == []
    assert len({row["id"] for row in rows}) == len(rows)
    assert all(len(row) > 1 for row in rows)
    assert json.loads(json.dumps(rows[:20])) == rows[:20]


def test_one_bad_file_does_not_end_the_rest(contract: Contract, tmp_path: Path) -> None:
    unless_exempt(contract.folder, "bad_file")
    names = contract.data.examples.facts["path"][:5]
    paths = [contract.sample / name for name in names]
    good = list(api.predict(contract.run.folder, paths))
    bad = tmp_path / paths[2].name
    bad.write_bytes(b"this is not what its name says")
    empty = tmp_path / f"empty{paths[2].suffix}"
    empty.write_bytes(b"")
    rows = list(api.predict(contract.run.folder, [*paths[:2], bad, empty, *paths[3:]]))
    assert [row["id"] for row in rows if "error" in row] == [rows[2]["id"], rows[3]["id"]]
    assert all(row["error"] for row in rows[2:4])
    assert [*rows[:2], *rows[4:]] == [*good[:2], *good[3:]]


def test_the_pictures_draw(contract: Contract) -> None:
    data, draw = contract.data, contract.folder.module("pictures").draw
    indices = list(data.parts["test"][:3])
    prepared = preparation.prepare(data.preparation, data.examples, indices, data.truth)
    answers = predictor.load(contract.run.folder).answers(prepared.columns, prepared.traces)
    raw = data.examples.fetch(indices, None)
    for row in range(len(indices)):
        one, true, said = ({name: column[row] for name, column in of.items()} for of in (raw, prepared.truth, answers))
        for truth, prediction in ((true, said), (true, None), (None, said), (None, None)):
            assert_looks(draw(one, truth, prediction))


def assert_looks(picture: Picture) -> None:
    assert picture.caption
    if picture.mime == "image/png":
        image = Image.open(io.BytesIO(picture.data))
        image.load()
        assert image.format == "PNG" and min(image.size) > 1
    else:
        assert ElementTree.fromstring(picture.data).tag == "{http://www.w3.org/2000/svg}svg"


def test_report_and_card_are_whole(contract: Contract) -> None:
    page = contract.run.path("report.html").read_text(encoding="utf-8")
    assert page.lower().startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert not re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page), "a page that loads something is not whole"
    card = contract.run.path("card.md").read_text(encoding="utf-8")
    scores = from_json(contract.run.read_json("scores.json"))
    for text in (page, card):
        assert contract.folder.card.title in text
        assert all(name in text.replace("\\", "") for name in scores.baselines)
    assert page.count("data:image/") > 1, "examples are to be seen"


def test_what_is_prepared_is_what_the_schema_says(contract: Contract) -> None:
    data = contract.data
    few = data.sample("valid", 4, seed=0)
    for field in (*data.preparation.schema.inputs, *data.preparation.schema.targets):
        for value in few.columns[field.name]:
            assert_fits(np.asarray(value), field)
    if not data.preparation.views:
        return
    batch = next(building.build_feed(contract.recipe, contract.folder, data, building.feed.Placement(), 2).batches(0))
    for field in data.preparation.schema.inputs:
        assert_fits(batch.fields[field.name][0].numpy(), field)


def assert_fits(value: Any, field: Field) -> None:
    assert value.dtype == field.dtype
    assert len(value.shape) == len(field.shape)
    assert all(isinstance(want, str) or has == want for has, want in zip(value.shape, field.shape, strict=True))
