"""The thumbnail is the mean of equal pieces, whatever the size of the picture."""

import numpy as np
import pytest

from stepwell.tasks.image_classification import thumbnail


@pytest.mark.parametrize("size", [(8, 8), (16, 8), (32, 64), (512, 256)])
def test_pieces_are_averaged(size):
    pieces = np.random.default_rng(0).integers(0, 256, (3, 8, 8), dtype=np.uint8)
    picture = pieces.repeat(size[0] // 8, axis=1).repeat(size[1] // 8, axis=2)
    assert thumbnail.of(picture) == pieces.tobytes()


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (5, 9), (7, 4099)])
def test_any_size_gives_192_bytes(size):
    assert thumbnail.of(np.full((3, *size), 7, dtype=np.uint8)) == bytes([7] * 192)


def test_a_gray_picture_spread_over_channels_equals_its_copy():
    gray = np.random.default_rng(0).integers(0, 256, (28, 28), dtype=np.uint8)
    spread = np.broadcast_to(gray, (3, 28, 28))
    assert thumbnail.of(spread) == thumbnail.of(spread.copy())
