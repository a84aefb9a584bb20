"""A row as a picture."""

from __future__ import annotations

import math
from xml.etree import ElementTree

import pytest

from stepwell.tasks.table.pictures import MOST, draw, shown


def lines(picture):
    root = ElementTree.fromstring(picture.data)
    return [one.text for one in root.iter() if one.tag.endswith("text")]


def test_it_shows_names_and_values_without_the_answer():
    raw = {"age": 39.0, "pay": 1234.5678, "job": "clerk", "city": None, "gain": math.nan, "label": "rich"}
    picture = draw(raw, {"label": "rich"}, {"label": "poor", "probability": 0.814})
    assert picture.mime == "image/svg+xml"
    assert lines(picture) == ["age", "39", "pay", "1,234.57", "job", "clerk", "city", "missing", "gain", "missing"]
    assert picture.caption == "rich, answered poor (81 %)"


@pytest.mark.parametrize(
    ("truth", "prediction", "caption"),
    [
        ({"label": "a"}, {"label": "a", "probability": 1.0}, "a (100 %), rightly"),
        ({"value": 3.0}, {"value": 2.5}, "3, answered 2.5"),
        (None, {"value": 2.5}, "answered 2.5"),
        ({"value": 3.0}, None, "3"),
        (None, None, "no answer known"),
    ],
)
def test_the_caption_says_truth_and_answer(truth, prediction, caption):
    assert draw({"a": 1.0}, truth, prediction).caption == caption


def test_names_and_values_of_others_are_text_and_nothing_else():
    raw = {"<script>": "a & b\n<b>\x00\x1b", "n" * 99: "v" * 99}
    found = lines(draw(raw, None, None))
    assert found[:2] == ["<script>", "a & b <b>  "]
    assert all(len(one) <= 26 for one in found)


def test_of_very_many_columns_the_first_are_shown_and_the_rest_counted():
    found = lines(draw({f"c{i}": float(i) for i in range(1200)}, None, None))
    assert len(found) == 2 * (MOST + 1)
    assert found[-1] == "1,184 columns more"


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e300, "1e+300"), (-0.00001, "-1e-05"), (2_000_000.0, "2,000,000"), (math.inf, "inf"), (7, "7")],
)
def test_numbers_are_written_as_people_do(value, text):
    assert shown(value) == text


def test_a_row_without_columns_can_be_drawn():
    assert lines(draw({}, None, None)) == []
