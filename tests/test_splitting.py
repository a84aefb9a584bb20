"""Groups, refusals and the file of a split."""

import csv

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell import splitting
from stepwell.errors import DataError, RunError
from stepwell.schema import Examples
from stepwell.splits import chronological, stratified
from stepwell.splitting import Row


def listing(n, units=None, **facts):
    names = tuple(f"e{i}" for i in range(n))

    def fetch(indices, views):
        return {"raw": [names[i] for i in indices]}

    return Examples(names, tuple(units or names), {k: tuple(v) for k, v in facts.items()}, fetch, "here", "fake")


def rows(examples, digests=None, **more):
    return splitting.make_split(
        stratified.Options(), stratified, examples, digests or [None] * len(examples), 0, **more
    )


def test_units_groups_and_equal_contents_are_joined():
    examples = listing(7, units=["u", "u", "v", "w", "x", "y", "z"], group=[None, "p", "p", None, None, None, None])
    names = splitting.join_groups(examples, ["1", "2", "3", "4", "4", None, None])
    assert names == ("p", "p", "p", "w", "w", "y", "z")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)), max_size=25), st.randoms())
def test_groups_are_the_connected_components_in_any_order(drawn, random):
    ids = tuple(str(i) for i in range(len(drawn)))

    def groups(order):
        unit = tuple(f"u{drawn[i][0]}" for i in order)
        group = tuple(None if drawn[i][1] > 5 else f"g{drawn[i][1]}" for i in order)
        examples = Examples(tuple(ids[i] for i in order), unit, {"group": group}, lambda i, v: {}, "here", "fake")
        return dict(zip(examples.ids, splitting.join_groups(examples, [f"d{drawn[i][2]}" for i in order]), strict=True))

    order = list(range(len(drawn)))
    found = groups(order)
    reach = {i: {i} for i in order}  # the oracle: spread until nothing changes
    tied = {
        i: {j for j in order if any(drawn[i][k] == drawn[j][k] and (k != 1 or drawn[i][1] <= 5) for k in range(3))}
        for i in order
    }
    for _ in order:
        reach = {i: set().union(*(tied[j] for j in reach[i])) for i in order}
    assert all((found[ids[i]] == found[ids[j]]) == (j in reach[i]) for i in order for j in order)
    random.shuffle(order)
    assert groups(order) == found


def test_equal_contents_never_lie_on_both_sides():
    digests = [str(i // 2) for i in range(60)]
    found = rows(listing(60, label=["a", "b"] * 30), digests)
    assert all(found[i].part == found[i + 1].part for i in range(0, 60, 2))


def test_what_cannot_be_read_is_in_no_part_and_says_why():
    found = rows(listing(40, label=["a", "b"] * 20), left_out={3: "not a picture"})
    assert (found[3].part, found[3].why) == ("", "left out: not a picture")
    assert {row.part for i, row in enumerate(found) if i != 3} == {"train", "valid", "test"}
    assert splitting.summary(found)[-1] == "in no part 1, for instance 'e3': left out: not a picture"
    parts = splitting.indices_by_part(found)
    assert sorted(i for indices in parts.values() for i in indices) == [i for i in range(40) if i != 3]


@pytest.mark.parametrize(
    ("examples", "what", "do"),
    [
        (listing(0), "None of the 0 examples", "point to a source"),
        (listing(9, label=["a"] * 9), "All 9 examples have the label 'a'", "another class"),
        (listing(4, label="abcd"), "Each of the 4 classes has one example only", "at least 3 examples"),
        (listing(4, units=["u"] * 4, label="aabb"), "leaves valid and test empty (train 4, valid 0, test 0", "shares"),
        (
            listing(6, label="aabbcc", part=["train"] * 4 + ["valid", "test"]),
            "1 of the classes in valid or test is not in train and cannot be learnt: 'c' (2).",
            "add training examples",
        ),
    ],
)
def test_what_cannot_be_learnt_or_judged_is_refused(examples, what, do):
    with pytest.raises(DataError) as caught:
        rows(examples)
    assert what in caught.value.what
    assert do in caught.value.do
    assert caught.value.where == "here"


def test_a_class_check_needs_a_task_that_answers_labels():
    assert len(rows(listing(30, label=["a"] * 30), truth=())) == 30
    assert len(rows(listing(30, label=[i / 3 for i in range(30)]))) == 30


def test_what_an_earlier_run_split_stays_and_its_groups_new_ones_join():
    before = listing(40, label=["a", "b"] * 20)
    earlier = {row.id: row.part for row in rows(before)}
    grown = listing(80, label=["a", "b"] * 40)
    digests = [None] * 80
    digests[0] = digests[79] = "same"
    found = rows(grown, digests, earlier=earlier)
    assert {row.id: row.part for row in found[:40]} == earlier
    assert (found[79].part, found[79].why) == (earlier["e0"], "joins its group of an earlier run")
    assert {row.part for row in found[40:]} == {"train", "valid", "test"}


def test_nothing_readable_names_the_first_problem():
    with pytest.raises(DataError, match="None of the 2 examples") as caught:
        rows(listing(2), left_out={0: "cut short", 1: "empty"})
    assert "cut short" in caught.value.do


def test_the_rule_is_the_modules():
    examples = listing(10, time=range(10), label=["a", "b"] * 5)
    found = splitting.make_split(chronological.Options(), chronological, examples, [None] * 10, 0)
    assert [row.part for row in found] == ["train"] * 7 + ["valid"] + ["test"] * 2


def test_a_subset_fetches_its_own():
    part = splitting.subset(listing(5, label="abcde"), [4, 1])
    assert part.ids == ("e4", "e1")
    assert part.facts["label"] == ("e", "b")
    assert part.fetch(np.array([1, 0]), None) == {"raw": ["e1", "e4"]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("split")


words = st.text(max_size=8) | st.sampled_from(
    ["=1+1", "'x", "''", "\n", "\r", 'a"b', "@x", "\udcff.png", "a\r\nb", "\0"]
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.builds(Row, words, words, st.sampled_from(["train", "valid", "test", ""]), words, words), max_size=5)
)
def test_rows_come_back_as_they_were(folder, rows):
    path = folder / "split.csv"
    splitting.write_split(path, rows)
    assert splitting.read_split(path) == rows


def test_no_cell_is_a_formula(tmp_path):
    path = tmp_path / "split.csv"
    splitting.write_split(path, [Row(*(f"{start}cmd|' /C calc'!A0" for start in "=+-@\t"))])
    with path.open(newline="") as file:
        assert all(cell.startswith("'") for cell in list(csv.reader(file))[1])


@pytest.mark.parametrize(
    "content",
    [b"", b"a,b\r\n", b"unit,id,part,group,why\r\na,b\r\n", b"\xff\xfe", b'unit,id,part,group,why\r\na,b,c,d,"e',
     b"unit,id,part,group,why\r\na,b,holdout,d,e\r\n"],
)  # fmt: skip
def test_a_damaged_file_is_refused(tmp_path, content):
    path = tmp_path / "split.csv"
    path.write_bytes(content)
    with pytest.raises(RunError, match="damaged"):
        splitting.read_split(path)


def test_pictures_that_look_alike_stay_together_and_the_note_names_two():
    hashes = [f"{i * 0x9E3779B97F4A7C15F39CC0605CEDC834**2 % 2**256:064x}" for i in range(1, 61)]
    hashes[50] = hashes[3][:-1] + ("0" if hashes[3][-1] != "0" else "1")
    examples = listing(60, label=["a", "b"] * 30)
    ties = splitting.find_ties(stratified.Options(), examples, hashes)
    assert "2 examples are nearly the same, in 1 sets" in ties.notes[0] and "'e3' and 'e50'" in ties.notes[0]
    found = rows(examples, ties=ties)
    assert found[3].part == found[50].part and found[3].group == found[50].group
    assert splitting.find_ties(stratified.Options(near=None), examples, hashes) == splitting.Ties()
    assert "not kept together" in splitting.find_ties(stratified.Options(), examples, [hashes[0]] * 60).notes[0]


def test_keys_tie_what_agrees_in_all_of_them():
    examples = listing(40, label=["a", "b"] * 20, owner=[f"o{i % 20}" for i in range(40)])
    ties = splitting.find_ties(stratified.Options(keys=("owner",)), examples)
    found = rows(examples, ties=ties)
    assert all(found[i].part == found[i + 20].part for i in range(20))
    assert ties.notes == ("20 groups by owner stay whole",)


def test_rules_of_others_need_neither_keys_nor_near():
    assert splitting.find_ties(object(), listing(3), ["a", None, None]) == splitting.Ties()


def test_what_the_ledger_remembers_is_kept_but_for_given_parts():
    examples = listing(40, label=["a", "b"] * 20)
    plain = rows(examples)
    assert rows(examples, remembered={row.id: row.part for row in plain}) == plain
    other = next(row.id for row in plain if row.part == "train")
    kept = rows(examples, remembered={other: "test"})
    assert next(row for row in kept if row.id == other).part == "test"
    assert next(row for row in kept if row.id == other).why == "as in earlier runs (the ledger)"
    given = ["train"] * 30 + ["valid"] * 4 + ["test"] * 6
    moved = listing(40, label=["a", "b"] * 20, part=given)
    assert [row.part for row in rows(moved, remembered=dict.fromkeys(moved.ids, "test"))] == given
