"""One size for all, and a trace by which a place in the result is a place in the original."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from stepwell.transforms import resize
from stepwell.transforms.resize import Fitted, Options, Way

SIDES = st.integers(1, 60)
WAYS = st.sampled_from(["squash", "crop", "letterbox"])


def test_squash_is_pillow_s_antialiased_bilinear() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (3, 40, 30), dtype=np.uint8)
    expected = Image.fromarray(picture.transpose(1, 2, 0)).resize((9, 8), Image.Resampling.BILINEAR)
    np.testing.assert_array_equal(Fitted(8, 9).resized(picture), np.asarray(expected).transpose(2, 0, 1))


def test_crop_keeps_the_middle_and_letterbox_keeps_all() -> None:
    picture = np.full((1, 4, 12), 100, dtype=np.uint8)
    picture[:, :, 4:8] = 200
    assert (Fitted(4, 4, "crop").resized(picture) == 200).all()
    boxed = Fitted(12, 12, "letterbox", border=7).resized(picture)
    np.testing.assert_array_equal(boxed[:, 4:8], picture)
    assert (boxed[:, :4] == 7).all()
    assert (boxed[:, 8:] == 7).all()


@given(SIDES, SIDES, SIDES, SIDES, WAYS, st.sampled_from([1, 3]))
def test_every_size_comes_to_the_wanted_one(h: int, w: int, height: int, width: int, way: Way, channels: int) -> None:
    picture = np.full((channels, h, w), 90, dtype=np.uint8)
    traces: list[dict[str, object]] = [{}]
    out = Fitted(height, width, way, border=90).apply({"image": [picture]}, traces)["image"]
    assert isinstance(out, np.ndarray)
    assert out.shape == (1, channels, height, width)
    assert (out == 90).all()  # nothing but the picture and the border, at every rounding
    assert json.loads(json.dumps(traces)) == traces


@given(SIDES, SIDES, SIDES, SIDES, WAYS)
def test_the_trace_leads_the_middle_to_the_middle(h: int, w: int, height: int, width: int, way: Way) -> None:
    scale, offset = resize.placed((h, w), (height, width), way)
    for side in (0, 1):
        middle = (h, w)[side] / 2 * scale[side] + offset[side]
        assert middle == pytest.approx((height, width)[side] / 2, abs=0.51)  # letterbox has whole pixels


def test_a_spot_is_where_the_trace_says() -> None:
    for way in ("squash", "crop", "letterbox"):
        picture = np.zeros((1, 60, 90), dtype=np.uint8)
        picture[0, 28:32, 48:52] = 255
        out = Fitted(40, 40, way).resized(picture)[0].astype(float)
        (scale_y, scale_x), (top, left) = resize.placed((60, 90), (40, 40), way)
        ys, xs = np.mgrid[0:40, 0:40] + 0.5
        center = ((out * ys).sum() / out.sum(), (out * xs).sum() / out.sum())
        assert center == pytest.approx((30 * scale_y + top, 50 * scale_x + left), abs=0.05)


def test_pictures_of_the_size_are_passed_on() -> None:
    column = np.zeros((5, 1, 8, 8), dtype=np.uint8)
    traces: list[dict[str, object]] = [{} for _ in column]
    fitted = resize.fit(Options(8, 8, "crop"))
    assert fitted.apply({"image": column}, traces)["image"] is column
    assert traces[4] == {"resize": {"size": [8, 8], "scale": [1.0, 1.0], "offset": [0.0, 0.0]}}
    assert fitted.apply({"image": []}, []) == {"image": []}
