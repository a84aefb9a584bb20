"""Numbers with a unit and times of the clock become numbers, in training and at prediction alike."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.errors import DataError, ExampleError
from stepwell.schema import Examples
from stepwell.tabular import cells
from stepwell.tasks.table import prepare, units
from stepwell.tasks.table.options import Options
from stepwell.tasks.table.readers import table
from stepwell.tasks.table.unlabeled import inputs

ROWS = 60


def written(path: Path, cells_of: dict[str, list[str]], answers: list[str] | None = None) -> Path:
    """A file of these columns and a target; every cell in quotes."""
    count = len(next(iter(cells_of.values())))
    whole = {**cells_of, "y": answers or [str(i % 2) for i in range(count)]}
    lines = [",".join(whole), *(",".join(f'"{cell}"' for cell in row) for row in zip(*whole.values(), strict=True))]
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def read(path: Path, **options: Any) -> Examples:
    return table.read(str(path), Options(**options))


def column(examples: Examples, name: str) -> Any:
    return examples.fetch(range(len(examples)), None)[name]


def texts(values: list[str]) -> cells.Column:
    coder = cells.Coder(cells.Rules())
    coder.add(values)
    return coder.column()


@pytest.mark.parametrize(
    ("values", "unit", "second"),
    [
        ([f"{i} kg" for i in range(ROWS)], "kg", 1.0),
        ([f"{1000 + i:,} kg" for i in range(ROWS)], "kg", 1001.0),
        ([f"{i}.5kmpl" for i in range(ROWS)], "kmpl", 1.5),
        ([f"-{i} °C" for i in range(ROWS)], "°C", -1.0),
        ([f"{i} sq ft" for i in range(ROWS)], "sq ft", 1.0),
        ([f"{i} m2" for i in range(ROWS)], "m2", 1.0),
        (["0 months", "1 month", *(f"{i} months" for i in range(2, ROWS))], "month", 1.0),
        (["7", "8 kg", *(f"{i} kg" for i in range(2, ROWS))], "kg", 8.0),  # one that leaves the unit out
        ([f"{i % 24}:{i % 60:02d}" for i in range(ROWS)], "hh:mm", 1 + 1 / 60),
        ([f"{i % 24:02d}:00:{i % 60:02d}.5" for i in range(ROWS)], "hh:mm:ss", 1 + 1.5 / 3600),
        (["12:30 AM", "12:30 PM", *(f"{1 + i % 12}:15 pm" for i in range(ROWS))], "hh:mm", 12.5),
    ],
)
def test_a_column_in_one_unit_is_read_as_numbers(values: list[str], unit: str, second: float, tmp_path: Path) -> None:
    examples = read(written(tmp_path / "a.csv", {"x": values}))
    assert isinstance(column(examples, "x"), np.ndarray)
    assert column(examples, "x")[1] == pytest.approx(second)
    assert examples.settled["units"][0] == [f"x={unit}"]
    assert f"'x' ({unit})" in {one.name: one for one in examples.findings}["numbers_with_a_unit"].message


@pytest.mark.parametrize(
    "values",
    [
        ["2 doors", "4 doors"] * 30,  # names of kinds
        [f"{i} {'kg' if i % 2 else 'g'}" for i in range(ROWS)],  # two units
        [f"{i} Main Street No {i}" for i in range(ROWS)],
        [
            f"{i}:30" if i % 2 else f"1:{i % 60:02d}:00" for i in range(ROWS)
        ],  # minutes and seconds, or hours and minutes?
        [f"{i}:75" for i in range(ROWS)],  # no time
        [f"A{i} kg" for i in range(ROWS)],
        ["kg", "g", "mg"] * 20,
    ],
)
def test_what_has_no_one_unit_stays_text(values: list[str]) -> None:
    assert units.unit_of(texts(values), cells.Rules()) == ""


def test_words_astray_among_quantities_are_read_as_missing_and_said(tmp_path: Path) -> None:
    values = ["heavy" if i == 7 else f"{i} kg" for i in range(ROWS)]
    examples = read(written(tmp_path / "a.csv", {"x": values}))
    assert np.flatnonzero(np.isnan(column(examples, "x"))).tolist() == [7]
    assert "'heavy'" in {one.name: one for one in examples.findings}["words_among_numbers"].message


def test_a_column_of_too_many_words_stays_text_and_is_refused_only_where_a_unit_was_asked_for(tmp_path: Path) -> None:
    values = [f"w{i}" if i < 15 else f"{i} kg" for i in range(400)]
    path = written(tmp_path / "a.csv", {"x": values, "z": [str(i % 7) for i in range(400)]})
    examples = read(path)
    assert column(examples, "x")[:2] == ["w0", "w1"]
    assert examples.settled["units"][0] == []
    with pytest.raises(DataError, match="holds numbers in 'kg', and 'w0' is none"):
        read(path, units=("x=kg",))


def test_words_in_rows_without_a_target_do_no_harm(tmp_path: Path) -> None:
    values = ["heavy" if i == 7 else f"{i} kg" for i in range(ROWS)]
    answers = ["" if i == 7 else str(i % 2) for i in range(ROWS)]
    assert isinstance(column(read(written(tmp_path / "a.csv", {"x": values}, answers)), "x"), np.ndarray)


def test_prediction_reads_the_same_unit_and_refuses_another(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.csv",
        {"x": [f"{7 * i % ROWS} kg" for i in range(ROWS)], "at": [f"{i % 24}:30" for i in range(ROWS)]},
    )
    examples = read(path)
    fitted = prepare.fit(prepare.Options(), examples, range(ROWS))
    gather = fitted.transforms[0][1]

    def gathered(rows: Any) -> Any:
        asked = inputs(rows)
        return gather.apply(asked.fetch(range(len(asked)), None), [{}] * len(asked))["numbers"]

    again = gathered(str(path))
    assert again[:3].tolist() == [[0.0, 0.5], [7.0, 1.5], [14.0, 2.5]]
    rows = [{"x": "3 kg", "at": "4:30"}, {"x": 3, "at": datetime.time(4, 30).strftime("%H:%M")}]
    assert gathered(rows).tolist() == [[3.0, 4.5], [3.0, 4.5]]
    with pytest.raises(ExampleError, match="holds numbers in kg, and '3 g' is none"):
        gathered([{"x": "3 g", "at": "4:30"}])
    with pytest.raises(ExampleError, match="holds numbers in hh:mm, and '4:30:10' is none"):
        gathered([{"x": "3 kg", "at": "4:30:10"}])


def test_units_given_by_hand_hold_for_new_data_too(tmp_path: Path) -> None:
    given = read(written(tmp_path / "a.csv", {"x": ["2 kg", "4 kg"] * 30}), units=("x=kg",))
    assert column(given, "x")[:2].tolist() == [2.0, 4.0]
    kept = read(written(tmp_path / "b.csv", {"x": [f"{i} kg" for i in range(ROWS)]}), units="none")
    assert column(kept, "x")[:2] == ["0 kg", "1 kg"]
    with pytest.raises(DataError, match="'3 g' is none"):
        read(written(tmp_path / "c.csv", {"x": ["3 g", "4 kg"] * 30}), units=("x=kg",))
    with pytest.raises(DataError, match="gives no column a unit"):
        read(tmp_path / "a.csv", units=("z=kg",))


def test_a_target_in_a_unit_is_measured(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", {"x": [str(i) for i in range(ROWS)]}, [f"{i}.5 s" for i in range(ROWS)])
    examples = read(path)
    assert examples.facts["value"][:2] == (0.5, 1.5)


@given(st.floats(-1e6, 1e6).map(lambda value: round(value, 3)), st.sampled_from(["kg", "km/h", "°C", "sq ft"]))
def test_what_is_written_with_a_unit_is_read_back(value: float, unit: str) -> None:
    assert units.number(f"{value:.3f} {unit}", unit) == pytest.approx(value)
    assert units.number(f"{value:.3f} {unit}", "mol") is None


def test_times_and_durations_of_a_frame_are_numbers_too() -> None:
    at = [datetime.time(i % 24, 30) for i in range(ROWS)]
    took = [datetime.timedelta(minutes=90 + i) for i in range(ROWS)]
    for frame in (
        polars.DataFrame({"at": at, "took": took, "y": [i % 2 for i in range(ROWS)]}),
        {"at": at, "took": np.array(took, dtype="timedelta64[ns]"), "y": [i % 2 for i in range(ROWS)]},
    ):
        examples = table.read(frame, Options())
        assert column(examples, "at")[:2].tolist() == [0.5, 1.5]
        assert column(examples, "took")[0] == 1.5
