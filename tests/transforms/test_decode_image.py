"""Pictures of every kind, made by Pillow itself, come to one form; what is no picture is named."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from stepwell.errors import DataError, ExampleError
from stepwell.transforms import decode_image
from stepwell.transforms.decode_image import Fitted, Options

COLORS = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
GRAY = COLORS[:, :, 0]


def saved(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM", "TGA", "QOI", "SGI", "PCX"])
def test_lossless_formats_give_their_pixels(kind: str) -> None:
    decoded = Fitted(channels=3).decode(saved(Image.fromarray(COLORS), kind))
    assert decoded.flags.c_contiguous
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, COLORS.transpose(2, 0, 1))


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "JPEG2000", "AVIF"])
def test_lossy_formats_are_read(kind: str) -> None:
    decoded = Fitted(channels=3).decode(saved(Image.new("RGB", (16, 8), (200, 100, 50)), kind))
    assert decoded.shape == (3, 8, 16)
    assert np.abs(decoded.mean(axis=(1, 2)) - (200, 100, 50)).max() < 4


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "HSV", "LAB", "I", "F", "I;16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_comes_to_the_declared_channels(mode: str, channels: int) -> None:
    source = Image.fromarray(GRAY) if mode in ("I;16", "I", "F") else Image.fromarray(COLORS)
    decoded = Fitted(channels=channels).decode(source.convert(mode))
    assert decoded.shape == (channels, 5, 7)
    assert decoded.dtype == np.uint8


def test_gray_is_what_pillow_calls_luma() -> None:
    expected = np.asarray(Image.fromarray(COLORS).convert("L"))
    np.testing.assert_array_equal(Fitted(channels=1).decode(saved(Image.fromarray(COLORS)))[0], expected)


def test_what_is_transparent_is_laid_on_white() -> None:
    half = np.zeros((1, 3, 4), dtype=np.uint8)
    half[0, :, 3] = (0, 128, 255)
    decoded = Fitted(channels=3).decode(saved(Image.fromarray(half)))
    assert decoded[:, 0].tolist() == [[255, 127, 0]] * 3
    palette = Image.new("P", (1, 1), 0)
    assert Fitted(channels=1).decode(saved(palette, transparency=0)).tolist() == [[[255]]]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_the_camera_s_rotation_is_applied_once(orientation: int, kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(COLORS), kind, exif=exif)
    turned = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(Fitted(channels=3).decode(data), turned.transpose(2, 0, 1))
    assert decode_image.size(data) == turned.shape[:2]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_from_the_declared_range(kind: str) -> None:
    deep = np.array([[0, 2048, 4095, 9999]], dtype=np.uint16)
    data = saved(Image.fromarray(deep), kind)
    assert Fitted(channels=1, high=4095.0).decode(data).tolist() == [[[0, 128, 255, 255]]]
    assert Fitted(channels=1).decode(data).tolist() == [[[0, 8, 16, 39]]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 4000]], dtype=np.uint16), (0.0, 4095.0)),
        (np.array([[0, 40000]], dtype=np.uint16), (0.0, 65535.0)),
        (np.array([[3, 250]], dtype=np.int64), (0.0, 255.0)),
        (np.array([[0.2, 0.7]]), (0.0, 1.0)),
        (np.array([[0.0, 16.0]]), (0.0, 16.0)),
        (np.array([[-2.0, 3.0, np.nan, np.inf]]), (-2.0, 3.0)),
        (np.array([[7, 8]], dtype=np.uint8), (0.0, 65535.0)),
    ],
)
def test_the_range_of_deep_values_is_fitted(values: Any, expected: tuple[float, float]) -> None:
    fitted = decode_image.fit(Options(), [values])
    assert (fitted.low, fitted.high) == expected
    assert fitted.channels == 1
    fitted.decode(values)


def test_channels_are_chosen_by_pixels_not_by_mode() -> None:
    gray_as_rgb = saved(Image.fromarray(GRAY).convert("RGB"), "JPEG")
    assert decode_image.fit(Options(), [gray_as_rgb]).channels == 1
    assert decode_image.fit(Options(), [gray_as_rgb, saved(Image.fromarray(COLORS))]).channels == 3
    assert decode_image.fit(Options(channels=3), [gray_as_rgb]).channels == 3


def test_of_an_animation_the_first_frame_counts() -> None:
    frames = [Image.new("RGB", (4, 4), color) for color in ((255, 0, 0), (0, 0, 255))]
    for kind in ("GIF", "WEBP", "TIFF", "PNG"):
        options = {"lossless": True} if kind == "WEBP" else {}
        decoded = Fitted(channels=3).decode(saved(frames[0], kind, save_all=True, append_images=frames[1:], **options))
        assert decoded[:, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (1, 5, 7), (5, 7, 3), (3, 5, 7), (5, 7, 4), (5, 7, 2)])
def test_arrays_in_every_layout(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)
    assert Fitted(channels=3).decode(values).shape == (3, 5, 7)
    assert decode_image.size(values) == (5, 7)


def test_a_dense_column_of_bytes_stays_dense() -> None:
    column = np.random.default_rng(2).integers(0, 256, (6, 5, 7), dtype=np.uint8)
    one, three = (Fitted(channels=n).apply({"image": column}, [])["image"] for n in (1, 3))
    assert isinstance(one, np.ndarray)
    assert one.base is column
    np.testing.assert_array_equal(three, np.stack([Fitted(channels=3).decode(picture) for picture in column]))


@pytest.mark.parametrize("value", [np.zeros(5), np.zeros((5, 6, 9)), np.zeros((0, 4)), np.full((2, 2), "a"), 7, None])
def test_what_is_no_picture_is_refused(value: Any) -> None:
    for call in (Fitted().decode, decode_image.size):
        with pytest.raises(ExampleError) as caught:
            call(value, "item 3")
        assert caught.value.where == "item 3"


def png_header(width: int, height: int) -> bytes:
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


def test_too_many_pixels_are_refused_from_the_header_without_a_warning() -> None:
    for side in (20_000, 10_001):  # Pillow itself would raise at the first and only warn at the second
        with pytest.raises(ExampleError, match="more than the limit of 100,000,000") as caught:
            Fitted().decode(png_header(side, side), "big.png")
        assert (caught.value.where, "max_pixels" in caught.value.do) == ("big.png", True)
    with pytest.raises(ExampleError, match="limit of 34"):
        Fitted(max_pixels=34).decode(Image.fromarray(COLORS))


def test_pillow_s_own_limit_plays_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    assert Fitted().decode(saved(Image.fromarray(COLORS))).shape == (3, 5, 7)


def test_bad_files_are_named(tmp_path: Path) -> None:
    picture = saved(Image.effect_noise((64, 64), 50), "JPEG")
    for content, sentence in (
        (b"", "empty"),
        (b"just some text, renamed", "not a picture"),
        (picture[: len(picture) // 2], "truncated"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    ):
        path = tmp_path / "cat.jpg"
        path.write_bytes(content)
        with pytest.raises(ExampleError, match=sentence) as caught:
            Fitted().decode(path)
        assert caught.value.where == str(path)
    with pytest.raises(ExampleError) as caught:
        Fitted().apply({"image": [picture, b"broken"], "path": ["good.jpg", "bad.jpg"]}, [{}, {}])
    assert caught.value.where == "bad.jpg"


def test_a_part_without_one_readable_picture_cannot_be_fitted() -> None:
    with pytest.raises(DataError, match="None of the training pictures"):
        decode_image.fit(Options(), [b"", b"text"])


@pytest.mark.filterwarnings("ignore")  # Pillow's plugins warn of what they mend
@given(data=st.data())
def test_damaged_files_raise_nothing_but_example_errors(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO", "PCX", "SGI", "TGA"]))
    exif = Image.Exif()
    exif[0x0112] = 6
    content = bytearray(saved(Image.fromarray(COLORS), kind, **({"exif": exif} if kind in ("JPEG", "TIFF") else {})))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    where, decoded = "x", np.zeros((3, 1, 1), dtype=np.uint8)
    try:
        decoded = Fitted(channels=3, max_pixels=10_000).decode(bytes(content), "x")
    except ExampleError as error:
        where = error.where
    assert (where, decoded.dtype, decoded.shape[0]) == ("x", np.uint8, 3)
