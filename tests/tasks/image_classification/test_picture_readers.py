"""The readers of image classification, on real files in real formats."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from stepwell import archives
from stepwell.errors import DataError, ExampleError
from stepwell.schema import Examples
from stepwell.tasks.image_classification.readers import arrays, folder_per_class, idx, manifest


def png(value: int = 0, side: int = 4) -> bytes:
    file = io.BytesIO()
    Image.new("L", (side, side), value).save(file, format="PNG")
    return file.getvalue()


def laid_out(root: Path, names: list[str]) -> Path:
    for place, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(png(place) if name.endswith(".png") else b"text")
    return root


def zipped(root: Path, path: Path) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for one in sorted(root.rglob("*")):
            archive.write(one, one.relative_to(root))
    return path


def tarred(root: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz" if path.name.endswith("gz") else "w") as archive:
        archive.add(root, arcname=root.name)
    return path


def folders(root: Path, **options: Any) -> Examples:
    return folder_per_class.read(root, folder_per_class.Options(**options))


def facts(examples: Examples) -> list[tuple[Any, ...]]:
    parts = examples.facts.get("part", (None,) * len(examples))
    return list(zip(examples.ids, examples.facts["label"], parts, strict=True))


# ------------------------------------------------------------------------------------------------ folders


FLAT = ["cat/2.png", "cat/10.png", "dog/a/1.png"]
PARTS = ["train/cat/1.png", "train/dog/1.png", "val/cat/2.png", "Test/dog/a/3.png"]


def test_a_folder_per_class(tmp_path: Path) -> None:
    examples = folders(laid_out(tmp_path, FLAT))
    assert facts(examples) == [("cat/2.png", "cat", None), ("cat/10.png", "cat", None), ("dog/a/1.png", "dog", None)]
    assert (examples.units, examples.facts["path"]) == (examples.ids, examples.ids)
    assert "part" not in examples.facts
    columns = examples.fetch([2, 0], None)
    assert columns == {"image": [png(2), png(0)], "label": ["dog", "cat"], "path": ["dog/a/1.png", "cat/2.png"]}
    assert folder_per_class.recognizes(tmp_path) == "folders of pictures: cat, dog/a"


def test_nested_folders_may_name_the_class_by_the_innermost(tmp_path: Path) -> None:
    examples = folders(laid_out(tmp_path, ["pets/cat/1.png", "pets/dog/1.png", "farm/cow/1.png"]), label="inner")
    assert examples.facts["label"] == ("cow", "cat", "dog")


@pytest.mark.parametrize("kind", ["folder", "zip", "tar", "tar.gz"])
@pytest.mark.parametrize("names", [FLAT, PARTS])
def test_archives_are_read_as_the_folder_is(kind: str, names: list[str], tmp_path: Path) -> None:
    root = laid_out(tmp_path / "data", names)
    plain = folders(root)
    pack = {"folder": lambda root, _: root, "zip": zipped}.get(kind, tarred)
    source = pack(root, tmp_path / f"x.{kind}")
    examples = folders(source)
    wrapper = "data/" if kind.startswith("tar") else ""
    assert facts(examples) == [(wrapper + name, label, part) for name, label, part in facts(plain)]
    everything = range(len(plain))
    assert examples.fetch(everything, None)["image"] == plain.fetch(everything, None)["image"]
    assert folder_per_class.recognizes(source)
    assert {path.name for path in tmp_path.iterdir()} == {"data", source.name}  # nothing was unpacked


def test_given_parts_are_honored_under_their_usual_names(tmp_path: Path) -> None:
    examples = folders(laid_out(tmp_path, PARTS))
    assert set(facts(examples)) == {
        ("train/cat/1.png", "cat", "train"),
        ("train/dog/1.png", "dog", "train"),
        ("val/cat/2.png", "cat", "valid"),
        ("Test/dog/a/3.png", "dog", "test"),
    }


def test_wrapping_folders_are_passed_through(tmp_path: Path) -> None:
    examples = folders(laid_out(tmp_path, [f"download/v1/{name}" for name in PARTS]))
    assert examples.facts["part"] == ("test", "train", "train", "valid")
    only_train = folders(laid_out(tmp_path / "other", ["train/cat/1.png", "train/dog/1.png"]))
    assert facts(only_train) == [("train/cat/1.png", "cat", None), ("train/dog/1.png", "dog", None)]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    examples = folders(laid_out(tmp_path, ["train/1.png", "bus/1.png", "tram/1.png"]))
    assert facts(examples)[1:] == [("train/1.png", "train", None), ("tram/1.png", "tram", None)]


def test_unlabeled_test_pictures_are_passed_over_with_a_finding(tmp_path: Path) -> None:
    examples = folders(laid_out(tmp_path, ["train/cat/1.png", "train/dog/1.png", "test/9.png"]))
    assert examples.facts["part"] == ("train", "train")
    (finding,) = [one for one in examples.findings if one.name == "pictures_without_class"]
    assert (finding.severity, finding.examples) == (1, ("test/9.png",))


def test_junk_is_passed_over_silently_and_other_files_with_a_finding(tmp_path: Path) -> None:
    others = ["cat/note.txt", "README", "cat/.DS_Store", "dog/Thumbs.db", "__MACOSX/cat/._2.png", ".git/cat/1.png"]
    (tmp_path / "fish").mkdir()
    examples = folders(laid_out(tmp_path, [*FLAT, *others]))
    assert len(examples) == 3
    passed, empty = examples.findings
    assert (passed.name, passed.severity) == ("files_passed_over", 1)
    assert passed.evidence == {"count": 2, "endings": {"no ending": 1, ".txt": 1}}
    assert set(passed.examples) == {"README", "cat/note.txt"}
    assert (empty.name, empty.examples) == ("folders_without_pictures", ("fish",))


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ([], "no file here"),
        (["cat/notes.txt", "dog/notes.txt"], "no picture here, only files: 2"),
        (["1.png", "2.png"], "lie in no folder"),
        (["cat/1.png", "cat/2.png"], r"All pictures \(2\) are of one class, 'cat'"),
        (["train/cat/1.png", "test/cat/1.png"], "one class, 'cat'"),
        (["val/cat/1.png", "test/dog/1.png"], "there is no folder train"),
        (["train/cat/1.png", "test/dog/1.png", "extra/dog/1.png"], "beside them lies 'extra'"),
        (["cat/train/1.png", "cat/test/2.png", "dog/train/1.png", "dog/test/2.png"], "lie inside those of the classes"),
        (["Cat/1.png", "cat/1.png"], "differ only"),
    ],
)
def test_layouts_that_cannot_be_read_are_explained(names: list[str], sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        folders(laid_out(tmp_path, names))
    assert caught.value.do
    if "differ" not in sentence:
        assert caught.value.where == str(tmp_path)
    if sentence in ("no file here", "lie in no folder"):
        assert caught.value.do.count("\n") == 3


def test_an_unreadable_file_is_the_error_of_its_example(tmp_path: Path) -> None:
    examples = folders(laid_out(tmp_path, FLAT))
    (tmp_path / "cat/10.png").unlink()
    assert len(examples.fetch([0, 2], None)["image"]) == 2
    with pytest.raises(ExampleError) as caught:
        examples.fetch([0, 1], None)
    assert caught.value.where == str(tmp_path / "cat/10.png")


def test_what_is_no_folder_of_pictures_is_not_recognized(tmp_path: Path) -> None:
    laid_out(tmp_path, ["table/a.csv", "pictures/1.png", "one.png"])
    for source in (tmp_path / "table", tmp_path / "one.png", tmp_path / "gone", ([], []), {}, 3):
        assert folder_per_class.recognizes(source) is None
    assert folder_per_class.recognizes(tmp_path / "pictures") == "pictures without folders"


def test_empty_and_damaged_sources_are_taken_so_that_reading_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.zip").write_bytes(b"no zip")
    for name, sentence in (("empty", "no file here"), ("broken.zip", "cannot be listed")):
        assert folder_per_class.recognizes(tmp_path / name)
        with pytest.raises(DataError, match=sentence):
            folders(tmp_path / name)


NAMES = st.text(min_size=1, max_size=20).filter(
    lambda name: (
        not set(name) & set("/\0")
        and not name.startswith(".")
        and len(name.encode("utf-8", "replace")) < 99
        and name.lower() not in archives.JUNK
    )
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(NAMES.filter(str.isprintable) | st.sampled_from(["<b>", '"', "a\nb", "🙂", "=1+1"]), min_size=2))
def test_hostile_class_names_are_kept_as_they_are(names: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    classes = {name.lower(): name for name in names}
    root = laid_out(tmp_path_factory.mktemp("names"), [f"{name}/{name[:9]}.png" for name in classes.values()])
    if len({unicodedata.normalize("NFC", name).lower() for name in classes}) < max(2, len(classes)):
        with pytest.raises(DataError, match=r"one class|differ only"):
            folders(root)
    else:
        examples = folders(root)
        assert sorted(examples.facts["label"]) == sorted(classes.values())
        assert "\n".join(examples.ids).encode()


# ------------------------------------------------------------------------------------------------ IDX


def idx_bytes(values: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


IMAGES = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4)
LABELS = np.array([0, 9, 1, 9, 0], dtype=np.uint8)


@pytest.fixture
def mnist(tmp_path: Path) -> Path:
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(IMAGES)))
    (tmp_path / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(LABELS)))
    (tmp_path / "t10k-images.idx3-ubyte").write_bytes(idx_bytes(IMAGES[:2] + 100))
    (tmp_path / "t10k-labels.idx1-ubyte").write_bytes(idx_bytes(LABELS[:2]))
    (tmp_path / "README.md").write_text("Fashion")
    return tmp_path


def test_idx_files_raw_and_compressed(mnist: Path) -> None:
    examples = idx.read(mnist, idx.Options())
    assert examples.ids == ("train/0", "train/1", "train/2", "train/3", "train/4", "t10k/0", "t10k/1")
    assert examples.facts["part"] == ("train",) * 5 + ("test",) * 2
    assert examples.facts["label"] == ("0", "9", "1", "9", "0", "0", "9")
    columns = examples.fetch([6, 1], None)
    assert isinstance(columns["image"], np.ndarray)
    assert columns["image"].dtype == np.uint8
    np.testing.assert_array_equal(columns["image"], np.stack([IMAGES[1] + 100, IMAGES[1]]))
    assert columns["label"] == ["9", "9"]
    assert "train-images-idx3-ubyte.gz" in (idx.recognizes(mnist) or "")
    assert idx.recognizes(mnist / "README.md") is None


def test_one_pair_of_idx_files_has_no_parts_and_numbers_may_be_named(mnist: Path) -> None:
    examples = idx.read(mnist / "train-images-idx3-ubyte.gz", idx.Options(names=tuple("abcdefghij")))
    assert len(examples) == 5
    assert "part" not in examples.facts
    assert examples.facts["label"] == ("a", "j", "b", "j", "a")
    with pytest.raises(DataError, match="label 9, but only 2 names"):
        idx.read(mnist, idx.Options(names=("a", "b")))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        (
            "train-images-idx3-ubyte.gz",
            gzip.compress(idx_bytes(IMAGES)[:-1], mtime=0),
            "60 values, but there are only 59",
        ),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx_bytes(IMAGES) + b"x", mtime=0), "there are more"),
        ("train-images-idx3-ubyte.gz", gzip.compress(idx_bytes(IMAGES), mtime=0)[:-20], "cannot be read"),
        ("train-images-idx3-ubyte.gz", b"", "cannot be read"),
        (
            "train-images-idx3-ubyte.gz",
            gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2**31, 2**31, 9), mtime=0),
            "claims",
        ),
        ("train-images-idx3-ubyte.gz", idx_bytes(LABELS), "3 or 4 axes"),
        ("train-labels-idx1-ubyte.gz", idx_bytes(LABELS[:3]), "5 images but 3 labels"),
        ("train-labels-idx1-ubyte.gz", None, "labels of train-images-idx3-ubyte.gz are missing"),
        ("t10k-images.idx3-ubyte", idx_bytes(IMAGES[:2, :2]), "different sizes"),
    ],
)
def test_damaged_idx_files_are_named(mnist: Path, name: str, content: bytes | None, sentence: str) -> None:
    (mnist / name).unlink() if content is None else (mnist / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence) as caught:
        idx.read(mnist, idx.Options())
    assert str(mnist) in caught.value.where


# ------------------------------------------------------------------------------------------------ CSV


def table(tmp_path: Path, text: str, name: str = "data.csv") -> Path:
    laid_out(tmp_path, ["pictures/1.png", "pictures/2.png", 'pictures/a "b", <c>.png'])
    (tmp_path / name).write_text(text, newline="")
    return tmp_path / name


def rows(file: Path, **options: Any) -> Examples:
    return manifest.read(file, manifest.Options(**options))


def test_a_manifest_with_group_and_split(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        "\ufeffFilename,class,patient,split\r\n"
        "pictures/1.png,benign,p1,training\r\n"
        "pictures/2.png,malignant,p1,val\r\n"
        '"pictures/a ""b"", <c>.png",benign,,\r\n',
    )
    examples = rows(path)
    assert examples.ids == ("pictures/1.png", "pictures/2.png", 'pictures/a "b", <c>.png')
    assert examples.facts["part"] == ("train", "valid", None)
    assert examples.facts["group"] == ("p1", "p1", None)
    assert examples.units == ("p1", "p1", 'pictures/a "b", <c>.png')
    assert examples.fetch([2], None)["image"] == [png(2)]
    assert manifest.recognizes(path) == "a table with paths to pictures in 'Filename' and labels in 'class'"
    assert "part" not in rows(path, split="none", group="none").facts


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separators_are_found(separator: str, tmp_path: Path) -> None:
    text = "path,label\npictures/1.png,a\npictures/2.png,b\n".replace(",", separator)
    assert rows(table(tmp_path, text, "x.tsv")).facts["label"] == ("a", "b")


def test_columns_may_be_named_and_a_row_without_label_is_found(tmp_path: Path) -> None:
    path = table(tmp_path, "x,y\npictures/1.png,a\npictures/2.png,b\npictures/1.png,a\npictures/2.png,\n")
    examples = rows(path, path="x", label="y")
    assert examples.ids == ("pictures/1.png", "pictures/2.png", "pictures/1.png (row 4)")
    assert [finding.examples for finding in examples.findings] == [("pictures/2.png",)]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "empty"),
        ("path,label\n", "no pictures"),
        ("path,colour\npictures/1.png,a\n", "no column for the label"),
        ("path,label\npictures/1.png,a,b\n", "Row 2 has 3 fields, the header 2"),
        ('path,label\n"pictures/1.png,a\n', "Row 2 cannot be read"),
        ("path,label\n,a\n", "Row 2 names no picture"),
        ("path,label,split\npictures/1.png,a,tset\n", "Row 2 has the split 'tset'"),
        ("path,label\npictures/1.png,a\n", "one class"),
        ("path,label\nelsewhere/1.png,a\nelsewhere/2.png,b\n", "None of the 2 pictures is there"),
    ],
)
def test_tables_that_cannot_be_read_are_explained(text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        rows(table(tmp_path, text))
    assert "data.csv" in caught.value.where
    assert caught.value.do


def test_a_table_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes("path,label\n1.png,Käse\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"not UTF-8 text: byte 18 is 0xe4"):
        rows(tmp_path / "x.csv")
    assert manifest.recognizes(tmp_path / "x.csv") is None


def test_a_missing_picture_is_the_error_of_its_example(tmp_path: Path) -> None:
    examples = rows(table(tmp_path, "path,label\npictures/1.png,a\npictures/9.png,b\n"))
    with pytest.raises(ExampleError, match="not there") as caught:
        examples.fetch([1], None)
    assert caught.value.where.endswith("pictures/9.png")


def test_other_tables_are_not_recognized(tmp_path: Path) -> None:
    assert manifest.recognizes(table(tmp_path, "age,label\n39,a\n")) is None
    assert manifest.recognizes(table(tmp_path, "path,label\nhome,a\n")) is None
    assert manifest.recognizes(tmp_path) is None


# ------------------------------------------------------------------------------------------------ arrays


class Pairs:
    """What torch's map-style datasets are: a length, and (x, y) by index."""

    classes = ("cat", "dog")

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> tuple[Any, int]:
        if not 0 <= index < 4:
            raise IndexError(index)
        return Image.new("L", (3, 2), index), index % 2


def memory(source: Any) -> Examples:
    return arrays.read(source, arrays.Options())


def test_an_array_and_labels() -> None:
    examples = memory((IMAGES, LABELS))
    assert (examples.ids[:2], examples.facts["label"]) == (("0", "1"), ("0", "9", "1", "9", "0"))
    np.testing.assert_array_equal(examples.fetch([3, 1], None)["image"], IMAGES[[3, 1]])
    assert arrays.recognizes((IMAGES, LABELS)) == "5 labeled pictures in memory"


def test_a_dictionary_of_parts() -> None:
    source = {"train": (IMAGES, LABELS), "val": (list(IMAGES[:2].astype(float)), ["0", "9"])}
    examples = memory(source)
    assert examples.ids[-2:] == ("valid/0", "valid/1")
    assert examples.facts["part"] == ("train",) * 5 + ("valid",) * 2
    first, last = examples.fetch([0, 6], None)["image"]
    assert (first.dtype, last.dtype) == (np.uint8, np.float64)
    np.testing.assert_array_equal(last, IMAGES[1])
    both = memory({"train": (IMAGES, LABELS), "test": (IMAGES[:2], LABELS[:2])})
    assert isinstance(both.fetch([6], None)["image"], np.ndarray)


def test_a_dataset_of_pairs() -> None:
    examples = memory(Pairs())
    assert examples.facts["label"] == ("cat", "dog", "cat", "dog")
    assert examples.fetch([2], None)["image"][0].getpixel((0, 0)) == 2
    assert arrays.recognizes(Pairs()) == "4 labeled pictures in memory"


def test_tensors_are_read_without_being_asked_for() -> None:
    torch = pytest.importorskip("torch")
    dataset = torch.utils.data.TensorDataset(torch.rand(4, 3, 6, 5), torch.tensor([0, 1, 0, 1]))
    for source in (dataset, (torch.rand(4, 3, 6, 5), torch.tensor([0, 1, 0, 1]))):
        assert arrays.recognizes(source)
        examples = memory(source)
        assert examples.facts["label"] == ("0", "1", "0", "1")
        assert isinstance(examples.fetch([1], None)["image"][0], np.ndarray)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ((IMAGES, LABELS[:2]), "not as many labels"),
        ((IMAGES.reshape(5, 12), LABELS), r"shape \(5, 12\)"),
        ((IMAGES, np.eye(5)), r"labels have the shape \(5, 5\)"),
        ((IMAGES, [0.5, 1, 2, 3, 4]), "Label 0 is 0.5"),
        ((IMAGES, [None] * 5), "Label 0 is None"),
        ((IMAGES, [1] * 5), "one class, '1'"),
        ({"a": (IMAGES, LABELS)}, "not parts"),
        ({}, "nothing"),
        (7, "no pair"),
    ],
)
def test_arrays_that_do_not_fit_are_explained(source: Any, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence) as caught:
        memory(source)
    assert caught.value.do


@pytest.mark.parametrize(
    "source",
    [
        (np.zeros((5, 12)), LABELS),
        (["a text"] * 5, LABELS),
        ([[1, 2]] * 5, LABELS),
        {"a": (IMAGES, LABELS)},
        {},
        "x",
        7,
    ],
)
def test_other_things_in_memory_are_not_recognized(source: Any) -> None:
    assert arrays.recognizes(source) is None
