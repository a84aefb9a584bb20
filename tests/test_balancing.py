"""How a method of the shelf reaches training: rows and weights in the feed, offsets in the loss, made rows besides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from stepwell import balancing, discovery, recipe
from stepwell.building import Data
from stepwell.errors import RecipeError
from stepwell.feed import MemoryFeed, Showing
from stepwell.preparation import Preparation, Prepared
from stepwell.schema import Examples, Field, Schema

CLASSIFIER = "image_classification"
LABELS = np.array([0] * 12 + [1] * 4)
NUMBERS = Field("numbers", "number", "float32", (2,))


def data(kind: str = "category", inputs: tuple[Field, ...] = (NUMBERS,)) -> Data:
    classes = ("a", "b") if kind == "category" else ()
    schema = Schema(inputs, (Field("label", kind, "int64", classes=classes),), ())
    ids = tuple(str(row) for row in range(len(LABELS)))
    numbers = np.arange(2 * len(LABELS), dtype=np.float32).reshape(-1, 2)
    part = Prepared(ids, {inputs[0].name: numbers, "label": LABELS}, {}, ({},) * len(ids))
    examples = Examples(ids, ids, {"label": tuple("ab"[i] for i in LABELS)}, lambda *_: {}, "here", "arrays")
    rows = list(range(len(ids)))
    return Data(examples, {"train": rows, "valid": [], "test": []}, Preparation(schema, ()), (), {"train": part})


def asked(method: str, settings: Mapping[str, Any] | None = None) -> recipe.Recipe:
    return recipe.draft(CLASSIFIER, ("quick",), {"imbalance": method, **(settings or {})})


def feed(showing: Showing, given: Data) -> MemoryFeed:
    columns, ids = balancing.fed(given)
    return MemoryFeed(columns, ids, given.preparation.schema, batch_size=4, seed=3, showing=showing)


def test_without_a_method_nothing_changes() -> None:
    model = torch.nn.Linear(2, 2)
    assert balancing.showing(asked("none"), data("number")) == Showing()
    assert balancing.forward(asked("none"), data("number"), model) is model
    assert balancing.with_made(asked("none"), data()).made == {}


def test_weights_reach_the_batch_of_their_example() -> None:
    given = data()
    batches = feed(balancing.showing(asked("class_weights"), given), given).batches(0)
    for _ in range(4):
        batch = next(batches)
        assert batch.weight is not None
        wanted = np.where(batch.fields["label"].numpy() == 0, 16 / 24, 2.0)
        np.testing.assert_allclose(batch.weight.numpy(), wanted, rtol=1e-6)


@pytest.mark.parametrize("method", ["over_sampling", "under_sampling", "weighted_sampling"])
def test_a_batch_is_the_same_wherever_one_begins(method: str) -> None:
    given = data()
    made = feed(balancing.showing(asked(method), given), given)
    whole = made.batches(0)
    batches = [next(whole) for _ in range(3 * made.per_epoch)]
    for start in (1, made.per_epoch, 2 * made.per_epoch + 1):
        again = next(made.batches(start))
        assert torch.equal(again.fields["numbers"], batches[start].fields["numbers"])
        np.testing.assert_array_equal(again.keys, batches[start].keys)


def test_a_repeated_example_is_augmented_anew() -> None:
    given = data()
    made = feed(balancing.showing(asked("over_sampling"), given), given)
    assert made.per_epoch == 6
    batches = made.batches(0)
    keys = np.concatenate([next(batches).keys for _ in range(6)])
    assert len(set(keys.tolist())) == 24


def test_offsets_are_in_the_loss_and_not_in_the_answers() -> None:
    model = torch.nn.Linear(2, 2)
    forward = balancing.forward(asked("logit_adjustment"), data(), model)
    x = torch.ones(3, 2)
    torch.testing.assert_close(forward(x) - model(x), torch.log(torch.tensor([0.75, 0.25])).expand(3, 2))
    assert {id(one) for one in forward.parameters()} == {id(one) for one in model.parameters()}


def test_made_rows_follow_the_part_in_the_feed_alone() -> None:
    given = balancing.with_made(asked("smote"), data())
    columns, ids = balancing.fed(given)
    assert np.bincount(np.asarray(columns["label"])).tolist() == [12, 12]
    assert len(ids) == len(set(ids)) == 24
    assert len(given.prepared["train"]) == 16


def test_what_a_method_cannot_take_is_said() -> None:
    with pytest.raises(RecipeError, match="what is answered is a number"):
        balancing.showing(asked("class_weights"), data("number"))
    with pytest.raises(RecipeError, match="kind image"):
        balancing.with_made(asked("smote"), data(inputs=(Field("numbers", "image", "uint8", (1, 1, 2)),)))


def test_labels_of_a_part_that_is_not_in_memory_come_from_its_facts() -> None:
    given = data()
    decoded = Data(given.examples, given.parts, given.preparation, (), {})
    found, wanted = (balancing.showing(asked("class_weights"), one).weight for one in (decoded, given))
    np.testing.assert_array_equal(found, wanted)


def test_only_a_task_that_answers_classes_has_the_section() -> None:
    sections = {name: {one.name for one in recipe.sections(name)} for name in discovery.tasks()}
    assert "imbalance" in sections[CLASSIFIER]
    for name, found in sections.items():
        assert ("imbalance" in found) == ("label" in discovery.task(name).card.truth), name
