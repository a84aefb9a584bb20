"""The rules of the shelf `splits`: shares, groups, order of listing, given parts, time."""

import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.errors import DataError, RecipeError
from stepwell.schema import PARTS, Examples
from stepwell.splits import chronological, stratified
from stepwell.splits import given as given_parts


def listing(n, **facts):
    names = tuple(f"e{i}" for i in range(n))
    return Examples(names, names, {k: tuple(v) for k, v in facts.items()}, lambda i, v: {}, "here", "fake")


def split(examples, groups=None, seed=0, rule=stratified, **options):
    return rule.assign(rule.Options(**options), examples, groups or examples.units, seed)


def per_class(labels, parts):
    return {label: Counter(p for one, p in zip(labels, parts, strict=True) if one == label) for label in set(labels)}


def test_every_class_has_the_wanted_shares():
    labels = ["a"] * 100 + ["b"] * 30 + ["c"] * 10
    found = per_class(labels, split(listing(140, label=labels)).parts)
    assert found["a"] == {"train": 70, "valid": 10, "test": 20}
    assert found["b"] == {"train": 21, "valid": 3, "test": 6}
    assert found["c"] == {"train": 7, "valid": 1, "test": 2}


def test_three_of_a_class_are_in_three_parts_and_two_begin_with_train():
    labels = ["big"] * 50 + ["three"] * 3 + ["two"] * 2
    found = per_class(labels, split(listing(55, label=labels)).parts)
    assert found["three"] == {"train": 1, "valid": 1, "test": 1}
    assert found["two"]["train"] == 1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=3, max_size=60), st.permutations(range(60)), st.integers(0, 5))
def test_the_order_of_listing_changes_nothing(labels, shuffle, seed):
    examples = listing(len(labels), label=labels)
    groups = [f"g{i // 2}" for i in range(len(labels))]
    before = dict(zip(examples.ids, split(examples, groups, seed).parts, strict=True))
    order = [i for i in shuffle if i < len(labels)]
    moved = Examples(
        tuple(examples.ids[i] for i in order),
        tuple(examples.units[i] for i in order),
        {"label": tuple(labels[i] for i in order)},
        examples.fetch,
        "here",
        "fake",
    )
    after = split(moved, [groups[i] for i in order], seed)
    assert dict(zip(moved.ids, after.parts, strict=True)) == before


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from("ab")), min_size=1, max_size=80), st.integers(0, 9))
def test_groups_stay_whole_and_three_groups_fill_three_parts(drawn, seed):
    groups = [f"g{g}" for g, _ in drawn]
    parts = split(listing(len(drawn), label=[label for _, label in drawn]), groups, seed).parts
    assert all(len({p for g, p in zip(groups, parts, strict=True) if g == name}) == 1 for name in groups)
    assert "train" in parts
    by_label = {label: {g for g, (_, one) in zip(groups, drawn, strict=True) if one == label} for label in "ab"}
    if not (by_label["a"] & by_label["b"]) and max(map(len, by_label.values())) >= 3:
        assert set(parts) == set(PARTS)


def test_another_seed_gives_another_split_and_the_same_seed_the_same():
    examples = listing(200, label=["a", "b"] * 100)
    assert split(examples, seed=1) == split(examples, seed=1)
    assert split(examples, seed=1).parts != split(examples, seed=2).parts


def test_growing_data_moves_few():
    small, large = listing(1000), listing(1010)
    before, after = split(small).parts, split(large).parts
    assert sum(a != b for a, b in zip(before, after, strict=False)) <= 40


def test_measured_targets_are_not_strata():
    parts = Counter(split(listing(100, label=[i / 7 for i in range(100)])).parts)
    assert parts == {"train": 70, "valid": 10, "test": 20}


def test_one_large_group_is_levelled_out_by_small_ones():
    parts = Counter(split(listing(100), ["big"] * 60 + [f"s{i}" for i in range(40)]).parts)
    assert parts == {"train": 70, "valid": 10, "test": 20}


def test_shares_that_do_not_add_up_say_what_to_set():
    with pytest.raises(RecipeError) as caught:
        split(listing(10), test=0.3)
    assert "add up to 1.1" in caught.value.what
    assert caught.value.do == "set split.train to 0.6"


def test_given_parts_are_kept_and_a_missing_one_is_cut_from_train():
    part = ["train"] * 80 + ["test"] * 20
    found = split(listing(100, part=part, label=["a", "b"] * 50))
    assert found.parts[80:] == ("test",) * 20
    assert Counter(found.parts[:80]) == {"train": 70, "valid": 10}
    assert "no valid part given, cut from train" in found.reasons[0]
    assert found.reasons[80] == "given"


def test_all_parts_given_are_kept_to_the_letter():
    part = ["test", "train", "valid", "train"] * 5
    assert split(listing(20, part=part)).parts == tuple(part)


def test_a_group_that_crosses_given_parts_is_not_cut_and_its_mates_join():
    part = ["train", "test", None] + ["train"] * 30 + [None]
    groups = ["g", "g", "h"] + [f"t{i}" for i in range(30)] + ["g"]
    found = split(listing(34, part=part), groups)
    assert found.parts[:2] == ("train", "test")
    assert found.parts[33] == "train"
    assert found.reasons[33] == "joins its group"
    assert found.parts.count("test") == 1
    assert found.parts.count("valid") > 0


def test_an_unknown_given_part_is_refused():
    with pytest.raises(DataError, match="'holdout' is none of"):
        split(listing(2, part=["holdout", "train"]))


def test_given_demands_all_parts():
    assert split(listing(3, part=PARTS), rule=given_parts).parts == PARTS
    with pytest.raises(DataError, match=r"train 2, valid 0, test 1, in none of these 1, for instance 'e3'"):
        split(listing(4, part=["train", "train", "test", None]), rule=given_parts)
    with pytest.raises(DataError, match="train 0"):
        split(listing(2), rule=given_parts)


def test_time_goes_forward_over_the_parts():
    times = [i * 37 % 100 for i in range(100)]
    found = split(listing(100, time=times), rule=chronological)
    when = {part: [t for t, p in zip(times, found.parts, strict=True) if p == part] for part in PARTS}
    assert [len(when[part]) for part in PARTS] == [70, 10, 20]
    assert max(when["train"]) < min(when["valid"])
    assert max(when["valid"]) < min(when["test"])


def test_a_gap_leaves_out_what_lies_before_a_border():
    found = split(listing(100, time=range(100)), rule=chronological, gap=3)
    out = [i for i, part in enumerate(found.parts) if not part]
    assert out == [67, 68, 69, 77, 78, 79]
    assert "in the gap before 70, where valid begins" in found.reasons[67]


def test_a_group_across_a_border_is_left_out_and_says_so():
    groups = [f"g{i}" for i in range(10)]
    groups[0] = groups[9]
    found = split(listing(10, time=[f"2024-05-{i + 1:02}" for i in range(10)]), groups, rule=chronological)
    assert (found.parts[0], found.parts[9]) == ("", "")
    assert found.reasons[0] == "left out: its group crosses 2024-05-08, where valid begins"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9)), min_size=1, max_size=60),
    st.floats(0, 5, allow_nan=False),
)
def test_no_part_sees_the_time_of_a_later_one(drawn, gap):
    groups = [f"g{g}" for _, g in drawn]
    times = [t for t, _ in drawn]
    parts = split(listing(len(drawn), time=times), groups, rule=chronological, gap=gap).parts
    assert len(set(zip(groups, parts, strict=True))) == len(set(groups))
    placed = sorted((PARTS.index(p), t) for t, p in zip(times, parts, strict=True) if p)
    for (part, time), (later, next_time) in itertools.pairwise(placed):
        assert part == later or next_time - time > gap


def test_a_missing_part_is_cut_from_the_end_of_given_train():
    part = ["train"] * 80 + ["test"] * 20
    found = split(listing(100, time=range(100), part=part), rule=chronological)
    assert found.parts == ("train",) * 70 + ("valid",) * 10 + ("test",) * 20


@pytest.mark.parametrize(
    ("times", "words"),
    [([1, None], "no time that can be ordered: None"), ([1, "yesterday"], "'yesterday'"), ([1, "2024-01-01"], "form")],
)
def test_times_that_have_no_order_are_refused(times, words):
    with pytest.raises(DataError) as caught:
        split(listing(2, time=times), rule=chronological)
    assert words in str(caught.value)


def test_no_time_at_all_is_refused():
    with pytest.raises(DataError, match="carry no time"):
        split(listing(3), rule=chronological)
