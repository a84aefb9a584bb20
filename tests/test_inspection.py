"""One pass over the data: errors kept apart, digests, samples under a time limit, fingerprints."""

import hashlib
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

from stepwell import inspection
from stepwell.errors import ExampleError
from stepwell.schema import Examples


def listing(contents, labels=None, fetch_fails=()):
    names = tuple(f"e{i:04}" for i in range(len(contents)))

    def fetch(indices, views):
        for i in indices:
            if i in fetch_fails:
                raise ExampleError("no permission", where=names[i])
        return {"image": [contents[i] for i in indices], "label": ["secret"] * len(indices)}

    facts = {"label": tuple(labels)} if labels else {}
    return Examples(names, names, facts, fetch, "here", "fake")


def folder(truth=("label",), look=None):
    prepare = SimpleNamespace() if look is None else SimpleNamespace(look=look)
    return SimpleNamespace(card=SimpleNamespace(truth=truth), module=lambda name: prepare)


def decode(example):
    one = example["image"]
    if one.startswith(b"bad"):
        raise ExampleError(f"cannot decode {one.decode()}")
    return {"digest": hashlib.sha256(one.lower()).hexdigest(), "length": len(one)}


def test_bad_examples_are_kept_apart_and_the_rest_go_on():
    contents = [b"A", b"a", b"bad 2", b"", *(b"%d" % i for i in range(4, 30))]
    found = inspection.inspect(listing(contents, fetch_fails={9}), folder(look=decode))
    assert dict(found.errors) == {2: "cannot decode bad 2", 9: "no permission"}
    assert found.digests[0] == found.digests[1] != found.digests[3]
    assert [i for i, digest in enumerate(found.digests) if digest is None] == [2, 9]
    assert found.looks[0]["length"] == 1
    assert found.sizes[3] == 0
    assert found.sizes[2] == 5
    assert found.looked == tuple(range(30))
    assert (found.note, found.scope) == ("looked at all 30 examples", "")


def test_no_examples_are_no_trouble():
    assert inspection.inspect(listing([]), folder(look=decode)).looked == ()


def test_without_a_decoder_the_inputs_are_hashed_and_the_answers_are_not():
    arrays = [np.zeros(3), np.zeros(3), np.zeros(3, dtype=np.int64), b"x", "x", 1.5, object(), None]
    found = inspection.inspect(listing(arrays), folder())
    assert found.digests[0] == found.digests[1]
    assert found.digests[6] is None
    known = [found.digests[i] for i in (0, 2, 3, 4, 5, 7)]
    assert len(set(known)) == 6


def test_labels_are_taken_only_where_the_task_answers_classes():
    assert inspection.inspect(listing([b"1", b"2"], ["a", "b"]), folder(look=decode)).labels == ("a", "b")
    assert inspection.inspect(listing([b"1", b"2"], ["a", "b"]), folder((), decode)).labels == ()
    assert inspection.inspect(listing([b"1", b"2"], [0.5, 1.5]), folder(look=decode)).labels == ()


def test_a_time_limit_takes_a_stratified_sample_and_says_so():
    contents = [b"%d" % i for i in range(3000)]
    labels = ["rare" if i % 100 == 0 else "common" for i in range(3000)]

    def slow(example):
        time.sleep(0.0004)
        return decode(example)

    found = inspection.inspect(listing(contents, labels), folder(look=slow), seconds=0.2)
    assert inspection.ANCHOR <= len(found.looked) < 3000
    rare = sum(labels[i] == "rare" for i in found.looked)
    assert abs(rare - len(found.looked) / 100) <= 1
    assert found.note.startswith("looked at a stratified sample of ")
    assert all((found.digests[i] is not None) == (i in set(found.looked)) for i in range(3000))


def test_progress_reaches_the_end_and_few_examples_are_held():
    contents = [b"%d" % i for i in range(600)]
    held, most, guard = 0, 0, threading.Lock()
    examples = listing(contents)

    def fetch(indices, views):
        nonlocal held, most
        with guard:
            held += len(indices)
            most = max(most, held)
        return examples.fetch(indices, views)

    def look(example):
        nonlocal held
        with guard:
            held -= 1
        return decode(example)

    told = []
    source = Examples(examples.ids, examples.units, {}, fetch, "here", "fake")
    inspection.inspect(source, folder(look=look), progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (600, 600)
    assert told == sorted(told)
    assert most <= 32


def test_a_fault_of_the_program_is_not_taken_for_a_bad_example():
    def broken(example):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        inspection.inspect(listing([b"1"]), folder(look=broken))


def test_a_fingerprint_follows_the_data_and_nothing_else():
    contents, labels = [b"%d" % i for i in range(300)], ["a", "b"] * 150

    def print_of(contents, labels, seconds=None):
        return inspection.fingerprint(inspection.inspect(listing(contents, labels), folder(look=decode), seconds))

    before = print_of(contents, labels)
    assert print_of(contents, labels, seconds=1e-6) == before
    assert print_of(contents[:-1], labels[:-1]) != before
    assert print_of(contents, ["b", *labels[1:]]) != before
    anchor = inspection.inspect(listing(contents, labels), folder(look=decode)).anchor
    changed = [b"other" if i == anchor[0] else one for i, one in enumerate(contents)]
    assert print_of(changed, labels) != before
