"""What the steps before training settle about the data."""

from __future__ import annotations

from typing import Literal

from stepwell import intake, ledger
from stepwell.schema import Finding


def test_a_file_that_was_one_part_of_more_is_split_anew_and_that_is_said() -> None:
    known = ledger.Remembered({"a": "train", "b": "valid"}, ("a note",))
    kept = intake._useful(known, 2)
    assert kept.parts == {}
    assert kept.notes == (
        "a note",
        "all 2 examples are known from earlier runs, but none of them was in test: they are split anew",
    )


def test_what_is_remembered_is_kept_where_new_examples_may_fill_the_parts() -> None:
    known = ledger.Remembered({"a": "train", "b": "valid"})
    assert intake._useful(known, 3) is known
    whole = ledger.Remembered({"a": "train", "b": "valid", "c": "test"})
    assert intake._useful(whole, 3) is whole


def test_what_a_check_said_before_the_split_and_does_not_repeat_after_it_holds_unless_it_looks_again() -> None:
    def finding(name: str, severity: Literal[1, 2, 3], message: str = "") -> Finding:
        return Finding(name, severity, message, why="", remedy="")

    before = [finding("time_order", 2), finding("outliers", 1), finding("imbalance", 1)]
    after = [finding("imbalance", 1), finding("drift", 2)]
    assert [one.name for one in intake._merged(before, after)] == ["drift", "imbalance", "outliers"]
    assert intake._merged(before, [finding("time_order", 2)])[0].name == "time_order"
