"""What is planted in rows and pictures is found, by the check that is made for it; clean ones are left in peace."""

import re
from collections import Counter
from functools import cache

import msgspec
import numpy as np
import planted
import pytest

from stepwell import columns, discovery, inspection

BOTH = planted.LEAKS | planted.FAULTS
CASES = [pytest.param(name, make, id=f"{name}-{make.__name__}") for name, makers in BOTH.items() for make in makers]


def found(data, parts=None):
    return {one.name: one for one in inspection.run_checks(data, parts)}


@cache
def planted_in(make):
    return found(make())


def test_there_are_ten_kinds_of_leaks():
    assert len(planted.LEAKS) == 10


@pytest.mark.parametrize(("name", "make"), CASES)
def test_what_is_planted_is_found_and_said_whole(name, make):
    finding = planted_in(make)[name]
    assert finding.message.endswith(".")
    assert re.search(r"\d", finding.message)
    assert all((finding.why, finding.remedy, finding.refuted_by, finding.evidence))
    assert msgspec.json.decode(msgspec.json.encode(finding), type=type(finding)) == finding


@pytest.mark.parametrize(("name", "make"), CASES)
def test_what_is_planted_sets_off_nothing_else_of_weight(name, make):
    others = [one for one in planted_in(make).values() if one.name != name and one.severity > 1]
    assert others == []


def test_a_leak_is_never_a_mere_notice():
    for name, makers in planted.LEAKS.items():
        assert planted_in(makers[0])[name].severity >= 2


def test_clean_data_of_many_kinds_set_off_nothing_in_fifty_draws():
    alarms = Counter()
    for seed in range(50):
        make = planted.CLEAN[seed % len(planted.CLEAN)]
        alarms.update((make.__name__, name) for name in found(make(np.random.default_rng(seed), 200)))
    assert alarms == Counter()


@pytest.mark.parametrize("make", planted.CLEAN)
def test_clean_data_cut_at_random_set_off_nothing_after_the_split(make):
    data = make(np.random.default_rng(1), 400)
    given = data.examples.facts.get("part")
    parts = given or np.random.default_rng(2).choice(["train", "valid", "test"], 400, p=[0.7, 0.1, 0.2]).tolist()
    assert found(data, parts) == {}


def test_only_the_answer_by_another_name_stops():
    stopping = {name for name, makers in BOTH.items() if planted_in(makers[0])[name].severity == 3}
    assert stopping == {"target_copy"}


@pytest.mark.parametrize(
    ("make", "name", "columns_said"),
    [
        (planted.copied, "target_copy", "outcome"),
        (planted.converted, "target_copy", "in_dollars"),
        (planted.told_afterwards, "label_revealing", "discharge_code"),
        (planted.sorted_by_label, "label_revealing", "number"),
        (planted.summed, "label_revealing_pair", "net, tax"),
        (planted.either_or, "label_revealing_pair", "left, right"),
        (planted.filled_in_after, "missingness_reveals", "date_of_claim"),
        (planted.in_waves, "time_order", "day"),
        (planted.a_calendar_of_columns, "time_order", "Year, month"),
        (planted.never_changing, "constant_columns", "country, fax"),
        (planted.words_among_numbers, "mixed_types", "weight"),
        (planted.endless, "infinite", "x2"),
    ],
)
def test_the_column_is_named(make, name, columns_said):
    assert planted_in(make)[name].where == {"column": columns_said}


def test_outliers_name_the_rows_and_what_is_usual():
    finding = planted_in(planted.a_slip_of_unit)["outliers"]
    assert finding.examples == ("row 6", "row 91")
    evidence = finding.evidence["height"]
    assert evidence["values"] == ["17600", "18100"]
    assert 140 < evidence["others_from"] < 160 < 190 < evidence["others_to"] < 215


def test_a_few_grades_of_which_one_is_a_word_are_no_mixture():
    r, table, label = planted.ordinary()
    doors = r.choice(["2", "3", "4", "5more"], 400).tolist()
    assert "mixed_types" not in found(planted.rows({**table, "doors": doors}, label))


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("sign", [1, -1])
def test_outliers_do_not_depend_on_the_unit(scale, sign):
    check = discovery.load("audit", "outliers").check
    _, table, label = planted.ordinary()
    far = np.where(np.arange(400) == 9, 5000.0, table["x0"])
    (finding,) = check(planted.rows({"x": sign * scale * far}, label), None)
    assert (finding.name, finding.examples) == ("outliers", ("row 10",))


def test_an_answer_far_from_all_others_is_harmful():
    _, table, value = planted.measured()
    value[3] = 4e5
    finding = found(planted.rows(table, value=value))["outliers"]
    assert (finding.severity, finding.where, finding.examples) == (2, {"column": "target"}, ("row 4",))


def test_parts_that_follow_each_other_in_time_are_the_remedy_and_no_fault():
    data = planted.in_waves()
    days = sorted(range(400), key=data.columns["day"].__getitem__)
    label = [data.labels[i] for i in days]
    table = {name: column[days] for name, column in data.columns.items() if isinstance(column, np.ndarray)}
    table["day"] = [data.columns["day"][i] for i in days]
    assert "time_order" in found(planted.rows(table, label))
    in_order = planted.rows(table, label, part=["train"] * 300 + ["test"] * 100)
    assert "time_order" not in found(in_order)
    made = ["train"] * 250 + ["valid"] * 50 + ["test"] * 100
    assert "time_order" not in found(planted.rows(table, label), made)
    assert "time_order" in found(planted.rows(table, label), made[::-1])


def test_the_fact_time_counts_as_a_date():
    data = planted.in_waves()
    seconds = columns.dates(data.columns["day"])
    table = {name: column for name, column in data.columns.items() if name != "day"}
    assert found(planted.rows(table, data.labels, time=seconds.tolist()))["time_order"].where == {"column": "time"}


def test_suspected_labels_are_those_that_were_changed():
    finding = planted_in(planted.mislabeled)["suspected_labels"]
    said = finding.evidence["as_labeled_and_as_expected"]
    assert len(said) >= 10
    assert all((int(name.removeprefix("row ")) - 1) % 20 == 0 for name in said)


def test_the_leaked_share_of_near_copies_is_counted_by_part():
    finding = planted_in(planted.saved_anew)["near_duplicates_across_parts"]
    assert finding.evidence | {"shown": None} == {
        "sets": 12,
        "largest_set": 2,
        "shown": None,
        "in_valid": 0,
        "in_test": 12,
    }
    assert finding.message.startswith("12 of 50 test examples")


def test_drift_is_measured_per_part():
    finding = planted_in(planted.shifted)["drift"]
    assert finding.where == {"part": "test", "column": "x3"}
    assert 0.25 < finding.evidence["apart"]["x3"] < 0.55


def test_many_rows_are_looked_at_in_a_sample_that_is_said():
    r = np.random.default_rng(0)
    n = columns.ROWS + 5_000
    table = planted.numbered(r.normal(size=(n, 2)))
    label = np.where(r.random(n) < 0.5, "a", "b")
    leak = np.where(label == "a", 1.0, 2.0)
    finding = found(planted.rows({**table, "leak": leak}, label))["target_copy"]
    assert f"(of {columns.ROWS:,} rows looked at, of {n:,})" in finding.message


def test_ten_times_more_columns_than_are_looked_at_are_checked_in_time_and_said(monkeypatch):
    monkeypatch.setattr(columns, "COLUMNS", 20)
    r = np.random.default_rng(0)
    data = planted.rows(planted.numbered(r.normal(size=(100, 200))), r.choice(["a", "b"], 100))
    assert list(found(data)) == ["many_columns"]
    assert found(data)["many_columns"].evidence["not_looked_at"] == 180


def test_a_single_row_or_a_column_of_nothing_is_no_accident():
    for table in ({"x": np.array([np.nan])}, {"t": [None]}, {"x": np.array([np.inf])}):
        found(planted.rows(table, ["a"]))
    found(planted.rows({"x": np.full(200, np.nan), "t": [None] * 200, "i": np.full(200, np.inf)}, ["a", "b"] * 100))
    found(planted.rows({"x": np.full(200, np.nan), "t": [None] * 200}, value=np.zeros(200)))


def test_numbers_at_the_limits_of_float64_are_borne():
    r = np.random.default_rng(0)
    big = 3e307 * r.normal(size=(200, 3))
    table = planted.numbered(big) | {"small": 1e-308 * r.normal(size=200), "gaps": np.where(big[:, 0] > 0, np.nan, 1)}
    found(planted.rows(table, value=3e307 * r.normal(size=200)))
    found(planted.rows(table, r.choice(["a", "b"], 200), part=["train"] * 100 + ["test"] * 100))


def test_rows_without_any_answer_are_checked_for_what_needs_none():
    table = {"x": np.arange(100.0), "one": ["same"] * 100}
    assert set(found(planted.rows(table, value=[np.nan] * 100))) == {"id_like", "constant_columns"}
