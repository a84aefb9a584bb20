"""Raw columns become inputs, fitted on the training part alone, and answers come back in original terms."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from stepwell import discovery, intake, preparation, recipe
from stepwell.errors import DataError, ExampleError, RecipeError
from stepwell.job import Job
from stepwell.schema import Array, Columns, Examples, Part
from stepwell.tabular import cells
from stepwell.tasks.table import prepare
from stepwell.tasks.table.transforms import gather_columns

ROWS = 60


def examples(columns: Mapping[str, Any], *, label: Sequence[str] | None = None, value: Any = None) -> Examples:
    """Rows in memory, as a reader gives them: arrays of numbers, lists of text."""
    count = len(next(iter(columns.values())))
    if value is None and label is None:
        label = ["no", "yes"] * (count // 2) + ["no"] * (count % 2)
    truth: dict[str, Any] = {"value": np.asarray(value, dtype=float)} if label is None else {"label": list(label)}
    held = {**columns, **truth}

    def fetch(indices: Sequence[int], views: Array | None) -> Columns:
        del views
        chosen = list(indices)
        return {
            name: column[chosen] if isinstance(column, np.ndarray) else [column[i] for i in chosen]
            for name, column in held.items()
        }

    ids = tuple(f"row {i + 1}" for i in range(count))
    facts = {name: tuple(column) for name, column in truth.items()}
    return Examples(ids, ids, facts, fetch, "rows.csv", "rows", columns=tuple(columns))


def mixed(rows: int = ROWS) -> dict[str, Any]:
    """Two columns of numbers, one with gaps; one category with gaps; one of dates."""
    draw = np.random.default_rng(0)
    income = draw.normal(50, 10, rows)
    income[:6] = np.nan
    city: list[str | None] = ["Bern", "Basel", "Chur"] * (rows // 3)
    city[:6] = [None] * 6
    dates = [f"2024-{1 + i % 12:02}-{1 + i % 28:02}" for i in range(rows)]
    return {"age": draw.integers(20, 60, rows).astype(float), "income": income, "city": city, "since": dates}


def fitted(source: Examples, **options: Any) -> preparation.Preparation:
    """Fitted on all rows, after a journey as JSON."""
    made = prepare.fit(prepare.Options(**options), source, range(len(source)))
    rooms = ("table.transforms", "transforms")
    assert preparation.from_json(json.loads(json.dumps(preparation.to_json(made))), rooms) == made
    return made


def columns_of(made: preparation.Preparation, source: Examples, rows: Sequence[int] | None = None) -> Columns:
    chosen = range(len(source)) if rows is None else rows
    return preparation.prepare(made, source, chosen, ("label", "value")).columns


def test_every_kind_of_column_has_its_place() -> None:
    source = examples(mixed())
    made = fitted(source)
    numbers, categories = made.schema.inputs
    assert numbers.columns == (
        *("age", "income", "since: days", "since: year_sin", "since: year_cos", "since: week_sin", "since: week_cos"),
        "income missing",
    )
    assert (categories.columns, categories.levels) == (("city",), (5,))
    prepared = columns_of(made, source)
    assert isinstance(prepared["numbers"], np.ndarray)
    assert prepared["numbers"].shape == (ROWS, *numbers.shape)
    assert prepared["numbers"].dtype == np.float32
    assert np.isfinite(prepared["numbers"]).all()
    np.testing.assert_array_equal(prepared["numbers"][:, -1], [1] * 6 + [0] * (ROWS - 6))
    assert np.asarray(prepared["categories"])[[0, 6, 7, 8], 0].tolist() == [4, 2, 1, 3]
    assert np.asarray(prepared["label"]).tolist() == [0, 1] * (ROWS // 2)


def test_nothing_but_the_training_part_is_looked_at() -> None:
    columns = mixed()
    changed = {name: list(column) for name, column in columns.items()}
    for column in changed.values():
        column[40:] = [column[0]] * 20 if isinstance(column[0], float) else ["elsewhere"] * 20
    other = {name: np.asarray(column) if name in ("age", "income") else column for name, column in changed.items()}
    options = prepare.Options(bins=4)
    train = range(40)
    assert prepare.fit(options, examples(columns), train) == prepare.fit(options, examples(other), train)
    resolved = [prepare.resolve(options, examples(one), train) for one in (columns, other)]
    assert resolved[0] == resolved[1]


def test_at_prediction_columns_come_as_text_in_any_order_with_others_between() -> None:
    source = examples(mixed())
    made = fitted(source)
    expected, _ = preparation.run(made, source.fetch([6, 7], None))
    raw = source.fetch([6, 7], None)
    age, income = raw["age"], raw["income"]
    given: Columns = {
        "since": raw["since"],
        "age": [f" {int(one)} " for one in age],
        "new": ["x", "y"],
        "city": [f"{one} " for one in raw["city"]],
        "income": [repr(float(one)) for one in income],
    }
    found, _ = preparation.run(made, given)
    assert set(found) == {"numbers", "categories"}
    for name, column in found.items():
        np.testing.assert_array_equal(column, expected[name])


def test_what_was_never_seen_is_code_0_and_what_is_missing_is_filled() -> None:
    made = fitted(examples(mixed()))
    given: Columns = {"age": [None, "?"], "income": ["NA", ""], "city": ["Rome", "?"], "since": [None, "soon"]}
    found, _ = preparation.run(made, given)
    assert np.isfinite(found["numbers"]).all()
    assert np.asarray(found["categories"]).tolist() == [[0], [4]]


def nameless(*places: int) -> Columns:
    """Columns that are called by their places."""
    draw = np.random.default_rng(0)
    return {f"column {place}": draw.normal(size=ROWS) for place in places}


@pytest.mark.parametrize(
    ("trained", "taken", "refused"),
    [
        ((1, 2, 4), [(1, 2, 3, 4), (1, 2, 4)], [(1, 2, 3), (1, 2, 3, 4, 5)]),  # the answer was column 3
        ((2, 3, 4), [(1, 2, 3, 4)], [(1, 2, 3)]),
        ((1, 2, 3), [(1, 2, 3), (1, 2, 3, 4)], [(1, 2), (1, 2, 3, 4, 5)]),  # it came last, or beside the table
    ],
)
def test_columns_without_names_are_told_apart_by_their_places_or_not_at_all(
    trained: tuple[int, ...], taken: list[tuple[int, ...]], refused: list[tuple[int, ...]]
) -> None:
    columns = nameless(*trained)
    last = f"column {trained[-1]}"
    made = fitted(examples({**columns, last: np.ones(ROWS)}), omit=[last])  # without it no column would be missed
    for given in taken:
        preparation.run(made, nameless(*given))
    for given in refused:
        with pytest.raises(DataError, match=f"There are {len(given)} columns without names"):
            preparation.run(made, nameless(*given))


@pytest.mark.parametrize(
    ("places", "learned", "widths"),
    [
        ((1, 2, 3, 5), (1, 2, 3), (3, 4, 5)),  # all, without the answer 4, and without the unused 5 too
        ((1, 2, 3, 5), (1, 3), (4, 5)),
        ((1, 2, 3), (2, 3), (3, 4)),
        ((1, 3, 4, 5), (1, 3), (5,)),
    ],
)
def test_what_stands_behind_the_columns_that_are_learned_from_may_be_left_out(
    places: tuple[int, ...], learned: tuple[int, ...], widths: tuple[int, ...]
) -> None:
    names = [[f"column {place}" for place in some] for some in (places, learned)]
    assert gather_columns.widths([*names[0], "label"], names[1]) == widths


def test_files_without_a_header_must_have_the_same_columns(tmp_path: Path) -> None:
    files = [tmp_path / "one" / "a.csv", tmp_path / "two" / "a.csv"]
    for file, row in zip(files, ("1,2,3\n", "1,3\n"), strict=True):
        file.parent.mkdir()
        file.write_text(20 * row)
    with pytest.raises(DataError, match=r"one/a\.csv has 3, .*two/a\.csv has 2"):
        prepare.inputs(files)
    files[1].write_text(20 * "4,5,6\n")
    assert len(prepare.inputs(files)) == 40


def test_columns_with_names_may_be_as_many_as_they_like() -> None:
    made = fitted(examples({"column 2": np.arange(ROWS, dtype=float), "age": np.arange(ROWS) % 7 + 0.5}))
    preparation.run(made, {**nameless(1, 2), "age": np.ones(ROWS)})
    preparation.run(made, {**nameless(2), "age": np.ones(ROWS)})


def test_an_absent_column_and_a_word_among_numbers_are_named() -> None:
    made = fitted(examples(mixed()))
    with pytest.raises(DataError, match="'income', which the network was trained with, is not there"):
        preparation.run(made, {"age": [1.0], "incom": [1.0], "city": ["Bern"], "since": [None]})
    with pytest.raises(ExampleError, match="'age' holds numbers, and 'old' is none"):
        preparation.run(made, {"age": ["old"], "income": [1.0], "city": ["Bern"], "since": [None]})


@pytest.mark.parametrize("infinite", [np.inf, -np.inf])
def test_an_infinite_number_counts_as_missing(infinite: float) -> None:
    columns = mixed()
    columns["age"][3] = infinite
    source = examples(columns)
    made = fitted(source)
    assert "age missing" in made.schema.inputs[0].columns
    assert np.isfinite(columns_of(made, source)["numbers"]).all()


@pytest.mark.parametrize("missing", ["median", "mean", "mode", "constant", "knn", "iterative"])
@pytest.mark.parametrize("scaling", ["auto", "standard", "quantile"])
def test_every_way_to_fill_and_scale_leaves_no_gap(missing: str, scaling: str) -> None:
    source = examples(mixed())
    made = fitted(source, missing=missing, scaling=scaling, bins=8)
    assert np.isfinite(columns_of(made, source)["numbers"]).all()


def test_delete_refuses_rows_with_gaps_and_says_which_can_be_used() -> None:
    source = examples(mixed())
    made = fitted(source, missing="delete")
    assert prepare.usable(made, source, [0, 5, 6, 59]) == [6, 59]
    assert prepare.usable(fitted(source), source, [0, 6]) == [0, 6]
    assert len(columns_of(made, source, [6, 7])["numbers"]) == 2
    with pytest.raises(ExampleError, match="no value in the column 'income'"):
        columns_of(made, source, [0])
    numbers = made.schema.inputs[0]
    complete = prepare.fit(prepare.Options(), source, range(6, ROWS)).schema.inputs[0]
    assert numbers == complete
    columns = mixed()
    columns["income"][:] = np.where(np.arange(ROWS) % 2, columns["income"], np.nan)
    columns["age"][1::2] = np.nan
    with pytest.raises(DataError, match="Every row"):
        fitted(examples(columns), missing="delete")


def test_a_training_says_how_many_rows_it_leaves_out_and_stops_where_a_part_is_lost() -> None:
    source = examples(mixed())
    made = fitted(source, missing="delete")
    notes: list[str] = []
    job = cast("Job", SimpleNamespace(folder=discovery.task("table"), progress=SimpleNamespace(note=notes.append)))
    parts: dict[Part, list[int]] = {"train": [0, 1, 6], "valid": [7], "test": []}
    assert intake._usable(job, made, source, parts) == {"train": [6], "valid": [7], "test": []}
    assert notes == ["2 of 3 train examples cannot be prepared and are left out"]
    with pytest.raises(DataError, match="No example of the test part"):
        intake._usable(job, made, source, {**parts, "test": [0]})


def test_one_hot_and_no_indicator() -> None:
    source = examples(mixed())
    made = fitted(source, categories="one_hot", indicator=False, dates="text", rare=1)
    (numbers,) = made.schema.inputs
    assert numbers.columns[:6] == ("age", "income", "city = Basel", "city = Bern", "city = Chur", "city = (missing)")
    assert numbers.columns[6].startswith("since = 2024-01-")
    prepared = np.asarray(columns_of(made, source)["numbers"])
    np.testing.assert_array_equal(prepared[:, 2:6].sum(axis=1), 1)


def test_a_table_of_categories_alone_and_one_of_numbers_alone() -> None:
    words = fitted(examples({"city": ["Bern", "Chur"] * 10}))
    assert [one.name for one in words.schema.inputs] == ["categories"]
    hot = fitted(examples({"city": ["Bern", "Chur"] * 10}), categories="one_hot")
    assert [one.name for one in hot.schema.inputs] == ["numbers"]
    figures = fitted(examples({"age": np.arange(20.0)[::-1]}))
    assert [one.name for one in figures.schema.inputs] == ["numbers"]


def test_bins_hold_about_as_many_rows_each_and_a_frequent_value_takes_one() -> None:
    draw = np.random.default_rng(0)
    columns = {"even": draw.normal(size=400), "zeros": draw.lognormal(size=400), "flag": np.arange(400.0) % 2}
    columns["zeros"][:300] = 0
    source = examples(columns)
    numbers = fitted(source, bins=10).schema.inputs[0]
    scaled = np.asarray(columns_of(fitted(source, bins=10), source)["numbers"])
    counts, _ = np.histogram(scaled[:, 0], numbers.bins[0])
    assert (np.abs(counts - 40) <= 2).all()
    assert len(numbers.bins[1]) >= 7
    assert numbers.bins[2] == ()
    assert fitted(source).schema.inputs[0].bins == ()


def test_very_many_columns_are_cut_into_fewer_pieces_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = np.random.default_rng(0)
    source = examples({f"x{i}": draw.normal(size=60) for i in range(10)})

    def most(pieces: int) -> int:
        monkeypatch.setattr(prepare, "PIECES", pieces)
        return max(map(len, fitted(source, bins=10).schema.inputs[0].bins), default=0)

    assert (most(200), most(50), most(30)) == (11, 6, 0)


def test_numbers_that_are_names_can_be_taken_as_categories() -> None:
    columns = {**mixed(), "code": np.tile([1.0, 2.0, np.nan], ROWS // 3)}
    source = examples(columns)
    made = fitted(source, categorical=("code",))
    assert made.schema.inputs[1].columns == ("city", "code")
    raw = source.fetch([0, 1, 2], None)
    expected = np.asarray(preparation.run(made, raw)[0]["categories"])[:, 1]
    found = preparation.run(made, {**raw, "code": ["1", "2.0", ""]})[0]["categories"]
    assert np.asarray(found)[:, 1].tolist() == expected.tolist() == [1, 2, 3]
    with pytest.raises(DataError, match="no column 'cod'"):
        fitted(source, categorical=("cod",))


def test_yes_and_no_in_many_spellings_are_two_values() -> None:
    spelled = ["Yes", "no", "TRUE", "False", "y", "N"] * 10
    made = fitted(examples({"member": spelled, "size": np.arange(60) % 7.0}))
    assert made.schema.inputs[1].levels == (3,)  # never seen, no, yes
    columns: Columns = {"member": ["true", "0", "maybe", "YES", "n"], "size": np.zeros(5)}
    found, _ = preparation.run(made, columns)
    assert np.asarray(found["categories"]).ravel().tolist() == [2, 1, 0, 2, 1]


def test_letters_that_are_more_than_yes_and_no_stay_themselves() -> None:
    made = fitted(examples({"grade": ["Y", "N", "T", "X"] * 15, "size": np.arange(60) % 7.0}))
    assert made.schema.inputs[1].levels == (5,)


def test_what_names_the_row_or_never_varies_is_left_out_with_the_reason() -> None:
    columns = {
        **mixed(),
        "remark": [f"remark {i}" for i in range(ROWS)],
        "cabin": [f"C{i}" if i < 12 else None for i in range(ROWS)],
        "number": np.arange(1.0, ROWS + 1),
        "same": np.full(ROWS, 3.0),
        "empty": np.full(ROWS, np.nan),
        "nothing": [None] * ROWS,
        "year": 1960 + np.arange(float(ROWS)),
    }
    found = prepare.resolve(prepare.Options(), examples(columns), range(ROWS))
    left_out, why = found["omit"]
    assert left_out == ["remark", "number", "same", "empty", "nothing"]
    assert "'remark' (100 % of its texts are seen fewer than 3 times)" in why
    assert "'number' (it numbers the rows)" in why
    made = fitted(examples(columns))
    assert set(made.schema.inputs[1].columns) == {"city", "cabin"}
    kept = fitted(examples(columns), omit=("remark",))
    assert "number" in kept.schema.inputs[0].columns
    assert "remark" not in kept.schema.inputs[1].columns
    assert "omit" not in prepare.resolve(prepare.Options(omit=()), examples(columns), range(ROWS))


def test_a_heavy_tail_is_told_and_scaled_by_quantiles() -> None:
    columns = {"even": np.random.default_rng(0).normal(size=ROWS), "wealth": np.r_[np.arange(ROWS - 1.0), 1e9]}
    value, why = prepare.resolve(prepare.Options(), examples(columns), range(ROWS))["scaling"]
    assert value == "quantile"
    assert "'wealth'" in why
    even = prepare.resolve(prepare.Options(), examples({"even": columns["even"]}), range(ROWS))["scaling"]
    assert even[0] == "standard"
    explicit = fitted(examples(columns), scaling="quantile")
    assert explicit == fitted(examples(columns))


def test_a_number_is_answered_in_its_own_unit() -> None:
    value = np.linspace(1e6, 2e6, ROWS)
    source = examples(mixed(), value=value)
    made = fitted(source)
    (target,), (output,) = made.schema.targets, made.schema.outputs
    assert (target.kind, output.name, output.shape) == ("number", "value_scaled", (1,))
    scaled = np.asarray(columns_of(made, source)["value"])
    assert scaled.dtype == np.float32
    assert (scaled.mean(), scaled.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-6))
    answers = prepare.decode({"value_scaled": scaled[:, None]}, [{}] * ROWS, made.schema)
    assert list(answers["value"]) == pytest.approx(value.tolist(), rel=1e-6)
    assert np.asarray(answers["value"]).shape == (ROWS,)
    assert prepare.row({"value": 2.0}, made.schema) == {"value": 2.0}
    plain = fitted(source, scale_target=False).schema.targets[0]
    assert (plain.mean, plain.std) == ((0.0,), (1.0,))


def test_a_class_is_answered_with_probabilities_that_no_logit_breaks() -> None:
    schema = fitted(examples(mixed())).schema
    answers = prepare.decode({"logits": np.array([[1000.0, 0.0], [0.0, np.log(3)]])}, [{}, {}], schema)
    assert answers["label"] == ["no", "yes"]
    np.testing.assert_allclose(np.asarray(answers["probabilities"], float), [[1.0, 0.0], [0.25, 0.75]])
    assert list(answers["probability"]) == pytest.approx([1, 0.75])
    first = {name: column[1] for name, column in answers.items()}
    assert prepare.row(first, schema)["probabilities"] == {"no": pytest.approx(0.25), "yes": pytest.approx(0.75)}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (examples(mixed(), label=["yes"] * ROWS), "1 class"),
        (examples(mixed(), value=[5.0] * ROWS), "5 in every row"),
        (examples({"same": np.ones(ROWS)}), "no column to learn from"),
    ],
)
def test_what_cannot_be_learned_is_said(source: Examples, message: str) -> None:
    with pytest.raises(DataError, match=message):
        fitted(source)
    with pytest.raises(DataError, match="training part is empty"):
        prepare.fit(prepare.Options(), source, [])


def test_too_many_columns_of_0_and_1_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "WIDEST", 3)
    with pytest.raises(DataError, match="makes 4 columns"):
        fitted(examples(mixed()), categories="one_hot")


def test_what_the_reader_took_for_nothing_is_nothing_at_prediction() -> None:
    source = examples({"age": np.array([1.0, 2.0, np.nan] * 10), "city": ["Bern", "none given", "Chur"] * 10})
    fetch = source.fetch

    class Fetch:
        rules = cells.Rules(missing=frozenset({"-999", "unknown"}))

        def __call__(self, indices: Sequence[int], views: Array | None) -> Columns:
            return fetch(indices, views)

    made = fitted(Examples(**{**vars(source), "fetch": Fetch()}), scaling="none")
    found, _ = preparation.run(made, {"age": ["-999", "1", "-999.0"], "city": ["unknown", "Bern", "?"]})
    assert np.asarray(found["numbers"]).tolist() == [[1.5, 1], [1, 0], [1.5, 1]]
    assert np.asarray(found["categories"]).tolist() == [[0], [1], [0]]
    measured, _ = preparation.run(made, {"age": np.array([-999.0, 2.0]), "city": ["Bern", "Bern"]})
    assert np.asarray(measured["numbers"]).tolist() == [[1.5, 1], [2, 0]]


def test_numbers_given_for_texts_are_written_plainly() -> None:
    assert gather_columns.texts_of(np.array([1.0, 2.5, np.nan, np.inf]), frozenset()) == ["1", "2.5", None, None]
    assert gather_columns.texts_of([3, True, " a ", "", None], frozenset()) == ["3", "True", "a", None, None]


def test_the_positive_class_is_chosen_and_numbers_have_none() -> None:
    assert fitted(examples(mixed()), positive="no").schema.targets[0].classes == ("yes", "no")
    assert recipe.draft("table", ("default",), {"positive": "no"}).values["prepare"]["positive"] == "no"
    with pytest.raises(RecipeError, match="The answers are numbers"):
        fitted(examples(mixed(), value=range(ROWS)), positive="no")
