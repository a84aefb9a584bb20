"""JPEG files through simplejpeg: the bits of Pillow, or not at all."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stepwell.errors import ExampleError
from stepwell.schema import Array
from stepwell.transforms import _jpeg
from stepwell.transforms.decode_image import Fitted


@pytest.fixture(autouse=True)
def anew() -> Iterator[None]:
    """Each test chooses its decoder, and none leaves one behind."""
    _jpeg.decoder.cache_clear()
    yield
    _jpeg.decoder.cache_clear()


@pytest.fixture(scope="module")
def photographs() -> list[Image.Image]:
    datasets = pytest.importorskip("sklearn.datasets")
    return [Image.fromarray(one).crop((40, 30, 340, 251)) for one in datasets.load_sample_images().images]


def saved(image: Image.Image, **way: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "JPEG", **way)
    return file.getvalue()


def turned(image: Image.Image, orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(image, exif=exif, quality=90)


def both_ways(content: bytes, channels: int, monkeypatch: pytest.MonkeyPatch) -> tuple[Array, Array, int]:
    """What Pillow alone gives, what comes with simplejpeg, and how often that was asked for pixels."""
    simplejpeg = pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")
    fitted, asked = Fitted(channels=channels), []

    def counted(data: bytes, space: str) -> Array:
        asked.append(space)
        return np.asarray(simplejpeg.decode_jpeg(data, space))

    with monkeypatch.context() as changed:
        changed.setattr(_jpeg, "decoder", lambda: None)
        alone = fitted.decode(content)
        changed.setattr(_jpeg, "decoder", lambda: counted)
        return alone, fitted.decode(content), len(asked)


PLAIN = {
    "4:4:4": {"subsampling": 0},
    "4:2:2": {"subsampling": 1},
    "4:2:0": {"subsampling": 2},
    "progressive": {"progressive": True},
    "coarse": {"quality": 5},
    "fine": {"quality": 100},
    "restart markers": {"restart_marker_rows": 1},
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("way", PLAIN)
def test_plain_photographs_come_with_the_same_bits(
    way: str, mode: str, channels: int, photographs: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    for photograph in photographs:
        options = {key: value for key, value in PLAIN[way].items() if mode == "RGB" or key != "subsampling"}
        alone, together, asked = both_ways(saved(photograph.convert(mode), **options), channels, monkeypatch)
        assert asked == 1 and np.array_equal(alone, together)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_the_camera_noted_is_still_applied(
    orientation: int, photographs: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, together, asked = both_ways(turned(photographs[0], orientation), 3, monkeypatch)
    assert asked == 1 and np.array_equal(alone, together)


@pytest.mark.parametrize(
    "content",
    [
        lambda image: saved(image.convert("CMYK")),
        lambda image: saved(image, keep_rgb=True),
        lambda image: saved(image)[:-2] + b"\0" * 40,
        lambda image: saved(image) + b"more",
    ],
    ids=["CMYK", "stored as RGB", "without its end", "with something behind it"],
)
def test_what_is_not_plain_comes_as_pillow_gives_it(
    content: Callable[[Image.Image], bytes], photographs: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    alone, together, _ = both_ways(content(photographs[1]), 3, monkeypatch)
    assert np.array_equal(alone, together)


def test_a_damaged_file_is_refused_with_the_words_of_pillow(
    photographs: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")
    content = saved(photographs[0])
    monkeypatch.setattr(_jpeg, "gain", lambda _: 2.0)
    assert _jpeg.decoder() is not None
    with pytest.raises(ExampleError, match="cannot be decoded"):
        Fitted().decode(content[: len(content) // 2])


@pytest.mark.hypothesis
@given(height=st.integers(1, 40), width=st.integers(1, 40), quality=st.integers(1, 100), subsampling=st.integers(0, 2))
def test_pictures_of_any_size_come_with_the_same_bits(height: int, width: int, quality: int, subsampling: int) -> None:
    simplejpeg = pytest.importorskip("simplejpeg", reason="simplejpeg is not installed")
    pixels = np.random.default_rng(height * width).integers(0, 256, (height, width, 3), dtype=np.uint8)
    content = saved(Image.fromarray(pixels), quality=quality, subsampling=subsampling)
    with Image.open(io.BytesIO(content)) as usual:
        assert np.array_equal(np.asarray(usual), simplejpeg.decode_jpeg(content, "RGB"))


def usual(content: bytes, space: str) -> Array:
    """Pillow in the words of simplejpeg."""
    with Image.open(io.BytesIO(content)) as image:
        return np.asarray(image).reshape(image.height, image.width, -1)


def test_a_decoder_that_gives_other_bits_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_jpeg, "gain", lambda _: 2.0)

    def other(content: bytes, space: str) -> Array:
        pixels = usual(content, space).copy()
        pixels[0, 0, 0] ^= 1
        return pixels

    for decode, used in ((usual, True), (other, False)):
        monkeypatch.setitem(sys.modules, "simplejpeg", SimpleNamespace(decode_jpeg=decode))
        _jpeg.decoder.cache_clear()
        assert (_jpeg.decoder() is not None) is used
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    _jpeg.decoder.cache_clear()
    assert _jpeg.decoder() is None


def test_a_decoder_that_is_no_faster_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(content: bytes, space: str) -> Array:
        return (usual(content, space), usual(content, space))[0]

    def quick(content: bytes, space: str) -> Array:
        return blank

    blank = np.zeros((240, 320, 3), np.uint8)
    assert _jpeg.gain(slow) < 1 < _jpeg.WORTH < _jpeg.gain(quick)
    monkeypatch.setitem(sys.modules, "simplejpeg", SimpleNamespace(decode_jpeg=slow))
    _jpeg.decoder.cache_clear()
    assert _jpeg.decoder() is None
