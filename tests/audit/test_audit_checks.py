"""Every check finds its fault, says it in numbers, and is silent on clean data."""

import dataclasses
from pathlib import Path

import planted
import pytest

from stepwell import discovery, inspection
from stepwell.inspection import Inspection
from stepwell.schema import PARTS, Examples


def looked(labels, digests=None, errors=None, parts=None, sizes=None, looked_at=None):
    n = len(labels)
    names = tuple(f"e{i}" for i in range(n))
    facts = {"label": tuple(labels), **({"part": tuple(parts)} if parts else {})}
    return Inspection(
        examples=Examples(names, names, facts, lambda i, v: {}, "here", "fake"),
        looked=tuple(looked_at if looked_at is not None else range(n)),
        errors=errors or {},
        digests=tuple(digests or (f"d{i}" for i in range(n))),
        sizes=sizes or {},
        labels=tuple(labels),
        anchor=(),
        note="",
    )


def found(name, data, parts=None):
    return discovery.load("audit", name).check(data, parts)


CLEAN = looked(["cat", "dog"] * 30)
CLEAN_PARTS = (["train"] * 14 + ["valid"] * 2 + ["test"] * 4) * 3


@pytest.mark.parametrize("name", discovery.names("audit"))
@pytest.mark.parametrize("parts", [None, CLEAN_PARTS])
def test_clean_data_is_silent(name, parts):
    assert found(name, CLEAN, parts) == []


def test_the_walk_over_the_room_is_silent_on_clean_data_and_puts_the_worst_first():
    assert inspection.run_checks(CLEAN, None) == ()
    data = looked(["cat"] * 50 + ["dog"], ["same"] * 2 + [f"d{i}" for i in range(49)])
    weights = [one.severity for one in inspection.run_checks(data, None)]
    assert weights == sorted(weights, reverse=True)
    assert len(set(weights)) > 1


FAULTS = {
    "unreadable": looked(["cat", "dog"] * 20, errors={3: "The file is not a picture."}, sizes={3: 12}),
    "empty": looked(["cat", "dog"] * 20, errors={3: "The file is empty."}, sizes={3: 0, 4: 9}),
    "truncated": looked(["cat", "dog"] * 20, errors={3: "image file is truncated (2 bytes left)"}, sizes={3: 20}),
    "duplicates": looked(["cat", "dog"] * 20, ["x", "y"] * 2 + [f"d{i}" for i in range(36)]),
    "conflicting_labels": looked(["cat", "dog"] * 20, ["x", "x"] + [f"d{i}" for i in range(38)]),
    "missing_classes": looked(["cat", "dog"] * 20, parts=["train", "train", "test", "train"] * 10),
    "imbalance": looked(["cat"] * 100 + ["dog"] * 15),
    "too_few": looked(["cat"] * 12 + ["dog"] * 5),
}


def test_every_check_of_the_house_is_tried_here():
    own = {path.stem for path in Path(discovery.__file__).parent.joinpath("audit").glob("[a-z]*.py")}
    # Of checks of columns and pictures one finding or more carries the name of the check.
    assert own == set(FAULTS) | (own & {*planted.LEAKS, *planted.FAULTS})


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_by_its_check_with_all_that_a_finding_says(name):
    (finding,) = found(name, FAULTS[name])
    assert finding.name == name
    assert finding.severity in (1, 2)
    assert finding.message.endswith((".", "!"))
    assert all((finding.why, finding.remedy, finding.refuted_by, finding.evidence))


@pytest.mark.parametrize("name", ["unreadable", "empty", "truncated"])
def test_a_file_that_fails_is_counted_by_one_check_only(name):
    assert [other for other in ("unreadable", "empty", "truncated") if found(other, FAULTS[name])] == [name]
    assert found(name, FAULTS[name])[0].examples == ("e3",)


@pytest.mark.parametrize(
    ("name", "error", "size"), [("unreadable", "no", 5), ("empty", "empty", 0), ("truncated", "truncated", 5)]
)
def test_half_of_the_files_bad_stops(name, error, size):
    data = looked(["a", "b"] * 5, errors=dict.fromkeys(range(5), error), sizes=dict.fromkeys(range(5), size))
    assert found(name, data)[0].severity == 3


def test_a_sample_says_what_its_counts_refer_to():
    data = looked(["a", "b"] * 20, ["x", "x"] + [None] * 38, looked_at=[0, 1])
    assert "(of the 2 looked at, of 40)" in found("duplicates", data)[0].message


def test_copies_across_given_parts_are_harmful_and_counted_per_part():
    digests = ["x", "x", "y", "y", "z", "z"] + [f"d{i}" for i in range(14)]
    parts = ["train", "test", "valid", "test", "train", "train"] + ["train", "valid", "test", "test"] * 3 + ["test"] * 2
    within, across = found("duplicates", looked(["a", "b"] * 10, digests, parts=parts))
    assert (within.severity, within.evidence["copies"], within.evidence["sets"]) == (1, 3, 3)
    assert across.severity == 2
    assert across.evidence == {"sets": 2, "in_valid": 0, "in_test": 2}
    assert "2 of 10 test examples (20.0 %)" in across.message
    assert set(across.examples) == {"e0", "e1", "e2", "e3"}


def test_copies_that_a_split_keeps_together_are_only_noted():
    data = looked(["a", "b"] * 10, ["x"] * 2 + [f"d{i}" for i in range(18)])
    assert [one.name for one in found("duplicates", data, ["test"] * 2 + ["train"] * 18)] == ["duplicates"]


def test_conflicting_labels_say_how_many_answers_are_surely_wrong():
    data = looked(["a", "a", "b", "b", "c"], ["x", "x", "x", "y", "y"])
    (finding,) = found("conflicting_labels", data)
    assert finding.evidence["surely_wrong"] == 2
    assert finding.evidence["examples"] == 5
    assert "'a / b' (1)" in finding.message


def test_a_class_that_train_lacks_stops():
    data = looked(["a", "b"] * 10 + ["new"], parts=["train", "test"] * 5 + ["train"] * 10 + ["test"])
    untrained, unjudged = found("missing_classes", data)
    assert (untrained.name, untrained.severity, untrained.examples) == ("untrained_classes", 3, ("e20",))
    assert "'new'" in untrained.message
    assert (unjudged.name, unjudged.severity, unjudged.where) == ("missing_classes", 2, {"part": "test"})


def test_an_unreadable_example_does_not_make_a_class_present():
    labels, parts = ["a", "b"] * 3, ["train", "train", "valid", "valid", "test", "test"]
    data = looked(labels, errors={5: "no"}, parts=parts)
    assert [one.where["part"] for one in found("missing_classes", data)] == ["test"]
    assert found("missing_classes", looked(labels, parts=parts)) == []


@pytest.mark.parametrize(
    ("sizes", "severity"),
    [
        ((49, 10), None),
        ((50, 10), 1),
        ((199, 10, 100), 1),
        ((200, 10, 100), 2),
        ((300, 20, 20), 1),
        ((180, 21), 1),
        ((190, 21), 2),
    ],
)
def test_imbalance_grows_with_the_ratio(sizes, severity):
    data = looked([f"c{i}" for i, size in enumerate(sizes) for _ in range(size)])
    assert [one.severity for one in found("imbalance", data)] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("labels", "name", "severity"),
    [
        (["a"] * 20, "one_class", 3),
        (["a", "b", "c"], "one_example_a_class", 3),
        (["a"] * 10 + ["b"] * 2, "too_few", 2),
        (["a"] * 10 + ["b"] * 9, "too_few", 1),
    ],
)
def test_too_few_is_graded(labels, name, severity):
    (finding,) = found("too_few", looked(labels))
    assert (finding.name, finding.severity) == (name, severity)


def test_a_task_without_classes_is_left_alone():
    data = dataclasses.replace(CLEAN, labels=())
    assert inspection.run_checks(data, PARTS * 20) == ()
