"""Tiles: whatever the size, the tile and the batch, what the network says of each place comes back in its place."""

from __future__ import annotations

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.errors import StepwellError
from stepwell.inference import tiled
from stepwell.schema import Array, Field, Schema

VOLUME = Field("volume", "volume", "float32", (1, "depth", "height", "width"))
VOLUMES = Schema((VOLUME,), (), (Field("map", "logits", "float32", (2, "depth", "height", "width")),))
IMAGES = Schema(
    (Field("image", "image", "uint8", (1, "height", "width")),),
    (),
    (Field("map", "image", "float32", (1, "height", "width")),),
)


def two_channels(arrays: list[Array]) -> list[Array]:
    return [np.concatenate([arrays[0], 2 * arrays[0] + 1], axis=1)]


@settings(max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, 9)] * 3),
    size=st.tuples(*[st.integers(1, 6)] * 3),
    overlap=st.sampled_from([0.0, 0.5, 0.9]),
    batch_size=st.integers(1, 7),
)
def test_a_pointwise_network_is_the_same_in_tiles(
    shape: tuple[int, ...], size: tuple[int, ...], overlap: float, batch_size: int
) -> None:
    volume = np.random.default_rng(1).normal(size=(1, *shape)).astype(np.float32)
    options = tiled.Options(size=size, overlap=overlap)
    answers = tiled.run(two_channels, {"volume": [volume]}, VOLUMES, options, batch_size)
    np.testing.assert_allclose(answers["map"][0], two_channels([volume[None]])[0][0], rtol=1e-5, atol=1e-5)


def test_the_batch_size_changes_no_bit() -> None:
    volume = np.random.default_rng(2).normal(size=(1, 9, 7, 8)).astype(np.float32)
    options = tiled.Options(size=(4, 4, 4))
    one, many = (tiled.run(two_channels, {"volume": [volume]}, VOLUMES, options, n)["map"][0] for n in (1, 64))
    np.testing.assert_array_equal(one, many)


def test_every_call_is_of_whole_tiles_and_at_most_the_batch_size() -> None:
    shapes: list[tuple[int, ...]] = []

    def network(arrays: list[Array]) -> list[Array]:
        shapes.append(arrays[0].shape)
        return [arrays[0].astype(np.float32)]

    images = [np.zeros((1, 10, 5), np.uint8), np.zeros((1, 2, 2), np.uint8)]
    tiled.run(network, {"image": images}, IMAGES, tiled.Options(size=(4, 4)), 3)
    assert {shape[1:] for shape in shapes} == {(1, 4, 4)}
    assert max(shape[0] for shape in shapes) == 3


def test_a_finer_answer_is_put_together_finer() -> None:
    def twice(arrays: list[Array]) -> list[Array]:
        return [arrays[0].repeat(2, axis=2).repeat(2, axis=3).astype(np.float32)]

    image = np.random.default_rng(3).integers(0, 255, (1, 7, 3), dtype=np.uint8)
    answer = tiled.run(twice, {"image": [image]}, IMAGES, tiled.Options(size=(4, 4)), 2)["map"][0]
    np.testing.assert_allclose(answer, image.repeat(2, axis=1).repeat(2, axis=2), rtol=1e-5)


def test_the_middle_of_a_tile_outweighs_its_border() -> None:
    def border_is_wrong(arrays: list[Array]) -> list[Array]:
        answer = np.ones(arrays[0].shape, np.float32)
        answer[:, :, 2:-2, 2:-2] = 0.0
        return [answer]

    image = np.zeros((1, 32, 32), np.uint8)
    answer = np.asarray(tiled.run(border_is_wrong, {"image": [image]}, IMAGES, tiled.Options((16, 16)), 8)["map"][0])
    assert answer[:, 4:-4, 4:-4].max() < 0.15
    assert answer[0, 0, 0] == 1.0


@pytest.mark.parametrize(("padding", "beyond"), [("zero", 0.0), ("edge", 5.0)])
def test_what_surrounds_a_small_input(padding: str, beyond: float) -> None:
    seen: list[Array] = []

    def network(arrays: list[Array]) -> list[Array]:
        seen.append(arrays[0])
        return [arrays[0].astype(np.float32)]

    options = msgspec.convert({"size": [4, 4], "padding": padding}, tiled.Options)
    answer = tiled.run(network, {"image": [np.full((1, 3, 2), 5, np.uint8)]}, IMAGES, options, 1)
    assert seen[0][0, 0, 3, 3] == beyond
    np.testing.assert_array_equal(answer["map"][0], np.full((1, 3, 2), 5, np.float32))


@given(length=st.integers(1, 300), size=st.integers(1, 64), overlap=st.floats(0, 0.9))
def test_tiles_reach_both_ends_and_leave_no_gap(length: int, size: int, overlap: float) -> None:
    length = max(length, size)
    starts = tiled.positions(length, size, overlap)
    assert starts[0] == 0
    assert starts[-1] == length - size
    assert all(0 < after - before <= size for before, after in itertools.pairwise(starts))


def test_outputs_of_fixed_shape_come_as_one_array_even_when_there_are_none() -> None:
    schema = Schema((Field("image", "image", "uint8", (1, 6, 6)),), (), (Field("map", "image", "float32", (1, 6, 6)),))
    images = np.zeros((2, 1, 6, 6), np.uint8)
    for count in (2, 0):
        answer = tiled.run(
            lambda arrays: [arrays[0].astype(np.float32)], {"image": images[:count]}, schema, tiled.Options((4, 4)), 2
        )["map"]
        assert isinstance(answer, np.ndarray)
        assert answer.shape == (count, 1, 6, 6)


def test_an_answer_that_is_no_map_is_refused() -> None:
    with pytest.raises(StepwellError, match=r"whole multiple; or use the inference 'plain'"):
        tiled.run(
            lambda arrays: [arrays[0][:, :, ::2].astype(np.float32)],
            {"image": [np.zeros((1, 8, 8), np.uint8)]},
            IMAGES,
            tiled.Options((4, 4)),
            1,
        )


def test_a_schema_that_tiles_do_not_fit_is_a_mistake_of_its_author() -> None:
    with pytest.raises(ValueError, match="3 spatial axes"):
        tiled.run(two_channels, {"image": []}, IMAGES, tiled.Options((4, 4, 4)), 1)
    with pytest.raises(ValueError, match="one input"):
        tiled.run(two_channels, {}, Schema((*IMAGES.inputs, *VOLUMES.inputs), (), ()), tiled.Options((4, 4)), 1)


@pytest.mark.parametrize("values", [{"size": [4]}, {"size": [0, 4]}, {"overlap": 0.95}, {"sigma": 0.0}])
def test_options_outside_their_limits_are_refused(values: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, tiled.Options)
