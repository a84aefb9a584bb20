"""From raw pictures to input and from logits to labels: fitted once, the same in training and prediction."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of
from PIL import Image

from stepwell import discovery, preparation
from stepwell.errors import DataError, ExampleError
from stepwell.schema import Examples
from stepwell.tasks.image_classification import TASK, pictures, prepare, sample
from stepwell.tasks.image_classification.readers import arrays, folder_per_class
from stepwell.transforms import decode_image

RANDOM = np.random.default_rng(0)


def made(sizes: list[tuple[int, int]], *, color: bool = False) -> Examples:
    shapes = [(*size, 3) if color else size for size in sizes]
    images = [RANDOM.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    return arrays.read((images, [f"class {i % 2}" for i in range(len(sizes))]), arrays.Options())


def fitted(examples: Examples, **options: Any) -> preparation.Preparation:
    return prepare.fit(msgspec.convert(options, prepare.Options), examples, range(len(examples)))


def test_the_schema_follows_from_the_training_part() -> None:
    examples = made([(6, 9)] * 4, color=True)
    done = fitted(examples, size=[8, 10])
    image, label, logits = *done.schema.inputs, *done.schema.targets, *done.schema.outputs
    assert (image.shape, image.dtype, image.mean, image.std) == ((3, 8, 10), "uint8", (0.0,) * 3, (255.0,) * 3)
    assert (label.name, label.dtype, label.classes) == ("label", "int64", ("class 0", "class 1"))
    assert (logits.shape, logits.classes) == ((2,), label.classes)
    ready = preparation.prepare(done, examples, range(4), TASK.truth)
    assert ready.columns["image"].shape == (4, 3, 8, 10)
    assert ready.columns["label"].tolist() == [0, 1, 0, 1]
    assert ready.truth == {"label": ["class 0", "class 1", "class 0", "class 1"]}


def test_it_travels_as_json_and_prepares_the_same() -> None:
    examples = made([(6, 9), (20, 10), (9, 9)])
    done = fitted(examples, scaling="standard", fit="crop")
    again = preparation.from_json(json.loads(json.dumps(preparation.to_json(done))))
    assert again == done
    one, two = (preparation.run(each, examples.fetch([0, 1, 2], None))[0]["image"] for each in (done, again))
    np.testing.assert_array_equal(one, two)


def test_prediction_prepares_unlabeled_pictures_as_training_does() -> None:
    examples = made([(6, 9), (20, 10)])
    done = fitted(examples)
    raw = examples.fetch([0, 1], None)["image"]
    unlabeled = prepare.inputs(raw)
    columns, _ = preparation.run(done, unlabeled.fetch([0, 1], None))
    assert set(columns) == {"image"}
    np.testing.assert_array_equal(columns["image"], preparation.run(done, examples.fetch([0, 1], None))[0]["image"])


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(28, 28)] * 3, (28, 28)),
        ([(40, 28)] * 3, (40, 28)),
        ([(1, 1)] * 2, (8, 8)),
        ([(600, 300)] * 2, (128, 64)),
        ([(30, 50), (33, 60), (90, 35)], (32, 32)),
        ([(500, 700), (800, 900)], (128, 128)),
    ],
)
def test_auto_size_and_its_reason(sizes: list[tuple[int, int]], expected: tuple[int, int]) -> None:
    examples = made(sizes)
    found = prepare.resolve(prepare.Options(), examples, range(len(examples)))
    assert found["size"][0] == expected
    assert found["channels"][0] == 1
    assert all("training pictures" in reason for _, reason in found.values())
    assert fitted(examples).schema.inputs[0].shape == (1, *expected)
    assert prepare.resolve(prepare.Options(size=8, channels=3), examples, range(2)) == {}


def test_standard_scaling_measures_the_training_part_alone() -> None:
    images = np.concatenate([RANDOM.integers(0, 100, (6, 8, 8, 3)), np.full((2, 8, 8, 3), 255)]).astype(np.uint8)
    examples = arrays.read((images, [0, 1] * 4), arrays.Options())
    field = prepare.fit(prepare.Options(scaling="standard"), examples, range(6)).schema.inputs[0]
    np.testing.assert_allclose(field.mean, images[:6].mean(axis=(0, 1, 2)))
    np.testing.assert_allclose(field.std, images[:6].std(axis=(0, 1, 2)))
    flat = arrays.read((np.full((2, 8, 8), 7, dtype=np.uint8), [0, 1]), arrays.Options())
    assert prepare.fit(prepare.Options(scaling="standard"), flat, [0, 1]).schema.inputs[0].std == (1.0,)


def test_a_bad_picture_does_not_spoil_the_fit_and_is_named_later(tmp_path: Path) -> None:
    for name in ("cat/1.png", "cat/2.png", "dog/1.png", "dog/2.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (9, 9)).save(tmp_path / name)
    (tmp_path / "cat/1.png").write_bytes(b"text")
    (tmp_path / "cat/2.png").chmod(0)
    examples = folder_per_class.read(tmp_path, folder_per_class.Options())
    done = fitted(examples)
    assert done.schema.inputs[0].shape == (1, 9, 9)
    with pytest.raises(ExampleError) as caught:
        preparation.prepare(done, examples, [0], TASK.truth)
    assert "cat/1.png" in caught.value.where
    for name in ("dog/1.png", "dog/2.png", "cat/2.png"):
        (tmp_path / name).unlink()
    with pytest.raises(DataError, match="None of the training pictures"):
        fitted(examples)


def test_a_training_part_of_one_class_and_a_class_it_lacks() -> None:
    examples = made([(8, 8)] * 4)
    with pytest.raises(DataError, match="has 1 class"):
        prepare.fit(prepare.Options(), examples, [0, 2])
    three = arrays.read((np.zeros((3, 8, 8), dtype=np.uint8), ["a", "b", "c"]), arrays.Options())
    with pytest.raises(ExampleError, match="'c' is not one of the 2 classes of the training part"):
        preparation.prepare(prepare.fit(prepare.Options(), three, [0, 1]), three, [2], TASK.truth)


@pytest.mark.parametrize("values", [{"size": 0}, {"size": [8]}, {"channels": 2}, {"fit": "stretch"}, {"max_pixels": 0}])
def test_options_have_limits(values: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(values, prepare.Options)


@given(arrays_of.arrays(np.float32, (3, 2), elements=st.floats(-(2.0**100), 2.0**100, width=32)))
def test_probabilities_are_finite_and_sum_to_one(logits: np.ndarray[Any, Any]) -> None:
    schema = fitted(made([(8, 8)] * 2)).schema
    decoded = prepare.decode({"logits": logits}, [{}] * 3, schema)
    np.testing.assert_allclose(decoded["probabilities"].sum(axis=1), 1.0)
    assert decoded["label"] == [f"class {i}" for i in decoded["probabilities"].argmax(axis=1)]
    np.testing.assert_array_equal(decoded["probability"], decoded["probabilities"].max(axis=1))


def test_decoding_nothing_and_something_known() -> None:
    schema = fitted(made([(8, 8)] * 2)).schema
    assert prepare.decode({"logits": np.zeros((0, 2))}, [], schema)["label"] == []
    decoded = prepare.decode({"logits": np.log([[1.0, 3.0]])}, [{}], schema)
    one = {name: column[0] for name, column in decoded.items()}
    assert prepare.row(one, schema)["probabilities"] == pytest.approx({"class 0": 0.25, "class 1": 0.75})
    assert one["label"] == "class 1"


# ------------------------------------------------------------------------------------------------ what is seen


def saved(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, format=kind)
    return file.getvalue()


def test_equal_pixels_have_equal_digests_in_every_format() -> None:
    gray = Image.fromarray(RANDOM.integers(0, 256, (4, 6), dtype=np.uint8))
    raws = [saved(gray, "PNG"), saved(gray, "BMP"), saved(gray.convert("RGB"), "PNG"), np.asarray(gray), gray]
    looks = [prepare.look({"image": raw}) for raw in raws]
    assert all(look == looks[0] for look in looks)
    assert (looks[0]["height"], looks[0]["width"], looks[0]["gray"]) == (4, 6, True)
    other = prepare.look({"image": saved(gray.rotate(180), "PNG")})
    assert other["digest"] != looks[0]["digest"]


def test_digests_tell_deep_pictures_apart() -> None:
    values = np.full((4, 4), 0.5)
    digests = [prepare.look({"image": one})["digest"] for one in (values, values + 1e-9, values.astype(np.float32))]
    assert len(set(digests)) == 3
    with pytest.raises(ExampleError) as caught:
        prepare.look({"image": b"text", "path": "a.png"})
    assert caught.value.where == "a.png"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((8, 8), (96, 96)), ((100, 30), (30, 100)), ((20, 90), (180, 40)), ((512, 1024), (256, 128))],
)
def test_drawn_pictures_are_of_a_size_to_look_at(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    picture = pictures.draw({"image": np.zeros(shape, dtype=np.uint8)}, None, None)
    image = Image.open(io.BytesIO(picture.data))
    assert (picture.mime, image.format, image.size) == ("image/png", "PNG", expected)


def test_small_pictures_keep_their_pixels_and_floats_are_seen() -> None:
    picture = pictures.draw({"image": np.array([[0.0, 1.0], [1.0, 0.0]])}, {"label": "x"}, None)
    seen = np.asarray(Image.open(io.BytesIO(picture.data)).convert("L"))
    np.testing.assert_array_equal(seen, np.kron([[0, 255], [255, 0]], np.ones((48, 48))))


def test_captions_say_who_is_right() -> None:
    raw, answer = {"image": np.zeros((8, 8))}, {"label": "cat", "probability": 0.934}
    captions = [pictures.draw(raw, truth, answer).caption for truth in ({"label": "cat"}, {"label": "dog"}, None)]
    assert captions == ["cat (93 %), rightly", "dog, answered cat (93 %)", "answered cat (93 %)"]
    assert pictures.draw(raw, {"label": "dog"}, None).caption == "dog"


# ------------------------------------------------------------------------------------------------ what predict takes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("10.png", "2.png", "sub/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("L", (5, 5), 9).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def test_files_folders_globs_and_lists(folder: Path) -> None:
    one = prepare.inputs(str(folder / "2.png"))
    assert (one.ids, set(one.facts)) == ((str(folder / "2.png"),), {"path"})
    everything = prepare.inputs(folder)
    assert everything.ids == ("2.png", "10.png", "sub/x.png")
    assert [finding.examples for finding in everything.findings] == [("notes.txt",)]
    assert prepare.inputs(f"{folder}/*.png").ids == (str(folder / "2.png"), str(folder / "10.png"))
    assert len(prepare.inputs(f"{folder}/**/*.png")) == 3
    both = prepare.inputs([folder / "10.png", folder / "gone.png", folder / "10.png"])
    assert both.ids[2] == f"{folder / '10.png'} (2)"
    assert len(both.fetch([0, 2], None)["image"]) == 2
    with pytest.raises(ExampleError, match="not there"):
        both.fetch([1], None)


def test_pictures_in_memory() -> None:
    image = Image.new("RGB", (5, 4), (1, 2, 3))
    array = np.asarray(image)
    for source, count in (
        (image, 1),
        (saved(image, "PNG"), 1),
        (array, 1),
        (array[:, :, 0], 1),
        (np.stack([array] * 3), 3),
        (np.zeros((6, 4, 5), dtype=np.uint8), 6),
        ([image, array, saved(image, "PNG")], 3),
    ):
        examples = prepare.inputs(source)
        assert examples.ids == tuple(str(i) for i in range(count))
        columns, _ = preparation.run(fitted(made([(8, 8)] * 2)), examples.fetch(range(count), None))
        assert columns["image"].shape == (count, 1, 8, 8)


@pytest.mark.parametrize(
    "source", ["gone/*.png", "x" * 5000, "n\0l.png", [], (), 7, None, np.zeros(3), np.zeros((0, 5, 5))]
)
def test_what_holds_no_pictures_is_refused(source: Any) -> None:
    with pytest.raises(DataError):
        prepare.inputs(source)


def test_a_folder_without_pictures_is_refused(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.unlink()
    with pytest.raises(DataError, match=r"only 1 other files, for instance 'notes\.txt'"):
        prepare.inputs(folder)
    with pytest.raises(DataError, match="no picture"):
        prepare.inputs(f"{folder}/*.txt")


# ------------------------------------------------------------------------------------------------ card and sample


def test_the_card_names_metrics_that_are_there() -> None:
    rooms = discovery.task("image_classification").rooms("metrics")
    for name in {*TASK.metrics, *TASK.validate, TASK.worst}:
        discovery.find(rooms, name)
    assert TASK.headline in TASK.metrics
    assert TASK.select.quantity in TASK.validate


def test_the_sample_is_a_folder_per_class(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    sample.write(tmp_path / "digits", 3)
    examples = folder_per_class.read(tmp_path / "digits", folder_per_class.Options())
    assert len(examples) == 1797
    assert not examples.findings
    assert sorted(set(examples.facts["label"])) == list("0123456789")
    pixels = decode_image.Fitted(channels=1).apply(examples.fetch(range(50), None), [])["image"]
    assert {picture.shape for picture in pixels} == {(1, 8, 8)}
    assert max(picture.max() for picture in pixels) == 255
    assert [path.name for path in tmp_path.iterdir()] == ["digits"]
    with pytest.raises(DataError, match="already"):
        sample.write(tmp_path / "digits", 3)
