"""Folds: every example tested once, groups whole, classes in equal measure, time forward only."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.errors import DataError
from stepwell.schema import Examples
from stepwell.settings import typed
from stepwell.splits import kfold


def listing(n, **facts):
    names = tuple(f"e{i}" for i in range(n))
    return Examples(names, names, {k: tuple(v) for k, v in facts.items()}, lambda i, v: {}, "here", "fake")


def folds(examples, k, groups=None, seed=0, **more):
    found = [
        kfold.assign(kfold.Options(k=k, fold=fold, **more), examples, groups or examples.units, seed)
        for fold in range(k)
    ]
    return [one.parts for one in found], [one.reasons for one in found]


@settings(max_examples=25)
@given(st.lists(st.tuples(st.integers(0, 30), st.sampled_from("aab")), min_size=40, max_size=90), st.integers(2, 6))
def test_each_example_is_tested_once_and_its_group_is_never_trained_on_meanwhile(drawn, k):
    groups = [f"g{g}" for g, _ in drawn]
    labels = [label for _, label in drawn]
    if len({g for g, label in zip(groups, labels, strict=True) if label == "b"}) < 2 or len(set(groups)) < k + 2:
        return
    parts, _ = folds(listing(len(drawn), label=labels), k, groups)
    for i in range(len(drawn)):
        assert sum(one[i] == "test" for one in parts) == 1
    for one in parts:
        assert all(len({p for g, p in zip(groups, one, strict=True) if g == name}) == 1 for name in groups)
        tested = {label for label, p in zip(labels, one, strict=True) if p == "test"}
        assert tested <= {label for label, p in zip(labels, one, strict=True) if p == "train"}


def test_every_fold_holds_each_class_in_its_share_and_valid_is_cut_from_the_rest():
    labels = ["a"] * 100 + ["b"] * 25
    parts, reasons = folds(listing(125, label=labels), 5, valid=0.2)
    for one in parts:
        counts = Counter(zip(labels, one, strict=True))
        assert (counts["a", "test"], counts["b", "test"]) == (20, 5)
        assert (counts["a", "valid"], counts["b", "valid"]) == (16, 4)
    assert set(reasons[3]) == {"by chance within its class", "by chance within its class: fold 3"}


def test_folds_do_not_depend_on_the_share_of_valid_and_valid_differs_between_folds():
    examples = listing(100)
    small, large = folds(examples, 4, valid=0.1)[0], folds(examples, 4, valid=0.5)[0]
    tested = [{i for i, part in enumerate(one) if part == "test"} for one in small]
    assert tested == [{i for i, part in enumerate(one) if part == "test"} for one in large]
    valid = [frozenset(i for i, part in enumerate(one) if part == "valid") for one in small]
    assert len(set(valid)) == 4


def test_growing_data_moves_few():
    before, after = folds(listing(1000), 5)[0], folds(listing(1010), 5)[0]
    moved = sum((a == "test") != (b == "test") for a, b in zip(before[2], after[2], strict=False))
    assert moved <= 20


def test_as_many_folds_as_groups_leave_one_group_out_each():
    groups = [f"g{i % 6}" for i in range(60)]
    parts, _ = folds(listing(60, label=["a", "b", "b"] * 20), 6, groups)
    left = [{g for g, p in zip(groups, one, strict=True) if p == "test"} for one in parts]
    assert sorted(left, key=sorted) == [{f"g{i}"} for i in range(6)]


def test_a_class_of_one_group_is_always_learnt_and_never_tested():
    labels = ["a", "b"] * 20 + ["rare"]
    parts, reasons = folds(listing(41, label=labels), 4)
    assert [one[40] for one in parts] == ["train"] * 4
    assert reasons[0][40] == "never tested: no other group holds its class"


def test_a_given_test_part_is_never_touched():
    part = ["train"] * 30 + ["valid"] * 10 + ["test"] * 20
    parts, reasons = folds(listing(60, part=part), 4)
    assert all(one[40:] == ("",) * 20 for one in parts)
    assert reasons[0][50].startswith("left out: given as test")
    assert all(sum(one[i] == "test" for one in parts) == 1 for i in range(40))


@pytest.mark.parametrize(
    ("examples", "groups", "words"),
    [
        (listing(30), ["g"] * 30, "5 folds need 5 groups of examples that belong together, and there are 1."),
        (listing(30), ["g", "h"] * 15, "there are 2."),
        (listing(4, time=range(4)), None, "5 folds need 5 moments after the first, and there are 3."),
    ],
)
def test_too_few_groups_or_moments_are_refused(examples, groups, words):
    with pytest.raises(DataError) as caught:
        folds(examples, 5, groups, by="time" if "time" in examples.facts else "chance")
    assert words in caught.value.what
    assert caught.value.do


def test_a_fold_that_is_not_there_is_a_wrong_setting():
    with pytest.raises(ValueError, match="of 5 folds the last is 4"):
        typed({"k": 5, "fold": 5}, kfold.Options)


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 60), min_size=30, max_size=90),
    st.integers(2, 5),
    st.floats(0, 3, allow_nan=False),
)
def test_by_time_a_fold_is_tested_by_what_came_before_it(times, k, gap):
    if len(set(times)) <= k:
        return
    parts, reasons = folds(listing(len(times), time=times), k, by="time", gap=gap)
    for one, why in zip(parts, reasons, strict=True):
        when = {part: [t for t, p in zip(times, one, strict=True) if p == part] for part in ("train", "valid", "test")}
        if when["train"] and when["test"]:
            assert max(when["train"]) < min(when["test"]) - gap
        later = [t for t, w in zip(times, why, strict=True) if "later than this fold" in w]
        assert not (when["test"] and later) or max(when["test"]) < min(later)
    assert all(sum(one[i] == "test" for one in parts) <= 1 for i in range(len(times)))


def test_by_time_training_grows_from_fold_to_fold():
    parts, reasons = folds(listing(60, time=range(60)), 5, by="time", valid=0.2)
    assert [Counter(one)["train"] for one in parts] == [8, 16, 24, 32, 40]
    assert [Counter(one)["valid"] for one in parts] == [2, 4, 6, 8, 10]
    assert [Counter(one)["test"] for one in parts] == [10] * 5
    assert [one.index("test") for one in parts] == [10, 20, 30, 40, 50]
    assert reasons[0][20] == "left out: later than this fold, which ends before 20"
    assert not [why for why in reasons[4] if why.startswith("left out")]


def test_parts_by_time_do_not_stay_with_the_units_and_those_by_chance_do():
    assert kfold.moves(kfold.Options(by="time"))
    assert not kfold.moves(kfold.Options())
