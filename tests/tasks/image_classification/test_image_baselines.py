"""The rivals of an image classifier on small pixels."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from stepwell.preparation import Prepared
from stepwell.schema import Field, Schema
from stepwell.tasks.image_classification.baselines import pixels, rivals

DIGITS = load_digits()


def prepared(images, labels, first=0):
    ids = tuple(f"e{i + first}" for i in range(len(labels)))
    return Prepared(ids, {"image": images, "label": np.asarray(labels)}, {}, ({},) * len(ids))


def schema(classes, shape=(1, 8, 8)):
    names = tuple(f"c{i}" for i in range(classes))
    return Schema((Field("image", "image", "uint8", shape),), (Field("label", "category", "int64", (), names),), ())


def test_rivals_answer_as_the_network_does_and_linear_beats_constant():
    images = (DIGITS.images[:, None] * 15).astype(np.uint8)
    found = rivals(prepared(images[:1200], DIGITS.target[:1200]), schema(10), seed=0, seconds=10)
    assert list(found) == ["constant", "linear"]
    right = {}
    for name, rival in found.items():
        answer = rival.predict({"image": images[1200:]}, [{}] * len(images[1200:]))
        assert np.allclose(answer["probabilities"].sum(axis=1), 1)
        assert np.array_equal(answer["probability"], answer["probabilities"].max(axis=1))
        right[name] = np.mean(
            [int(one[1:]) == true for one, true in zip(answer["label"], DIGITS.target[1200:], strict=True)]
        )
        assert rival.n == 1200
        assert "1,200 training examples" in rival.note
    assert right["constant"] < 0.2
    assert right["linear"] > 0.85


def test_small_pictures_are_left_as_they_are_and_large_ones_are_averaged():
    small = np.arange(2 * 3 * 8 * 8, dtype=np.uint8).reshape(2, 3, 8, 8)
    assert np.array_equal(pixels(small), small.reshape(2, -1))
    large = np.random.default_rng(0).integers(0, 256, (3, 1, 96, 64), dtype=np.uint8)
    found = pixels(large)
    assert found.shape == (3, 32 * 32)
    assert found.dtype == np.uint8
    reference = np.stack([np.asarray(Image.fromarray(one[0]).reduce((2, 3))).reshape(-1) for one in large])
    assert np.abs(found.astype(int) - reference).max() <= 1


@pytest.mark.parametrize("shape", [(1, 1), (5, 70), (33, 31)])
def test_pictures_of_unequal_sizes_become_equal(shape):
    found = pixels([np.full((3, 40, 40), 9, np.uint8), np.full((3, *shape), 9, np.uint8)])
    assert found.shape == (2, 3 * 32 * 32)
    assert np.all(found == 9)


def test_no_pictures_give_no_rows():
    assert len(pixels([])) == 0
    assert len(pixels(np.zeros((0, 1, 40, 40), np.uint8))) == 0
