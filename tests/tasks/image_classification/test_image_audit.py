"""The audit and the split on real files: planted faults are found, clean data is silent."""

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from stepwell import discovery, inspection, splitting
from stepwell.splits import stratified
from stepwell.tasks.image_classification.readers import folder_per_class

DIGITS = load_digits()


@pytest.fixture
def source(tmp_path):
    for i in range(120):
        path = tmp_path / "digits" / ("odd" if DIGITS.target[i] % 2 else "even") / f"{i}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((DIGITS.images[i] * 15).astype(np.uint8)).resize((32, 32)).save(path)
    return tmp_path / "digits"


def look(source):
    examples = folder_per_class.read(source, folder_per_class.Options())
    return inspection.inspect(examples, discovery.task("image_classification"))


def split(inspected):
    return splitting.make_split(
        stratified.Options(), stratified, inspected.examples, inspected.digests, 0, left_out=inspected.errors
    )


def test_clean_pictures_are_silent_before_and_after_the_split(source):
    inspected = look(source)
    rows = split(inspected)
    assert inspected.errors == {}
    assert inspection.run_checks(inspected, None) == ()
    assert inspection.run_checks(inspected, [row.part for row in rows]) == ()


def test_planted_faults_are_found(source):
    one = Image.open(source / "even" / "0.png")
    one.save(source / "even" / "copy.bmp")
    one.convert("RGB").save(source / "odd" / "wrong.png")
    (source / "even" / "void.png").write_bytes(b"")
    (source / "odd" / "text.jpg").write_text("this is no picture")
    whole = source / "odd" / "cut.jpg"
    one.save(whole)
    whole.write_bytes(whole.read_bytes()[:-60])
    inspected = look(source)
    found = {finding.name: finding for finding in inspection.run_checks(inspected, None)}
    assert set(found) == {"duplicates", "conflicting_labels", "empty", "unreadable", "truncated"}
    assert found["duplicates"].evidence == {"copies": 2, "sets": 1, "largest_set": 3}
    assert [found[name].examples[0].split("/")[-1] for name in ("empty", "unreadable", "truncated")] == [
        "void.png",
        "text.jpg",
        "cut.jpg",
    ]
    rows = split(inspected)
    alike = {row.part for row in rows if row.id.endswith(("/0.png", "copy.bmp", "wrong.png"))}
    assert len(alike) == 1
    assert {row.id.split("/")[-1] for row in rows if not row.part} == {"void.png", "text.jpg", "cut.jpg"}


def test_copies_across_given_parts_are_found(source):
    for part, numbers in (("train", range(60)), ("test", range(55, 120))):
        for label in ("even", "odd"):
            (source / part / label).mkdir(parents=True)
            for i in numbers:
                path = source / label / f"{i}.png"
                if path.exists():
                    (source / part / label / f"{i}.png").write_bytes(path.read_bytes())
    for label in ("even", "odd"):
        for path in (source / label).iterdir():
            path.unlink()
        (source / label).rmdir()
    inspected = look(source)
    (across,) = [one for one in inspection.run_checks(inspected, None) if one.name == "duplicates_across_parts"]
    assert across.evidence["in_test"] == 5
    parts = [row.part for row in split(inspected)]
    assert [one for one in inspection.run_checks(inspected, parts) if one.name == across.name] == [across]
