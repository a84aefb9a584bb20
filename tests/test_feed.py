"""Feeds: batches that are a function of seed and position alone, whoever decodes them and wherever one begins."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stepwell import building, discovery, preparation, reading
from stepwell import feed as feeds
from stepwell.errors import DataError, ExampleError
from stepwell.feed import DecodedFeed, Feed, MemoryFeed, Placement, Showing, augmentation, collate
from stepwell.preparation import Preparation, prepare
from stepwell.schema import Array, Batch, Columns, Examples, Field, Schema, Trace

SCHEMA = Schema((Field("x", "number", "float32", (3,)), Field("s", "sequence", "float32", ("time", 2))), (), ())
COUNT = 23


@dataclass(frozen=True)
class Double:
    """A transform: twice the number."""

    reads: tuple[str, ...] = ("x",)
    writes: tuple[str, ...] = ("x",)

    def apply(self, columns: Columns, traces: Sequence[Trace]) -> Columns:
        return {"x": np.asarray(columns["x"]) * 2}


def examples(count: int = COUNT) -> Examples:
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 3)).astype(np.float32)
    sequences = [generator.normal(size=(1 + i % 5, 2)).astype(np.float32) for i in range(count)]
    ids = tuple(f"e{i}" for i in range(count))

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        shift = 0 if views is None else views[:, None]
        return {"x": x[list(indices)] + shift, "s": [sequences[i] for i in indices]}

    return Examples(ids, ids, {}, fetch, "here", "made")


PREPARATION = Preparation(SCHEMA, (("double", Double()),))


def memory_feed(**changed: object) -> MemoryFeed:
    prepared = prepare(PREPARATION, examples(), range(COUNT), ())
    return MemoryFeed(prepared.columns, prepared.ids, SCHEMA, batch_size=4, seed=5, **changed)  # type: ignore[arg-type]


def decoded_feed(workers: int) -> DecodedFeed:
    return DecodedFeed(examples(), range(COUNT), PREPARATION, batch_size=4, seed=5, workers=workers)


def same(one: Batch, other: Batch) -> bool:
    return (
        (one.keys == other.keys).all()
        and all(torch.equal(one.fields[name], other.fields[name]) for name in one.fields)
        and all(torch.equal(one.lengths[name], other.lengths[name]) for name in one.lengths)
    )


@pytest.mark.parametrize("other", [decoded_feed(0), decoded_feed(2)], ids=["no worker", "two workers"])
def test_memory_and_workers_give_the_same_batches(other: Feed) -> None:
    pairs = zip(islice(memory_feed().batches(0), 13), other.batches(0), strict=False)
    assert all(same(one, two) for one, two in pairs)


@pytest.mark.hypothesis
@given(start=st.integers(0, 40))
def test_a_batch_depends_on_its_position_alone(start: int) -> None:
    feed = memory_feed()
    later = next(iter(feed.batches(start)))
    assert same(later, next(islice(feed.batches(0), start, None)))


@pytest.mark.parametrize("together", [1, 3, 100])
def test_batches_gathered_together_are_those_gathered_alone_wherever_one_begins(
    together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns: Columns = {"x": np.arange(3 * COUNT, dtype=np.float32).reshape(COUNT, 3)}
    ids = [f"e{i}" for i in range(COUNT)]
    monkeypatch.setattr(feeds, "GATHERED", 1)
    alone = list(islice(MemoryFeed(columns, ids, SCHEMA, batch_size=4, seed=5).batches(0), 13))
    monkeypatch.setattr(feeds, "GATHERED", together * 4 * 12)
    feed = MemoryFeed(columns, ids, SCHEMA, batch_size=4, seed=5)
    places = [batch.fields["x"].storage_offset() for batch in islice(feed.batches(0), 13)]
    for start in range(13):
        batch = next(feed.batches(start))
        assert same(batch, alone[start])
        assert batch.fields["x"].storage_offset() == places[start]


def test_an_epoch_has_each_example_once_and_the_next_another_order() -> None:
    feed = memory_feed()
    assert feed.per_epoch == 5
    keys = [batch.keys.tolist() for batch in islice(feed.batches(0), 10)]
    first, second = ([key for batch in part for key in batch] for part in (keys[:5], keys[5:]))
    assert len(set(first)) == 20 and len(set(second)) == 20 and first != second


def test_ragged_fields_are_padded_and_say_their_lengths() -> None:
    batch = next(iter(memory_feed().batches(0)))
    lengths = batch.lengths["s"]
    assert batch.fields["s"].shape == (4, int(lengths.max()), 2)
    for row, length in zip(batch.fields["s"], lengths.tolist(), strict=True):
        assert (row[length:] == 0).all() and (row[:length] != 0).all()


def test_views_are_chosen_by_epoch_and_reach_the_reader() -> None:
    seen: list[int] = []

    def views(epoch: int, keys: Array, indices: Sequence[int]) -> Array:
        seen.append(epoch)
        return np.full(len(indices), 100.0)

    feed = DecodedFeed(examples(), range(COUNT), PREPARATION, batch_size=4, seed=5, workers=0, views=views)
    batches = list(islice(feed.batches(4), 2))
    assert seen == [0, 1] and all((batch.fields["x"] > 100).all() for batch in batches)


def test_augmentations_draw_by_example_and_epoch_and_not_by_place_in_the_batch() -> None:
    class Shift:
        """Adds one number an example."""

        @staticmethod
        def apply(options: object, batch: Batch, schema: Schema, draw: object) -> Batch:
            shift = torch.from_numpy(draw("shift", ())).float()  # type: ignore[operator]
            return Batch({**batch.fields, "x": shift[:, None].expand(-1, 3)}, batch.lengths, batch.keys)

    shifted: list[dict[int, float]] = []
    for size in (4, 8):
        augment = augmentation([("shift", Shift, None)], SCHEMA, 5)
        prepared = prepare(PREPARATION, examples(), range(COUNT), ())
        feed = MemoryFeed(prepared.columns, prepared.ids, SCHEMA, batch_size=size, seed=5, augment=augment)
        batches = list(islice(feed.batches(0), feed.per_epoch))
        shifted.append({int(k): float(v) for b in batches for k, v in zip(b.keys, b.fields["x"][:, 0], strict=True)})
    both = set(shifted[0]) & set(shifted[1])
    assert len(both) > 10 and all(shifted[0][key] == shifted[1][key] for key in both)


def test_workers_end_with_the_iterator() -> None:
    batches = decoded_feed(2).batches(0)
    next(batches)
    batches.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stepwell-decode")]


def test_too_little_to_train_on_is_said() -> None:
    prepared = prepare(PREPARATION, examples(1), range(1), ())
    with pytest.raises(DataError, match="holds 1 example"):
        MemoryFeed(prepared.columns, prepared.ids, SCHEMA, batch_size=4, seed=0)


def test_unequal_shapes_in_one_batch_are_said() -> None:
    field = Field("image", "image", "uint8", (1, "height", "width"))
    with pytest.raises(DataError, match="differ in the shape of 'image'"):
        collate([np.zeros((1, 2, 3), np.uint8), np.zeros((1, 3, 3), np.uint8)], field)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_cannot_be_read_in_the_middle_of_an_epoch_is_named_and_workers_end(
    workers: int, tmp_path: Path
) -> None:
    for number in range(48):
        place = tmp_path / f"{number % 2}" / f"{number}.png"
        place.parent.mkdir(exist_ok=True)
        Image.new("RGB", (9, 9), (number, 0, 0)).save(place)
    folder = discovery.task("image_classification")
    pictures = reading.read(folder, tmp_path)
    prepared_by = folder.module("prepare").fit(folder.module("prepare").Options(size=8), pictures, range(48))
    feed = DecodedFeed(pictures, range(48), prepared_by, batch_size=4, seed=0, workers=workers)
    batches = feed.batches(0)
    for _ in range(4):
        next(batches)
    (tmp_path / "1" / "7.png").write_bytes(b"no picture any more")
    with pytest.raises(ExampleError) as caught:
        list(islice(batches, 2 * feed.per_epoch))
    assert caught.value.where == "1/7.png" and caught.value.do
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("stepwell-decode")]


def test_only_a_few_pictures_are_held_at_their_own_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = discovery.task("image_classification")
    pictures = [np.random.default_rng(n).integers(0, 255, (20 + n, 30, 3), dtype=np.uint8) for n in range(37)]
    labeled = reading.read(folder, (pictures, [n % 2 for n in range(37)]))
    prepared_by = folder.module("prepare").fit(folder.module("prepare").Options(size=8), labeled, range(37))
    held: list[int] = []
    resizer = type(prepared_by.transforms[1][1])
    apply = resizer.apply

    def counted(self: object, columns: Columns, traces: Sequence[Trace]) -> Columns:
        held.append(len(columns["image"]))
        return apply(self, columns, traces)

    monkeypatch.setattr(resizer, "apply", counted)
    together, traces = preparation.run(prepared_by, labeled.fetch(range(37), None))
    assert max(held) <= preparation.GROUP < 37 == sum(held)
    # Of large ones fewer: as many as reach the limit of bytes.
    monkeypatch.setattr(preparation, "HELD", 5 * 30 * 30 * 4)
    held.clear()
    again, _ = preparation.run(prepared_by, labeled.fetch(range(37), None))
    assert sum(held) == 37 and max(held) <= 8 and held[-2] < held[0] and (again["image"] == together["image"]).all()
    for index in range(37):
        alone, (trace,) = preparation.run(prepared_by, labeled.fetch([index], None))
        assert (alone["image"][0] == together["image"][index]).all() and trace == traces[index]


def test_one_batch_holds_what_can_be_stacked() -> None:
    shape = (1, "height", "width")
    schema = Schema((Field("image", "volume", "float32", shape),), (Field("label", "category", "int64", ()),), ())
    images = [np.zeros((1, *size), np.float32) for size in ((4, 5), (4, 6), (4, 5))]
    for count, kept in ((3, [0, 2]), (1, [0])):
        sample = preparation.Prepared(
            ("a", "b", "c")[:count], {"image": images[:count], "label": np.arange(count)}, {}, ({},) * count
        )
        batch = building.one_batch(sample, schema, Placement())
        assert batch.fields["label"].tolist() == kept and len(batch) == len(kept)
        assert batch.fields["image"].shape == (len(kept), 1, 4, 5)


def ragged_feed(lengths: list[int], size: int, **changed: object) -> MemoryFeed:
    columns: Columns = {"x": np.zeros((len(lengths), 3), dtype=np.float32)}
    columns["s"] = [np.ones((length, 2), dtype=np.float32) for length in lengths]
    ids = [f"e{i}" for i in range(len(lengths))]
    showing = Showing(lengths=feeds.lengths_of(columns, SCHEMA))
    return MemoryFeed(columns, ids, SCHEMA, batch_size=size, seed=5, showing=showing, **changed)  # type: ignore[arg-type]


@pytest.mark.hypothesis
@given(
    lengths=st.lists(st.integers(1, 40), min_size=2, max_size=90),
    size=st.integers(1, 16),
    start=st.integers(0, 200),
)
def test_batches_of_like_length_are_a_function_of_the_position_too(lengths: list[int], size: int, start: int) -> None:
    feed = ragged_feed(lengths, size)
    assert same(next(feed.batches(start)), next(islice(ragged_feed(lengths, size).batches(0), start, None)))
    epoch = [key for batch in islice(feed.batches(0), feed.per_epoch) for key in batch.keys.tolist()]
    assert len(set(epoch)) == len(epoch) == feed.per_epoch * min(size, len(lengths))


def test_examples_of_like_length_share_a_batch_and_long_ones_come_at_any_time() -> None:
    lengths = np.random.default_rng(0).integers(1, 200, 1024).tolist()
    batches = list(islice(ragged_feed(lengths, 16).batches(0), 128))
    kept, held = sum(int(b.lengths["s"].sum()) for b in batches), sum(b.fields["s"].shape[:2].numel() for b in batches)
    assert kept > 0.95 * held
    longest = [b.fields["s"].shape[1] for b in batches]
    assert abs(np.corrcoef(range(64), longest[:64])[0, 1]) < 0.3
    assert longest[:64] != longest[64:]
    told = ragged_feed(lengths, 16).longest()
    assert told is not None and told.tolist() == longest[:64]


def test_what_is_left_over_at_the_end_of_an_epoch_is_not_always_the_longest() -> None:
    feed = ragged_feed([1, 2, 3, 4, 5, 6, 7, 8, 9], 4)
    shown = [
        {length for batch in islice(feed.batches(2 * epoch), 2) for length in batch.lengths["s"].tolist()}
        for epoch in range(30)
    ]
    assert len({min(set(range(1, 10)) - one) for one in shown}) > 4
