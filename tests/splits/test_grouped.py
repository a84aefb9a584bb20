"""Groups named by columns: they must be there, full, and as many as parts."""

from collections import Counter

import numpy as np
import pytest

from stepwell.errors import DataError
from stepwell.schema import Examples
from stepwell.settings import typed
from stepwell.splits import grouped, key_values
from stepwell.splitting import find_ties, make_split


def table(n, columns=None, **facts):
    names = tuple(f"row {i}" for i in range(n))
    raw = dict(columns or {})

    def fetch(indices, views):
        return {
            k: v[np.asarray(indices)] if isinstance(v, np.ndarray) else [v[i] for i in indices] for k, v in raw.items()
        }

    facts = {k: tuple(v) for k, v in facts.items()}
    return Examples(names, names, facts, fetch, "here.csv", "fake", columns=tuple(raw))


def split(examples, **options):
    chosen = grouped.Options(**options)
    ties = find_ties(chosen, examples)
    return make_split(chosen, grouped, examples, [None] * len(examples), 0, ties=ties), ties


def test_groups_of_a_column_stay_whole_and_classes_are_in_every_part():
    patient = [f"p{i // 4}" for i in range(200)]
    rows, ties = split(table(200, {"patient": patient}, label=["a", "b"] * 100), keys=("patient",))
    where = {}
    for row, name in zip(rows, patient, strict=True):
        where.setdefault(name, set()).add(row.part)
    assert all(len(parts) == 1 for parts in where.values())
    assert Counter(row.part for row in rows) == {"train": 140, "valid": 20, "test": 40}
    assert rows[0].why == "by chance, by patient"
    assert ties.notes == ("50 groups by patient stay whole",)


def test_the_fact_group_is_the_default():
    rows, _ = split(table(60, group=[f"g{i % 12}" for i in range(60)]))
    assert {row.group for row in rows} == {f"g{i}" for i in range(12)}


def test_keys_together_are_one_key_and_what_is_missing_ties_nothing():
    birth = np.array([1.0, 2.0, 1.0, np.nan, np.nan, 1.0])
    name = ["x", "x", "x", "y", "y", None]
    assert key_values(table(6, {"birth": birth, "name": name}), ("name", "birth")) == [
        ("x", 1.0), ("x", 2.0), ("x", 1.0), None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("examples", "options", "what", "do"),
    [
        (table(9, {"patient": ["a"] * 9}), {"keys": ("patiant",)}, "no column 'patiant'", "'patient'"),
        (table(9), {}, "no column 'group'", "no columns to choose from"),
        (table(9, group=["a", None, "b"] * 3), {}, "3 of 9 examples name no group (group)", "--split.keys group"),
        (table(9, group=["a"] * 9), {}, "train, valid, test need a group each, and there is 1 (group).", "other"),
        (table(9, group=["a", "b", "b"] * 3), {}, "there are 2 (group).", "other groups"),
    ],
)
def test_without_usable_groups_there_is_no_grouped_split(examples, options, what, do):
    with pytest.raises(DataError) as caught:
        split(examples, **options)
    assert what in caught.value.what
    assert do in caught.value.do
    assert caught.value.where.startswith("here.csv")


def test_no_keys_at_all_are_a_wrong_setting():
    with pytest.raises(ValueError, match="length >= 1"):
        typed({"keys": []}, grouped.Options)
