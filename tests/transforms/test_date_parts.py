"""Dates as people write them become days and angles; what is no date is missing."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.transforms import date_parts
from stepwell.transforms.date_parts import Order, day_of, days_of, order_of, parts_of

START = datetime(1970, 1, 1)  # noqa: DTZ001 - times without a zone are meant as they are written


@given(st.datetimes().map(lambda moment: moment.replace(microsecond=0)))
def test_iso_dates_are_days_since_1970(moment: datetime) -> None:
    expected = (moment - START) / timedelta(days=1)
    assert day_of(moment.isoformat(), "ymd") == pytest.approx(expected, abs=1e-6)
    assert day_of(moment.isoformat(" "), "ymd") == pytest.approx(expected, abs=1e-6)
    assert day_of(moment.strftime("%d.%m.") + f"{moment.year:04}", "dmy") == int(np.floor(expected))


@pytest.mark.parametrize(
    ("text", "order", "hours"),
    [
        ("1970-01-02", "ymd", 24),
        ("1970/1/2", "ymd", 24),
        ("2.1.1970", "dmy", 24),
        ("01/02/1970", "mdy", 24),
        ("01/02/1970 1:30 PM", "mdy", 37.5),
        ("01/02/1970 12:30 am", "mdy", 24.5),
        ("1970-01-01T06:00:36Z", "ymd", 6.01),
        ("1970-01-01 06:00:36,0", "ymd", 6.01),
        ("1970-01-01T06:00+02:00", "ymd", 4),
        ("1970-01-01T06:00:00.000-0130", "ymd", 7.5),
        ("  1970-01-01  ", "ymd", 0),
        ("2-Jan-1970", "dmy", 24),
        ("02 January 1970 12:00", "ymd", 36),
        ("Jan 2, 1970", "mdy", 24),
        ("Feb 1970", "mdy", 31 * 24),
        ("1970-02", "ymd", 31 * 24),
        ("02/1970", "dmy", 31 * 24),
        ("1/2/70", "mdy", 24),
        ("02.01.70 6:00", "dmy", 30),
    ],
)
def test_ways_of_writing(text: str, order: Order, hours: float) -> None:
    assert day_of(text, order) == pytest.approx(hours / 24)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2020",
        "2020-13-01",
        "2020-02-30",
        "20-02-03",
        "2020-01-01 25:00",
        "2020-01-01 noon",
        "1.2.3",
        "Mars 2020",
        "5 km 2020",
        "12 May",
        "2020-13",
    ],
)
def test_what_is_no_date(text: str) -> None:
    assert day_of(text, "ymd") is None


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["2020-05-06", "2021-01-01"], "ymd"),
        (["2020-05", "2020-06", "2021-12"], "ymd"),
        (["5-May-2020", "31-Dec-2021"], "ymd"),
        (["May 5, 2020", "Dec 31, 2021"], "ymd"),
        (["1/31/20", "2/1/20"], "mdy"),
        (["31.01.20", "01.02.20"], "dmy"),
        (["10.2.1", "10.2.2", "10.2.3"], None),
        (["13.02.2020", "01.02.2020"], "dmy"),
        (["01.02.2020"], "dmy"),
        (["01/02/2020"], "mdy"),
        (["13/02/2020", "01/02/2020"], "dmy"),
        (["02/13/2020", "01/02/2020"], "mdy"),
        (["2020-01-01", "soon"], None),
        (["2020-01-01"] + [None] * 30, "ymd"),
        (["192.168.1.1", "10.0.0.1"], None),
        (["blue", "red"], None),
        ([None], None),
        ([], None),
    ],
)
def test_how_a_column_writes_its_dates(texts: list[str | None], order: Order | None) -> None:
    assert order_of(texts) == order


def test_some_junk_among_many_dates_is_missing() -> None:
    texts = [f"2020-01-{day:02}" for day in range(1, 31)] + ["unknown"]
    assert order_of(texts) == "ymd"
    days = days_of([*texts, None], "ymd")
    assert np.isnan(days[-2:]).all()
    assert np.isfinite(days[:-2]).all()


def test_what_comes_around_comes_back() -> None:
    days = days_of(["2024-01-01", "2024-01-08", "2024-12-31", "2024-07-01"], "ymd")  # two Mondays, a Tuesday, a Monday
    week = parts_of(days, ("week_sin", "week_cos"))
    np.testing.assert_allclose(week[[0, 1, 3]], [[0, 1]] * 3, atol=1e-9)
    np.testing.assert_allclose(week[2], [np.sin(2 * np.pi / 7), np.cos(2 * np.pi / 7)])
    year = parts_of(days, ("year_sin", "year_cos"))
    assert np.linalg.norm(year[0] - year[2]) < 0.1 < 1.9 < np.linalg.norm(year[0] - year[3])
    day = parts_of(days_of(["2024-01-01 06:00"], "ymd"), ("day_sin", "day_cos"))
    np.testing.assert_allclose(day, [[1, 0]], atol=1e-6)


def test_only_parts_that_vary_are_taken_and_stand_after_the_numbers() -> None:
    texts = np.array([["x", "2020-01-06"], ["y", "2020-01-13"], ["x", None]], dtype=object)  # Mondays at midnight
    fitted = date_parts.fit(date_parts.Options(), texts, [1], ["ymd"])
    assert fitted.parts == (("days", "year_sin", "year_cos"),)
    back = msgspec.convert(json.loads(msgspec.json.encode(fitted)), date_parts.Fitted)
    numbers = back.apply({"numbers": np.ones((3, 1)), "texts": texts}, [{}, {}, {}])["numbers"]
    assert isinstance(numbers, np.ndarray)
    assert numbers.shape == (3, 4)
    np.testing.assert_array_equal(numbers[:2, :2], [[1, 18267], [1, 18274]])
    assert np.isnan(numbers[2, 1:]).all()
