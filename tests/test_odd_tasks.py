"""What each odd task asks of the spine, looked at one by one, with little or no training."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

from stepwell import (  # noqa: E402
    api,
    building,
    checkpoint,
    discovery,
    files,
    preparation,
    randomness,
    reading,
    recipe,
    splitting,
)
from stepwell.errors import ArtifactError, DataError  # noqa: E402
from stepwell.feed import Placement, tensors  # noqa: E402
from stepwell.inspection import inspect  # noqa: E402
from stepwell.loop import Plan, Step, Training, chosen_weights  # noqa: E402
from stepwell.schema import PARTS, Batch, Columns, Examples, Field, Loss, Objective, Schema  # noqa: E402


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("samples")


def listed(task: str, samples: Path) -> Examples:
    place = samples / task
    return reading.read(discovery.task(task), place if place.exists() else api.sample(task, place))


def split(task: str, examples: Examples) -> dict[str, list[int]]:
    frozen = recipe.draft(task, ("quick",))
    digests = inspect(examples, discovery.task(task)).digests
    truth = discovery.task(task).card.truth
    rows = splitting.make_split(frozen.options("split"), frozen.module("split"), examples, digests, 0, truth=truth)
    return {part: list(indices) for part, indices in splitting.indices_by_part(rows).items()}


def data_of(task: str, samples: Path, **options: Any) -> tuple[recipe.Recipe, building.Data]:
    settings = {"training.batch_size": 8, "training.workers": 0, "training.threads": 1, **options}
    frozen = recipe.draft(task, ("quick",), settings, "argument")
    folder, examples = discovery.task(task), listed(task, samples)
    parts = split(task, examples)
    fitted = folder.module("prepare").fit(frozen.options("prepare"), examples, parts["train"])
    return frozen, building.load_parts(folder, examples, parts, fitted, in_memory=True)


# ------------------------------------------------------------------------------------ windows of a series


def hours(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp() / 3600


def test_a_window_belongs_where_its_target_lies_and_a_straddling_one_nowhere(samples: Path) -> None:
    examples = listed("toy_forecast", samples)
    parts = split("toy_forecast", examples)
    first, last = ([hours(time) for time in examples.facts[name]] for name in ("time", "until"))
    ends = [max(last[i] for i in parts[part]) for part in PARTS]
    begins = [min(first[i] for i in parts[part]) for part in PARTS]
    assert ends[0] < begins[1] and ends[1] < begins[2]
    homeless = set(range(len(examples))) - {i for part in PARTS for i in parts[part]}
    assert homeless, "stations begin at other hours, so that some window straddles each border"
    for i in homeless:
        assert any(first[i] < border <= last[i] for border in begins[1:])
    looks_back = [i for i in parts["test"] if first[i] - 24 <= ends[1]]
    assert looks_back, "what is looked back at may lie in an earlier part"


def test_an_example_that_ends_before_it_begins_is_refused() -> None:
    chronological = discovery.load("splits", "chronological")
    names = tuple("abcdef")
    facts: dict[str, tuple[Any, ...]] = {"time": (1, 2, 3, 4, 5, 6), "until": (1, 2, 3, 4, 4, 6)}
    examples = Examples(names, names, facts, lambda indices, views: {}, "numbers", "none")
    with pytest.raises(DataError, match="ends \\(4\\) before it begins \\(5\\)"):
        chronological.assign(chronological.Options(), examples, names, 0)


def test_a_scaled_forecast_comes_back_in_its_own_units(samples: Path) -> None:
    _, data = data_of("toy_forecast", samples)
    valid = data.prepared["valid"]
    decode = discovery.task("toy_forecast").module("prepare").decode
    answers = decode({"forecast": valid.columns["target"]}, valid.traces, data.preparation.schema)
    np.testing.assert_allclose(answers["target"], valid.truth["target"], atol=1e-4)


# ------------------------------------------------------------------------------- boxes and the trace of a picture


def test_a_letterboxed_box_comes_back_to_the_pixel_in_pictures_of_any_size(samples: Path) -> None:
    _, data = data_of("toy_boxes", samples)
    valid = data.prepared["valid"]
    sizes = {tuple(trace["resize"]["size"]) for trace in valid.traces}
    assert len(sizes) > 10
    placed = np.asarray(valid.columns["box"])
    assert (placed >= 0).all() and (placed <= 1).all()
    decode = discovery.task("toy_boxes").module("prepare").decode
    answers = decode({"answer": placed}, valid.traces, data.preparation.schema)
    np.testing.assert_allclose(answers["box"], valid.truth["box"], atol=1e-3)


# ------------------------------------------------------------------------------------------- patches of a volume


def test_an_epoch_shows_each_scan_in_several_patches_and_the_next_in_others(samples: Path) -> None:
    frozen, data = data_of("toy_volume", samples, **{"prepare.patches": 3, "prepare.patch": 6})
    assert set(data.prepared) == {"valid", "test"}, "what is seen through views is not prepared whole"
    feed = building.build_feed(frozen, discovery.task("toy_volume"), data, Placement(), 6)
    scans = len(data.parts["train"])
    assert feed.per_epoch == 3 * scans // 6
    assert data.shown == 3 * scans
    batches = feed.batches(0)
    epochs = [[next(batches) for _ in range(feed.per_epoch)] for _ in range(2)]
    patches = [patch.numpy().tobytes() for epoch in epochs for batch in epoch for patch in batch.fields["image"]]
    assert len(patches) == 2 * 3 * scans
    assert len(set(patches)) > 0.9 * len(patches), "a small scan has few places, so that two may be one by chance"
    for batch in epochs[0]:
        assert batch.fields["image"].shape == (6, 1, 6, 6, 6)
        assert batch.fields["mask"].shape == (6, 6, 6, 6)
    first, again = ({key for batch in epoch for key in batch.keys.tolist()} for epoch in epochs)
    assert first == again and len(first) == 3 * scans, "each patch draws with a key of its own"
    later = next(feed.batches(feed.per_epoch + 1))
    assert torch.equal(later.fields["image"], epochs[1][1].fields["image"])


def test_the_first_view_of_a_scan_is_that_of_a_feed_with_one_view(samples: Path) -> None:
    views = []
    for count in (1, 2):
        frozen, data = data_of("toy_volume", samples, **{"prepare.patches": count})
        feed = building.build_feed(frozen, discovery.task("toy_volume"), data, Placement(), 2)
        batches = feed.batches(0)
        shown = [next(batches) for _ in range(feed.per_epoch)]
        pairs = [pair for batch in shown for pair in zip(batch.keys.tolist(), batch.fields["image"], strict=True)]
        views.append({key: patch.numpy().tobytes() for key, patch in pairs})
    assert views[0].items() <= views[1].items()


def test_answers_are_as_large_as_each_scan(samples: Path) -> None:
    frozen, data = data_of("toy_volume", samples)
    folder = discovery.task("toy_volume")
    model = building.build_model(frozen, folder, data.preparation.schema)
    network = next(iter(building.networks(folder, model, data.preparation.schema).values()))
    predictions, truth = building.answer_part(data, "valid", building.answering(folder, network, data))
    assert [mask.shape for mask in predictions["mask"]] == [mask.shape for mask in truth["mask"]]


def test_the_size_of_an_example_is_measured_where_sizes_differ(samples: Path) -> None:
    _, data = data_of("toy_volume", samples)
    found = building.bytes_per_example(data.preparation, data.examples, range(len(data.examples)))
    sizes = [int(np.prod(size)) * (4 + 8) for size in data.examples.facts["size"]]
    assert min(sizes) < found < max(sizes)
    _, data = data_of("toy_boxes", samples)
    assert building.bytes_per_example(data.preparation, data.examples, [0]) == 32 * 32 + 4 * 4


# --------------------------------------------------------------------------------------- two networks, two turns


def test_five_updates_and_one_make_a_cycle_and_what_counts_is_averaged(samples: Path) -> None:
    frozen, data = data_of("toy_gan", samples)
    folder = discovery.task("toy_gan")
    model = building.build_model(frozen, folder, data.preparation.schema)
    objectives = building.build_objectives(frozen, folder, data.preparation.schema)
    turns = building.build_turns(frozen, objectives, model)
    assert [turn.optimizer.param_groups[0]["lr"] for turn in turns] == [0.002, 0.001]
    feed = building.build_feed(frozen, folder, data, Placement(), 32)
    training = Training(model, turns, feed, Plan(4, 4, ema=0.9), building.evaluator(folder, data))
    steps = [event for event in training if isinstance(event, Step)]
    assert [set(step.losses) for step in steps] == [{"critic", "generator"}] * 4
    state = training.state()
    assert state["progress"]["position"] == 4 * 6
    assert state["best"] is None
    averaged = chosen_weights(state)
    assert set(averaged) == set(model.state_dict())
    assert any(not torch.equal(averaged[name], one) for name, one in model.state_dict().items())
    networks = building.networks(folder, training.network, data.preparation.schema)
    assert [field.name for field in networks["generator"].inputs] == ["noise"]


@pytest.mark.parametrize("factor", [0.25, 2.0])
@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("name", discovery.names("optimizers"))
def test_what_an_objective_says_learns_at_another_rate_does(name: str, decay: float, factor: float) -> None:
    settings = recipe.draft("toy_gan", (), {"optimizer.name": name}).values["optimizer"]
    (wanted,) = {"weight_decay", "l2"} & set(settings)
    drafted = recipe.draft("toy_gan", (), {"optimizer.name": name, f"optimizer.{wanted}": decay})
    network = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
    slow = dict.fromkeys(network[0].parameters(), factor)
    objective = Objective("model", lambda model: model.parameters(), lambda *_: Loss({}), rates=lambda _: slow)
    (turn,) = building.build_turns(drafted, (objective,), network)
    base = drafted.options("optimizer", "model").learning_rate
    groups = turn.optimizer.param_groups
    rates = {one: group["lr"] for group in groups for one in group["params"]}
    assert rates == {one: base * slow.get(one, 1.0) for one in network.parameters()}
    assert {group["weight_decay"] for group in groups} == {0.0, decay}
    assert len(groups) == (4 if decay else 2)
    assert groups[0]["lr"] == base  # what the history tells


# ------------------------------------------------------------------------------------------ sequences and letters


def test_what_is_padded_changes_no_answer_and_no_loss(samples: Path) -> None:
    frozen, data = data_of("toy_transcription", samples)
    folder, schema = discovery.task("toy_transcription"), data.preparation.schema
    model = building.build_model(frozen, folder, schema).eval()
    few = preparation.take(data.prepared["train"].columns, range(6))
    (objective,) = building.build_objectives(frozen, folder, schema)

    def batch(rows: list[int]) -> Batch:
        return Batch(*tensors(preparation.take(few, rows), schema), randomness.keys([str(row) for row in rows]))

    def term(rows: list[int]) -> Any:
        return objective.loss(model, batch(rows)).terms["ctc"]

    together, alone = term(list(range(6))), [term([row]) for row in range(6)]
    assert together.count == sum(one.count for one in alone) == sum(len(letters) for letters in few["letters"])
    assert together.sum.item() == pytest.approx(sum(one.sum.item() for one in alone), rel=1e-4)
    assert objective.counts is not None
    assert objective.counts(batch(list(range(6)))) == {"ctc": together.count}


def test_greedy_decoding_takes_out_repeats_and_blanks() -> None:
    module = discovery.task("toy_transcription").module("prepare")
    scores = Field("scores", "logits", "float32", ("frames", 3), classes=("a", "b"))
    schema = Schema((), (), (scores,))
    path = [0, 1, 1, 0, 1, 2, 2, 0]
    columns: Columns = {"scores": [np.eye(3)[path], np.eye(3)[:0]]}
    assert module.decode(columns, [{}, {}], schema) == {"text": ["aab", ""]}


# ---------------------------------------------------------------------------------------- what the spine keeps


def test_a_preparation_finds_the_transforms_of_its_task(samples: Path) -> None:
    _, data = data_of("toy_boxes", samples)
    plain = json.loads(files.json_text(preparation.to_json(data.preparation)))
    assert preparation.from_json(plain, discovery.task("toy_boxes").rooms("transforms")) == data.preparation
    with pytest.raises(ArtifactError, match="place_box"):
        preparation.from_json(plain)


def test_moments_come_back_in_the_layout_of_their_weights(samples: Path, tmp_path: Path) -> None:
    """Fused optimizers walk weights and moments in the order of memory, which a file does not keep."""
    frozen, data = data_of("toy_boxes", samples)
    folder, place = discovery.task("toy_boxes"), Placement(channels_last=True)

    def training(cycles: int, state: Any = None) -> Training:
        model = building.build_model(frozen, folder, data.preparation.schema).to(memory_format=torch.channels_last)
        objectives = building.build_objectives(frozen, folder, data.preparation.schema)
        turns = [
            replace(turn, factor=lambda cycle, total, evaluations: 1.0)
            for turn in building.build_turns(frozen, objectives, model)
        ]
        feed = building.build_feed(frozen, folder, data, place, 8)
        made = Training(model, turns, feed, Plan(cycles, 100), lambda network: {}, state=state)
        for _ in made:
            pass
        return made

    checkpoint.save(tmp_path, training(3).state(), 3)
    state, _ = checkpoint.load_latest(tmp_path)
    again, once = training(6, state).model.state_dict(), training(6).model.state_dict()
    assert all(torch.equal(again[name], one) for name, one in once.items())
