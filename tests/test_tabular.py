"""Tables as they are written: JSON lines, and quotes that are part of a text."""

import gzip
import json

import pytest

from stepwell.errors import DataError
from stepwell.tabular import separated, sources
from stepwell.tabular.cells import Numbers, Texts
from stepwell.tabular.form import Plain


def texts(table, name):
    column = table.columns[name]
    assert isinstance(column, Texts)
    return column.at(range(table.rows))


@pytest.mark.parametrize("packed", [False, True])
def test_json_lines_are_a_table(tmp_path, packed):
    rows = [{"text": 'gut, "sehr" gut\nwirklich', "stars": 5}, {"stars": 1.5, "text": "naïve 🙂", "more": None}]
    content = "\n".join(json.dumps(one, ensure_ascii=False) for one in rows).encode() + b"\n\n"
    path = tmp_path / ("a.jsonl.gz" if packed else "a.jsonl")
    path.write_bytes(gzip.compress(content) if packed else content)
    table = sources.read_file(path, Plain())
    assert texts(table, "text") == [one["text"] for one in rows]
    assert isinstance(table.columns["stars"], Numbers)
    assert table.columns["stars"].values.tolist() == [5.0, 1.5]
    assert table.first == 1


@pytest.mark.parametrize(
    ("line", "said"),
    [("[1, 2]", "no JSON object"), ('{"a": 1', "no JSON object"), ('{"a": {"b": 1}}', "which is no plain value")],
)
def test_a_line_that_is_no_row_is_named(tmp_path, line, said):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n' + line + "\n")
    with pytest.raises(DataError, match=said) as error:
        sources.read_file(path, Plain())
    assert "a.jsonl" in error.value.where


def test_an_empty_file_of_json_lines_says_so(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n")
    with pytest.raises(DataError, match="empty"):
        sources.read_file(path, Plain())


def test_quotes_that_begin_a_cell_and_do_not_end_it_are_text(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"Great" phone\tgood\n"never again\tbad\nso so "\tbad\n"well"\tgood\n')
    table = separated.read(path, Plain(), texts=True)
    assert texts(table, "text") == ['"Great" phone', '"never again', 'so so "', '"well"']
    assert [one.name for one in table.findings] == ["quotes_are_text"]
    assert table.settings["quote"] == ("none", "by its first lines")


def test_quotes_around_cells_of_a_file_with_tabs_are_left_off(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"a ""b"" c"\tgood\n"d"\tbad\n')
    table = separated.read(path, Plain(), texts=True)
    assert texts(table, "text") == ['a "b" c', "d"]
    assert table.findings == ()


def test_quotes_are_text_where_that_is_said(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"a",good\nb,bad\n')
    assert texts(separated.read(path, Plain(quote="none"), texts=True), "text") == ['"a"', "b"]
