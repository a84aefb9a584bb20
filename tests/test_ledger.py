"""The memory of all runs: old units keep their parts, looks at a test part are counted, damage is set aside."""

import multiprocessing
from pathlib import Path

import pytest

from stepwell import ledger, locks
from stepwell.splits import kfold, stratified

KEY = ledger.split_key("stratified", stratified.Options(), 0)


def content(i):
    return f"{i * 7919 + 1:064x}"[::-1]


class Data:
    """Some examples by number: ids and contents, as they lie at `source`."""

    def __init__(self, numbers, source="/data/here", name="e{}", known=True):
        self.ids = [name.format(i) for i in numbers]
        self.contents = [content(i) if known else None for i in numbers]
        self.source = source

    @property
    def units(self):
        return ledger.units(self.ids, self.contents)

    def remember(self, root, task="fake", key=KEY):
        return ledger.remember(root, task, self.source, self.units, self.ids, key)

    def note(self, root, parts, task="fake", key=KEY):
        return ledger.note_split(root, task, self.source, self.units, parts, key)


def parts_of(numbers):
    return [("train", "valid", "test", "")[i % 4] for i in numbers]


@pytest.fixture
def root(tmp_path):
    return tmp_path / "runs" / ".ledger"


def test_what_was_never_seen_is_not_remembered(root):
    assert Data(range(9)).remember(root) == ledger.Remembered({})


def test_grown_data_keep_the_parts_of_what_was_there(root):
    Data(range(100)).note(root, parts_of(range(100)))
    found = Data([*range(150), 777]).remember(root)
    assert found.parts == {f"e{i}": part for i, part in enumerate(parts_of(range(100))) if part}
    assert found.notes == ("75 examples are known from earlier runs and stay in their parts; 76 are new",)


def test_a_unit_is_known_by_its_content_wherever_it_lies_and_whatever_its_name(root):
    Data(range(40)).note(root, parts_of(range(40)))
    moved = Data(range(40), source="/elsewhere", name="moved/{}").remember(root)
    assert moved.parts == {f"moved/{i}": part for i, part in enumerate(parts_of(range(40))) if part}


def test_rows_that_moved_down_keep_the_parts_of_their_contents_and_a_new_row_gets_none(root):
    Data(range(40), name="row {}").note(root, parts_of(range(40)))
    shifted = Data([999, *range(40)])
    shifted.ids = [f"row {i}" for i in range(41)]
    assert shifted.remember(root).parts == {f"row {i + 1}": part for i, part in enumerate(parts_of(range(40))) if part}


def test_other_data_of_the_same_names_are_not_taken_for_these(root):
    Data(range(40)).note(root, parts_of(range(40)))
    other = Data(range(40))
    other.contents = [content(i + 1000) for i in range(40)]
    assert other.remember(root).parts == {}
    assert other.note(root, ["train"] * 40).lineage != Data(range(40)).note(root, parts_of(range(40))).lineage
    assert Data(range(40)).remember(root).parts["e2"] == "test"


def test_without_contents_ids_at_the_same_place_are_believed_and_elsewhere_not(root, tmp_path):
    here = str(tmp_path)
    Data(range(20), here, known=False).note(root, ["test"] * 20)
    assert len(Data(range(30), here, known=False).remember(root).parts) == 20
    assert Data(range(30), str(tmp_path / "gone"), known=False).remember(root).parts == {}


def test_a_few_known_contents_tell_data_apart_where_the_others_are_unknown(root):
    some = Data(range(100))
    some.contents = [one if i % 5 == 0 else None for i, one in enumerate(some.contents)]
    some.note(root, ["test"] * 100)
    assert len(some.remember(root).parts) == 100
    some.contents = [None if one is None else content(i + 500) for i, one in enumerate(some.contents)]
    assert some.remember(root).parts == {}


def test_another_rule_other_options_another_seed_and_another_task_are_remembered_apart(root):
    data = Data(range(20))
    data.note(root, ["test"] * 20)
    others = [
        ledger.split_key("stratified", stratified.Options(), 1),
        ledger.split_key("stratified", stratified.Options(near=None), 0),
        *(ledger.split_key("kfold", kfold.Options(fold=fold), 0) for fold in range(2)),
    ]
    assert len({KEY, *others}) == 5
    assert all(data.remember(root, key=key).parts == {} for key in others)
    assert data.remember(root, task="other").parts == {}


def test_what_is_gone_for_a_while_is_not_forgotten(root):
    Data(range(40)).note(root, parts_of(range(40)))
    Data(range(30)).note(root, parts_of(range(30)))
    assert Data(range(40)).remember(root).parts["e38"] == "test"


def looked(root, lineage, ids, who, stamp=None):
    looks, notes = ledger.look(root, lineage, ids, who=who, stamp=stamp or who)
    return looks.count, looks.before, notes


def test_looks_at_a_test_part_are_counted_and_a_resumed_run_looks_once(root):
    lineage = Data(range(40)).note(root, parts_of(range(40))).lineage
    test, grown, other = ([f"e{i}" for i in numbers] for numbers in (range(10), range(12), range(20, 30)))
    assert looked(root, lineage, test, "train a") == (1, (), ())
    assert looked(root, lineage, test, "train a") == (1, (), ())
    assert looked(root, lineage, other, "train b") == (1, (), ())
    count, before, notes = looked(root, lineage, grown, "train c")
    assert (count, before) == (2, ("train a",))
    assert "looked at once before, last by train a" in notes[0]
    assert "too good" in notes[0]
    count, before, notes = looked(root, lineage, test, "evaluate c")
    assert (count, before) == (3, ("train c", "train a"))
    assert "2 times before, last by train c" in notes[0]


def test_without_a_lineage_nothing_is_counted(root):
    assert looked(root, "", ["a"], "x") == (0, (), ())
    assert looked(root, "0" * 16, ["a"], "x") == (0, (), ())
    assert not root.exists()


@pytest.mark.parametrize("victim", ["about.json", "looks.json", f"splits/{KEY}.bin"])
@pytest.mark.parametrize("damage", [b"", b"{}", b"stepwell ledger 1\n" + bytes(60)])
def test_a_damaged_ledger_is_set_aside_with_a_note_and_begun_anew(root, victim, damage):
    data = Data(range(20))
    lineage = data.note(root, ["test"] * 20).lineage
    looked(root, lineage, data.ids, "train a")
    (root / lineage / victim).write_bytes(damage)
    found = data.remember(root)
    assert found.parts == {}
    assert "a damaged ledger was set aside" in found.notes[0]
    aside = [one.name for one in root.iterdir() if ".damaged-" in one.name]
    assert len(aside) == 1 and aside[0] in found.notes[0]
    assert data.note(root, ["train"] * 20).notes == ()
    assert set(data.remember(root).parts.values()) == {"train"}


def test_where_it_cannot_be_written_a_note_says_so_and_the_run_goes_on(tmp_path):
    (tmp_path / "file").write_text("")
    data = Data(range(5))
    noted = data.note(tmp_path / "file" / ".ledger", ["train"] * 5)
    assert noted.lineage == ""
    assert "cannot be kept" in noted.notes[0]


def _note_many(root, number):
    data = Data(range(1000 * number, 1000 * number + 50))
    for _ in range(5):
        data.note(root, ["test"] * 50)


def test_several_processes_write_one_after_the_other(root):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_note_many, args=(root, number)) for number in (1, 2)]
    for one in workers:
        one.start()
    for one in workers:
        one.join(60)
    assert [one.exitcode for one in workers] == [0, 0]
    assert all(len(Data(range(1000 * n, 1000 * n + 50)).remember(root).parts) == 50 for n in (1, 2))


def test_it_waits_for_another_run_and_gives_up_with_a_note(root, monkeypatch):
    monkeypatch.setattr(ledger, "_PATIENCE", 0.0)
    root.mkdir(parents=True)
    with locks.hold(root):
        assert "Another process" in Data(range(5)).remember(root).notes[0]


def test_it_lies_beside_the_runs_and_members_share_their_parents():
    base = Path("/x/runs")
    assert ledger.place(base / "fake" / "2024", "fake") == base / ".ledger"
    assert ledger.place(base / "mine", "fake") == base / ".ledger"
    assert ledger.place(base / "fake" / "2024" / "members" / "02", "fake") == base / ".ledger"


def test_a_unit_takes_few_bytes(root):
    ids = [f"row {i}" for i in range(20_000)]
    units = ledger.units(ids, [f"{i:016x}" for i in range(1, len(ids) + 1)])
    ledger.note_split(root, "fake", "here", units, ["train"] * len(ids), KEY)
    assert sum(one.stat().st_size for one in root.rglob("*.bin")) < 18 * len(ids)
    assert len(ledger.remember(root, "fake", "here", units, ids, KEY).parts) == len(ids)
