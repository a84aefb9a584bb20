"""What a user hands to predict: texts, files of them, a column, standard input."""

import io

import numpy as np
import pytest

from stepwell.errors import DataError, ExampleError
from stepwell.tasks.sentiment.unlabeled import inputs


def texts_of(examples):
    return examples.fetch(range(len(examples)), None)["text"]


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("What a day!", ["What a day!"]),
        (["a b", "c"], ["a b", "c"]),
        (np.array(["a b", "c"]), ["a b", "c"]),
        ({"text": ["a b", "c"], "n": [1, 2]}, ["a b", "c"]),
        ([{"what": "this is a text"}], ["this is a text"]),
        ("is it 5*? [yes]", ["is it 5*? [yes]"]),
    ],
)
def test_texts_in_memory(source, texts):
    assert texts_of(inputs(source)) == texts


def test_a_file_of_texts_has_one_a_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("first\n\nthird\n")
    assert texts_of(inputs(path)) == ["first", "third"]
    assert inputs(str(path)).ids == ("a.txt line 1", "a.txt line 3")


def test_a_folder_and_a_glob_have_one_text_a_file(tmp_path):
    for name in ("10", "9"):
        (tmp_path / f"{name}.txt").write_text(f"text {name}\nof two lines")
    assert inputs(tmp_path).ids == ("9.txt", "10.txt")
    assert texts_of(inputs(str(tmp_path / "*.txt"))) == ["text 9\nof two lines", "text 10\nof two lines"]
    listed = inputs([tmp_path / "9.txt", "and this", str(tmp_path / "10.txt")])
    assert texts_of(listed) == ["text 9", "of two lines", "and this", "text 10", "of two lines"]
    assert listed.ids[1:3] == ("9.txt line 2", "text 2")


def test_a_column_of_a_table_is_found_or_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("review,remark\nthis is the first one,x\nand this is another,y\n")
    assert texts_of(inputs(path)) == ["this is the first one", "and this is another"]
    assert texts_of(inputs(f"{path}::remark")) == ["x", "y"]
    with pytest.raises(DataError, match="no column 'nope'"):
        inputs(f"{path}::nope")
    path.write_text("a,b\nx,y\n")
    with pytest.raises(DataError, match="No column holds texts"):
        inputs(path)


def test_standard_input_has_a_text_a_line(monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("first\nsecond\n"))
    assert texts_of(inputs("-")) == ["first", "second"]
    monkeypatch.setattr("sys.stdin", io.StringIO("as the verb gives it\n"))
    assert texts_of(inputs(["-"])) == ["as the verb gives it"]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(DataError, match="no text"):
        inputs("-")


def test_an_empty_text_is_an_error_of_its_own():
    examples = inputs(["good", " "])
    assert examples.fetch([0], None)["text"] == ["good"]
    with pytest.raises(ExampleError, match="empty"):
        examples.fetch([1], None)


@pytest.mark.parametrize("source", [3, [], [1, 2], "missing.csv"])
def test_what_is_no_text_is_refused(source):
    with pytest.raises(DataError):
        inputs(source)
