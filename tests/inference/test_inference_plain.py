"""Plain batches: padding, cutting, order, and answers that are not what was declared."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.errors import StepwellError
from stepwell.inference import plain
from stepwell.schema import Array, Columns, Field, Schema

SEQUENCE = Field("speech", "sequence", "float32", ("time", 2))
SCORES = Field("scores", "logits", "float32", ("time", 3))
IMAGE = Field("image", "image", "uint8", (1, 4, 4))
LOGITS = Field("logits", "logits", "float32", (2,))


def run(network: object, inputs: Columns, schema: Schema, batch_size: int = 4) -> Columns:
    return plain.run(network, inputs, schema, plain.Options(), batch_size)  # type: ignore[arg-type]


def mean_and_steps(arrays: list[Array]) -> list[Array]:
    """A network that heeds lengths: three copies of each step's sum, and the mean over the true steps."""
    padded, lengths = arrays
    inside = np.arange(padded.shape[1]) < lengths[:, None]
    mean = (padded * inside[..., None]).sum(1) / np.maximum(lengths, 1)[:, None]
    return [np.repeat(padded.sum(2, keepdims=True), 3, axis=2), mean.astype(np.float32)]


@given(lengths=st.lists(st.integers(0, 6), min_size=1, max_size=9), batch_size=st.integers(1, 10))
def test_answers_do_not_depend_on_the_batch_size(lengths: list[int], batch_size: int) -> None:
    schema = Schema((SEQUENCE,), (), (SCORES, Field("mean", "number", "float32", (2,))))
    rng = np.random.default_rng(0)
    sequences = [rng.integers(-4, 5, (length, 2)).astype(np.float32) for length in lengths]
    answers = run(mean_and_steps, {"speech": sequences}, schema, batch_size)
    for place, sequence in enumerate(sequences):
        np.testing.assert_array_equal(answers["scores"][place], np.repeat(sequence.sum(1, keepdims=True), 3, axis=1))
        expected = sequence.sum(0) / max(len(sequence), 1)
        np.testing.assert_allclose(answers["mean"][place], expected, rtol=1e-6)


@given(lengths=st.lists(st.integers(0, 3 * plain.STEPS), min_size=1, max_size=40), batch_size=st.integers(1, 30))
def test_long_examples_come_fewer_at_a_time(lengths: list[int], batch_size: int) -> None:
    sequences = [np.broadcast_to(np.float32(0), (length, 2)) for length in lengths]
    found = list(plain.batches({"speech": sequences}, (SEQUENCE,), batch_size))
    assert sorted(row for rows in found for row in rows) == list(range(len(lengths)))
    for rows in found:
        assert len(rows) <= batch_size
        assert len(rows) == 1 or len(rows) * max(lengths[row] for row in rows) <= plain.STEPS


def test_lengths_that_the_network_returns_cut_its_output() -> None:
    def every_second(arrays: list[Array]) -> list[Array]:
        padded, lengths = arrays
        return [np.repeat(padded[:, ::2, :1], 3, axis=2), (lengths + 1) // 2]

    schema = Schema((SEQUENCE,), (), (SCORES, Field("scores_lengths", "number", "int64")))
    sequences = [np.full((length, 2), length, np.float32) for length in (5, 1, 4)]
    answers = run(every_second, {"speech": sequences}, schema, 2)
    assert [len(one) for one in answers["scores"]] == [3, 1, 2]
    assert [one[0, 0] for one in answers["scores"]] == [5, 1, 4]
    assert isinstance(answers["scores_lengths"], np.ndarray)


def test_the_network_sees_dense_fields_in_order_and_the_declared_dtype() -> None:
    seen: list[Array] = []

    def network(arrays: list[Array]) -> list[Array]:
        seen.extend(arrays)
        return [arrays[0].reshape(len(arrays[0]), -1)[:, :2].astype(np.float32)]

    images = np.arange(5 * 16, dtype=np.uint8).reshape(5, 1, 4, 4)
    answers = run(network, {"image": images}, Schema((IMAGE,), (), (LOGITS,)), 2)
    assert [one.shape for one in seen] == [(2, 1, 4, 4), (2, 1, 4, 4), (1, 1, 4, 4)]
    assert {one.dtype for one in seen} == {np.dtype("uint8")}
    np.testing.assert_array_equal(answers["logits"], images.reshape(5, -1)[:, :2])


def test_examples_of_unequal_size_are_never_in_one_batch() -> None:
    field = Field("image", "image", "uint8", (1, "height", "width"))
    schema = Schema((field,), (), (Field("map", "mask", "float32", (1, "height", "width")),))
    images = [np.full((1, *size), place, np.uint8) for place, size in enumerate([(2, 3), (4, 4), (2, 3)])]
    shapes: list[tuple[int, ...]] = []

    def network(arrays: list[Array]) -> list[Array]:
        shapes.append(arrays[0].shape)
        return [arrays[0].astype(np.float32)]

    answers = run(network, {"image": images}, schema, 8)
    assert sorted(shapes) == [(1, 1, 4, 4), (2, 1, 2, 3)]
    for image, answer in zip(images, answers["map"], strict=True):
        np.testing.assert_array_equal(image, answer)


def test_no_examples_give_empty_columns_of_the_declared_form() -> None:
    schema = Schema((SEQUENCE,), (), (SCORES, LOGITS))
    answers = run(mean_and_steps, {"speech": []}, schema)
    assert answers["scores"] == []
    assert isinstance(answers["logits"], np.ndarray)
    assert answers["logits"].shape == (0, 2)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([], "0 arrays where 1"),
        ([np.zeros((1, 2))], "batch of 3"),
        ([np.zeros(3)], "3 x 2 is declared"),
    ],
)
def test_an_answer_that_is_not_what_the_schema_declares_is_refused(answer: list[Array], words: str) -> None:
    with pytest.raises(StepwellError, match=words):
        run(lambda _: answer, {"image": np.zeros((3, 1, 4, 4), np.uint8)}, Schema((IMAGE,), (), (LOGITS,)))


def test_an_output_shorter_than_its_lengths_is_refused_and_the_way_out_is_named() -> None:
    def halves(arrays: list[Array]) -> list[Array]:
        return [np.zeros((len(arrays[0]), arrays[0].shape[1] // 2, 3), np.float32)]

    with pytest.raises(StepwellError, match="scores_lengths"):
        run(halves, {"speech": [np.zeros((6, 2))]}, Schema((SEQUENCE,), (), (SCORES,)))


def test_a_schema_that_does_not_say_how_to_cut_is_a_mistake_of_its_author() -> None:
    other = Field("text", "sequence", "int64", ("tokens",))
    schema = Schema((SEQUENCE, other), (), (Field("tags", "logits", "float32", ("steps", 3)),))
    inputs: Columns = {"speech": [np.zeros((2, 2))], "text": [np.zeros(2)]}
    with pytest.raises(ValueError, match="tags_lengths"):
        run(lambda arrays: [np.zeros((1, 2, 3))], inputs, schema)
