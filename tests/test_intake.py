"""What the steps before training settle about the data."""

from __future__ import annotations

from stepwell import intake, ledger


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
