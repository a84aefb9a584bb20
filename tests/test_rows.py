"""Equal rows: known by a hash, and told apart by whether chance explains them."""

from __future__ import annotations

import numpy as np
import pytest

from stepwell import rows


def by_chance(columns):
    return rows.equal_by_chance(columns, rows.keys(columns, len(columns[0])))


def test_rows_are_equal_where_all_their_cells_are():
    numbers = np.array([0.0, -0.0, np.nan, np.nan, 1.0])
    texts = ["a", "a", None, None, ""]
    first, second, third, fourth, fifth = rows.keys([numbers, texts], 5).tolist()
    assert first == second and third == fourth
    assert len({first, third, fifth}) == 3


def test_what_is_nothing_is_neither_zero_nor_an_empty_text():
    assert len(set(rows.keys([[None, "", "absent"]], 3).tolist())) == 3
    assert len(set(rows.keys([np.array([0.0, np.nan])], 2).tolist())) == 2


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("levels", "columns"), [(3, 6), (2, 12), (10, 3)])
def test_few_values_make_equal_rows_by_chance(seed: int, levels: int, columns: int):
    draw = np.random.default_rng(seed)
    table = [draw.integers(0, levels, 500).astype(float) for _ in range(columns)]
    assert len(np.unique(rows.keys(table, 500))) < 500
    assert by_chance(table)


@pytest.mark.parametrize("share", [0.01, 0.2, 0.7])
def test_copies_of_measured_rows_are_no_chance_however_many(share: float):
    draw = np.random.default_rng(0)
    table = np.round(draw.normal(size=(400, 5)), 2)
    copied = np.concatenate([table, table[: int(share * 400)]])
    assert not by_chance(list(copied.T))


def test_a_column_that_names_the_rows_hides_no_copies():
    """A time stamp beside slow sensors: rows near in time differ in it alone, and still some rows are copies."""
    draw = np.random.default_rng(0)
    moment, sensor = np.arange(300.0), [np.repeat(draw.normal(size=60), 5) for _ in range(3)]
    table = [np.concatenate([column, column[:20]]) for column in (moment, *sensor)]
    assert not by_chance(table)


def test_rows_that_all_differ_are_not_equal_by_chance():
    assert not by_chance([np.arange(10.0), ["x"] * 10])


def test_values_of_one_fine_column_come_twice_by_chance():
    column = np.random.default_rng(0).integers(0, 1000, 240).astype(float)
    assert len(np.unique(column)) < 240
    assert by_chance([column])
    other = np.random.default_rng(1).integers(0, 1000, 240).astype(float)
    copied = [np.concatenate([one, one[:5]]) for one in (column, other)]
    assert not by_chance(copied)
