"""Reading tables: real files as people have them, and what is said where they are broken."""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import polars
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell import api, discovery, preparation, reading, recipe, splits
from stepwell.errors import DataError, RecipeError
from stepwell.schema import Examples
from stepwell.tabular import cells, separated
from stepwell.tasks.table import prepare, sample
from stepwell.tasks.table.options import Options
from stepwell.tasks.table.readers import table
from stepwell.tasks.table.unlabeled import inputs


def written(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def rows(count: int = 30, *, target: str = "y") -> str:
    """A plain table of `count` rows: a number, a word, and whether the number is large."""
    lines = [f"size,color,{target}"]
    lines += [f"{i}.5,{'red' if i % 3 else 'blue'},{'big' if i >= count // 2 else 'small'}" for i in range(count)]
    return "\n".join(lines) + "\n"


def read(source: Any, **options: Any) -> Examples:
    return table.read(source, Options(**options))


def column(examples: Examples, name: str) -> list[Any]:
    found = examples.fetch(range(len(examples)), None)[name]
    return found.tolist() if isinstance(found, np.ndarray) else found


def names(examples: Examples) -> set[str]:
    return {one.name for one in examples.findings}


# What is found by looking


def test_a_plain_file(tmp_path: Path) -> None:
    examples = read(written(tmp_path / "a.csv", rows()))
    assert len(examples) == 30
    assert examples.ids[:2] == ("row 1", "row 2")
    assert examples.columns == ("size", "color")
    assert column(examples, "size")[:2] == [0.5, 1.5]
    assert column(examples, "color")[:3] == ["blue", "red", "red"]
    assert examples.facts["label"] == ("small",) * 15 + ("big",) * 15
    assert examples.settled["target"][0] == "y"
    assert names(examples) == {"target_chosen"}


@pytest.mark.parametrize(("word", "sign"), [("semicolon", ";"), ("tab", "\t"), ("pipe", "|"), ("space", "  ")])
def test_separators_are_found(tmp_path: Path, word: str, sign: str) -> None:
    plain = read(written(tmp_path / "a.csv", rows()))
    other = read(written(tmp_path / "b.csv", rows().replace(",", sign)))
    assert other.settled["delimiter"][0] == word
    assert column(other, "size") == column(plain, "size")
    assert other.facts == plain.facts


def test_a_separator_may_be_named_by_word_or_as_it_is(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows().replace(",", "~"))
    assert len(read(path, delimiter="~").columns) == 2
    with pytest.raises(ValueError, match="one character"):
        Options(delimiter="commas")


def test_the_header_is_found_or_missed(tmp_path: Path) -> None:
    without = read(written(tmp_path / "a.csv", rows().partition("\n")[2]))
    assert without.columns == ("column 1", "column 2")
    assert without.settled["target"][0] == "column 3"
    assert "no_header" in names(without)
    text = "a,b\nx,p\ny,q\nx,p\ny,q\n"
    assert read(written(tmp_path / "b.csv", text)).columns == ("a",)
    assert len(read(written(tmp_path / "b.csv", text), header="no")) == 5
    pixels = "label,1,2,3\n" + "".join(f"{i % 2},{i},7,9\n" for i in range(40))
    assert read(written(tmp_path / "c.csv", pixels)).columns == ("1", "2", "3")


def test_packed_bom_and_other_encodings_read_alike(tmp_path: Path) -> None:
    text = rows().replace("red", "rötlich")
    wanted = column(read(written(tmp_path / "a.csv", text)), "color")
    assert column(read(written(tmp_path / "a.csv.gz", text)), "color") == wanted
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        found = read(written(tmp_path / "b.csv", text, encoding))
        assert found.columns == ("size", "color")
        assert column(found, "color") == wanted
        assert ("encoding_guessed" in names(found)) == (encoding == "cp1252")
    with pytest.raises(DataError, match="not utf-8 text"):
        read(tmp_path / "b.csv", encoding="utf-8")
    with pytest.raises(DataError, match="no encoding 'klingon'"):
        read(tmp_path / "b.csv", encoding="klingon")


def single_quoted(extra: str = "") -> str:
    lines = [f"'{i}',{i}.5,'{'red, dark' if i % 3 else 'blue'}','{'big' if i >= 15 else 'small'}'" for i in range(30)]
    return "\n".join(["'count',size,'color','y'", *lines]) + "\n" + extra


def test_single_quotes_as_in_arff_are_left_off_and_said(tmp_path: Path) -> None:
    examples = read(written(tmp_path / "a.csv", single_quoted()))
    assert examples.columns == ("count", "size", "color")
    assert column(examples, "count")[:3] == [0.0, 1.0, 2.0]
    assert column(examples, "color")[:2] == ["blue", "red, dark"]
    assert set(examples.facts["label"]) == {"small", "big"}
    assert "single_quotes" in names(examples) and examples.settled["quote"][0] == "single"
    told = read(written(tmp_path / "b.csv", single_quoted()), quote="single")
    assert "single_quotes" not in names(told) and column(told, "color") == column(examples, "color")


@pytest.mark.parametrize("cell", ["O'Neil", "'s-Gravenhage", "'tis", "rock 'n' roll"])
def test_apostrophes_are_no_quotes(tmp_path: Path, cell: str) -> None:
    examples = read(written(tmp_path / "a.csv", rows().replace("red", cell)))
    assert column(examples, "color")[1] == cell
    assert "single_quotes" not in names(examples) and examples.settled["quote"][0] == "double"


def test_single_quotes_stay_where_others_are_the_quotes_or_are_asked_for(tmp_path: Path) -> None:
    mixed = single_quoted().replace("'blue'", '"blue"')
    assert column(read(written(tmp_path / "a.csv", mixed.replace(", dark", ""))), "'color'")[1] == "'red'"
    asked = read(written(tmp_path / "b.csv", single_quoted().replace(", dark", "")), quote="double")
    assert set(asked.facts["label"]) == {"'small'", "'big'"}


def test_a_single_quote_that_stays_open_far_down_names_its_line_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(separated, "_HEAD_CHARACTERS", 2000)
    many = single_quoted("".join(f"'{i}',{i}.5,'blue','big'\n" for i in range(300)) + "'9',1.5,'tis,'big'\n")
    with pytest.raises(DataError, match="taken apart") as caught:
        read(written(tmp_path / "a.csv", many))
    assert "332" in str(caught.value.where) and "--reader.quote double" in caught.value.do


def test_a_decimal_comma(tmp_path: Path) -> None:
    text = rows().replace(".5", "@5").replace(",", ";").replace("@", ",")
    examples = read(written(tmp_path / "a.csv", text))
    assert column(examples, "size")[:2] == [0.5, 1.5]
    assert examples.settled["decimal"][0] == ","
    assert inputs(tmp_path / "a.csv").fetch([1], None)["size"] == ["1.5"]


def test_quotes_hold_separators_and_newlines(tmp_path: Path) -> None:
    text = 'note,y\n"a, b",u\n"two\nlines",v\n' + "c,u\n" * 5
    examples = read(written(tmp_path / "a.csv", text))
    assert column(examples, "note")[:2] == ["a, b", "two\nlines"]
    assert len(examples) == 7


def test_columns_without_a_name_or_with_one_twice(tmp_path: Path) -> None:
    text = "a,a,,label,y\n" + "".join(f"{i},2,3,{i % 2},{'uv'[i % 2]}\n" for i in range(9))
    examples = read(written(tmp_path / "a.csv", text), target="y")
    assert examples.columns == ("a", "a (2)", "column 3", "label (column)")
    assert set(inputs(tmp_path / "a.csv").columns) == {*examples.columns, "y"}


def test_rows_that_are_named_have_a_header_one_shorter(tmp_path: Path) -> None:
    text = "a,b,y\n" + "".join(f"car {i},{i},2,{'uv'[i % 2]}\n" for i in range(9))
    examples = read(written(tmp_path / "a.csv", text))
    assert examples.columns == ("a", "b")
    assert examples.ids[0] == "car 0"


def test_columns_with_a_role_are_not_learned_from(tmp_path: Path) -> None:
    lines = ["id,patient,split,day,x,y"]
    lines += [f"p{i},{i // 2},{'train' if i < 15 else 'test'},2024-01-{i + 1:02},{i},{'uv'[i % 2]}" for i in range(20)]
    path = written(tmp_path / "a.csv", "\n".join(lines))
    examples = read(path, time="day")
    assert examples.columns == ("day", "x")
    assert examples.ids[0] == "p0"
    assert examples.facts["group"][:3] == ("0", "0", "1")
    assert examples.units == examples.facts["group"]
    assert examples.facts["part"][14:16] == ("train", "test")
    assert examples.facts["time"][0] == "2024-01-01"
    assert {"id_column", "group_column", "part_column"} <= names(examples)
    plain = read(path, group="none", id="none", part="none", drop=("day",))
    assert plain.columns == ("id", "patient", "split", "x")
    assert set(plain.facts) == {"label"}


# Targets


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("a,b,c", "c"),
        ("class,b,c", "class"),
        ("a,Survived,c", "Survived"),
        ("a,SalePrice,c", "SalePrice"),
        ("price,class_label,c", "class_label"),
        ("a,b,Target", "Target"),
        ("cut,price,x,y,z", "price"),
        ("survived,class,alone", "survived"),
        ("Age,Travel Class,satisfaction", "satisfaction"),
        ("a,b,class", "class"),
        ("y,b,c", "y"),
    ],
)
def test_the_target_is_found_by_its_name(tmp_path: Path, header: str, wanted: str) -> None:
    body = "".join(",".join([str(i % 2)] * len(header.split(","))) + "\n" for i in range(9))
    assert read(written(tmp_path / "a.csv", f"{header}\n{body}")).settled["target"][0] == wanted


def test_the_target_may_be_named_or_numbered(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows())
    for wanted in ("color", "2"):
        examples = read(path, target=wanted)
        assert set(examples.facts["label"]) == {"red", "blue"}
        assert "target_chosen" not in names(examples)
    with pytest.raises(DataError) as refused:
        read(path, target="colour")
    assert "'color'" in refused.value.do


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([f"{i / 7}" for i in range(60)], "regression"),
        ([str(i) for i in range(60)], "regression"),
        ([str(i % 3) for i in range(60)], "classification"),
        (["0.0", "1.0"] * 30, "classification"),
        ([str(i % 12) for i in range(240)], "classification"),
        ([str(i % 12) for i in range(240)] + ["12", "13"], "regression"),  # counts thin out
        (["1,234", "5,678.5"] * 29 + ["3", "4"], "regression"),
        (["yes", "no"] * 30, "classification"),
    ],
)
def test_a_problem_follows_from_the_target(tmp_path: Path, values: list[str], problem: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["x", "y"], *([i, value] for i, value in enumerate(values))])
    examples = read(written(tmp_path / "a.csv", out.getvalue()))
    assert examples.settled["problem"][0] == problem
    if problem == "regression":
        assert examples.facts["value"][0] == cells.number(values[0])
        assert column(examples, "value")[0] == cells.number(values[0])
    else:
        assert examples.facts["label"][0] == str(values[0]).removesuffix(".0")


def test_a_problem_may_be_said(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "x,y\n" + "".join(f"{i},{i % 3}\n" for i in range(60)))
    assert read(path, problem="regression").facts["value"][:3] == (0.0, 1.0, 2.0)


# What is wrong


@pytest.mark.parametrize(
    ("text", "options", "what", "where"),
    [
        ("", {}, "The file is empty", "a.csv"),
        ("x,y\n", {"header": "yes"}, "no row below its header", "a.csv"),
        (rows() + "1,2,3,4\n", {}, "Row 31 has 4 cells, the table 3", "line 32"),
        (rows() + "1,2\n", {}, "Row 31 has 2 cells, the table 3", "line 32"),
        (rows().replace("color,", "color,weight,"), {}, "Row 1 has 3 cells, the table 4", "line 2"),
        (rows() + '"1,2,big\n', {}, "cannot be taken apart", "line 32"),
        (rows() + '"1,2,big\n' + "3,blue,big\n" * 9, {}, "cannot be taken apart", "lines 32 to 41"),
        ("x,y\n" + "1,same\n" * 9, {}, "is 'same' in all 9 rows", "'y'"),
        ("x,y\n" + "1,7\n" * 9, {"problem": "regression"}, "is 7 in all 9 rows", "'y'"),
        ("x,y\n" + "".join(f"{i},t{i}\n" for i in range(40)), {}, "40 different values in 40 rows", "'y'"),
        ("x,y\n" + "".join(f"{i},\n" for i in range(40)), {"target": "y"}, "0 rows have a value", "a.csv"),
        ("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(40)) + "9,inf\n", {}, "Row 41 has an infinite target", "'y'"),
        ("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(40)) + "9,oops\n", {}, "Row 41 has 'oops'", "'y'"),
        ("x,y\n" + "".join(f"{i},{i}.5\n" for i in range(40)) + "9,1e200\n", {}, "Row 41 has the target 1e+200", "'y'"),
        ("x,y\n" + "1,Some\n2,None\n" * 9, {}, "is 'Some' in all 9 rows and missing in 9", "'y'"),
        (rows(), {"problem": "regression"}, "Row 1 has 'small' for the target 'y', which is no number", "'y'"),
        (rows(), {"drop": ("size", "color")}, "no column to learn from", "a.csv"),
        (rows(), {"drop": ("weight",)}, "no column 'weight'", "a.csv"),
        (rows(), {"id": "color"}, "gives a name twice", "a.csv"),
        (rows(), {"part": "color"}, "of the part 'blue'", "'color'"),
        ("a\0b" * 9, {}, "bytes and no text", "a.csv"),
    ],
)
def test_broken_tables_are_refused(tmp_path: Path, text: str, options: Any, what: str, where: str) -> None:
    with pytest.raises(DataError) as refused:
        read(written(tmp_path / "a.csv", text), **options)
    assert what in refused.value.what
    assert where in refused.value.where
    assert refused.value.do


def test_damaged_gzip_and_parquet_are_refused(tmp_path: Path) -> None:
    whole = gzip.compress(rows(2000).encode())
    (tmp_path / "a.csv.gz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "b.csv.gz").write_bytes(b"no gzip")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "d.xlsx").write_bytes(b"PK")
    for name in ("a.csv.gz", "b.csv.gz", "c.parquet", "d.xlsx"):
        with pytest.raises(DataError) as refused:
            read(tmp_path / name)
        assert name in refused.value.where


def test_rows_without_a_target_are_passed_over_and_said(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows().replace("3.5,blue,small", "3.5,blue,?"))
    examples = read(path)
    assert len(examples) == 29
    assert "row 4" not in examples.ids
    (found,) = [one for one in examples.findings if one.name == "rows_without_target"]
    assert found.examples == ("row 4",)
    assert found.evidence == {"rows": 1}


def test_infinite_inputs_are_missing_and_said(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows().replace("4.5,", "-inf,", 1))
    examples = read(path)
    assert np.isnan(column(examples, "size")[4])
    (found,) = [one for one in examples.findings if one.name == "infinite_values"]
    assert (found.severity, found.examples) == (2, ("row 5",))


def test_missing_signs_may_be_said(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows().replace("4.5,", "-999,", 1).replace("red", "None"))
    usual = read(path)
    assert column(usual, "size")[4] == -999
    assert column(usual, "color")[1] is None
    said = read(path, missing=("-999",))
    assert np.isnan(column(said, "size")[4])
    assert column(said, "color")[1] == "None"


def test_a_very_wide_table(tmp_path: Path) -> None:
    width = 4_000
    lines = [",".join(f"c{i}" for i in range(width)) + ",y"]
    lines += [",".join(["1"] * width) + f",{'uv'[i % 2]}" for i in range(4)]
    examples = read(written(tmp_path / "a.csv", "\n".join(lines)))
    assert len(examples.columns) == width


# Folders


def test_a_train_and_a_test_file_as_uci_lays_them_out(tmp_path: Path) -> None:
    body = [f"{i}, {'a' if i % 2 else '?'}, {'<=50K' if i % 3 else '>50K'}" for i in range(30)]
    written(tmp_path / "adult.data", "\n".join(body) + "\n\n")
    written(tmp_path / "adult.test", "|1x3 Cross validator\n" + "".join(f"{line}.\n" for line in body[:9]) + "\n")
    examples = read(tmp_path)
    assert len(examples) == 39
    assert set(examples.facts["label"]) == {"<=50K", ">50K"}
    assert examples.facts["part"] == ("train",) * 30 + ("test",) * 9
    assert (examples.ids[0], examples.ids[-1]) == ("adult.data row 1", "adult.test row 9")
    assert column(examples, "column 2")[:2] == [None, "a"]
    assert {"labels_with_a_dot", "lines_before_the_table"} <= names(examples)


def test_what_a_test_file_lacks_is_the_target(tmp_path: Path) -> None:
    text = rows(target="color").replace("size,color", "size,tint")
    written(tmp_path / "train.csv", text.replace("tint", "won"))
    written(tmp_path / "test.csv", "size,color\n1,big\n2,small\n")
    examples = read(tmp_path)
    assert examples.settled["target"][0] == "won"
    assert "part" not in examples.facts
    assert "file_without_target" in names(examples)


def test_files_of_a_folder_must_fit_each_other(tmp_path: Path) -> None:
    written(tmp_path / "train.csv", rows())
    written(tmp_path / "test.csv", rows().replace("size", "length"))
    with pytest.raises(DataError, match="has other columns than"):
        read(tmp_path, target="y")
    written(tmp_path / "more.csv", rows())
    (tmp_path / "train.csv").unlink()
    (tmp_path / "test.csv").rename(tmp_path / "other.csv")
    with pytest.raises(DataError, match="2 tables and none for training"):
        read(tmp_path)


def test_a_column_that_is_text_in_one_file_is_text_in_all(tmp_path: Path) -> None:
    written(tmp_path / "train.csv", "x,y\n" + "1.50,u\n2,v\n" * 5)
    written(tmp_path / "test.csv", "x,y\n" + "many,u\n2,v\n" * 5)
    assert column(read(tmp_path), "x")[:2] == ["1.50", "2"]


def strays(word: str = "oops", at: int = 66, count: int = 300) -> str:
    """A column of measures with one word in it, a column of codes, and one where the same word is a color."""
    lines = ["size,code,color,y"]
    for i in range(count):
        size = word if i == at else f"{i * 0.37:.2f}"
        lines.append(f"{size},{'x' if i == at else i % 3},{word if i % 2 else 'red'},{'u' if i % 13 > 6 else 'v'}")
    return "\n".join(lines) + "\n"


def test_a_word_among_numbers_is_missing_and_said(tmp_path: Path) -> None:
    examples = read(written(tmp_path / "a.csv", strays()))
    size = column(examples, "size")
    assert np.isnan(size[66])
    assert size[67] == 24.79
    (said,) = [one for one in examples.findings if one.name == "words_among_numbers"]
    assert said.severity == 2
    assert "1 cell of 'size'" in said.message
    assert "'oops'; row 67 first" in said.message
    assert column(examples, "code")[65:68] == ["2", "x", "1"]  # few numbers are codes, and a letter among them is one


def test_what_strayed_is_missing_at_prediction_too(tmp_path: Path) -> None:
    examples = read(written(tmp_path / "a.csv", strays()))
    made = prepare.fit(prepare.Options(), examples, range(300))
    new = written(tmp_path / "new.csv", "size,code,color\noops,1,red\n24.79,1,red\n")
    found, _ = preparation.run(made, inputs(new).fetch([0, 1], None))
    assert np.isfinite(found["numbers"]).all()
    assert found["numbers"][0, -1] == 1  # the indicator
    assert found["numbers"][1, -1] == 0


def test_many_words_or_few_numbers_make_a_column_of_text(tmp_path: Path) -> None:
    codes = "".join(f"{'V' if i % 30 == 0 else ''}{i},{i % 2}\n" for i in range(600))  # 20 different words
    examples = read(written(tmp_path / "a.csv", "code,y\n" + codes))
    assert column(examples, "code")[0] == "V0"
    assert "words_among_numbers" not in names(examples)


def test_a_damaged_or_empty_file_is_still_a_table_with_a_reason(tmp_path: Path) -> None:
    wide = written(tmp_path / "wide.csv", rows(), "utf-32")
    assert len(read(wide)) == 30
    for name, text in {"empty.csv": "", "numbers.csv": "1\n2\n3\n", "nul.csv": "a\0b,c\n"}.items():
        path = written(tmp_path / name, text)
        assert reading.recognizing_tasks(path) == ["table"]
        with pytest.raises(DataError) as refused:
            read(path)
        assert name in refused.value.where


def test_a_first_line_that_tells_excel_the_separator(tmp_path: Path) -> None:
    examples = read(written(tmp_path / "a.csv", "sep=;\r\na;b;y\r\n" + "1;2,5;u\r\n3;4,5;v\r\n" * 9))
    assert examples.columns == ("a", "b")
    assert column(examples, "b")[:2] == [2.5, 4.5]
    assert "lines_before_the_table" in names(examples)


def test_an_empty_last_column_is_no_target(tmp_path: Path) -> None:
    lines = "".join(f"{i},{i % 3},{'u' if i % 2 else 'v'},\n" for i in range(20))
    examples = read(written(tmp_path / "a.csv", "a,b,kind,\n" + lines))
    assert examples.settled["target"][0] == "kind"


def test_without_a_header_classes_may_come_first(tmp_path: Path) -> None:
    def table_of(first: str, last: str) -> Path:
        lines = (
            f"{i % 3 if first == 'class' else i * 0.37:.4g},{i * 1.1:.2f},{i % 3 if last == 'class' else i * 7 % 101}"
            for i in range(120)
        )
        return written(tmp_path / f"{first}_{last}.csv", "\n".join(lines))

    assert read(table_of("class", "measure")).settled["target"][0] == "column 1"
    assert read(table_of("class", "class")).settled["target"][0] == "column 3"
    assert read(table_of("measure", "class")).settled["target"][0] == "column 3"
    assert read(table_of("measure", "measure")).settled["target"][0] == "column 3"


# In Python


def test_tables_in_memory_read_alike() -> None:
    size, color, y = [1.5, 2.0, None] * 9, ["red", None, "blue"] * 9, ["u", "v", "v"] * 9
    plain = {"size": size, "color": color, "y": y}
    rowwise = [dict(zip(plain, row, strict=True)) for row in zip(size, color, y, strict=True)]
    pair = (polars.DataFrame({"size": size, "color": color}), polars.Series("y", y))
    for source in (plain, rowwise, polars.DataFrame(plain), pair):
        assert table.recognizes(source)
        examples = read(source)
        assert examples.columns == ("size", "color")
        np.testing.assert_array_equal(column(examples, "size")[:3], [1.5, 2.0, np.nan])
        assert column(examples, "color")[:3] == ["red", None, "blue"]
        assert examples.facts["label"] == tuple(y)
        assert examples.ids[0] == "row 0"


def test_arrays_and_parts_in_memory() -> None:
    x, y = np.arange(60.0).reshape(20, 3), np.linspace(0, 1, 20)
    examples = read({"test": (x, y), "train": (x, y)})
    assert examples.columns == ("column 1", "column 2", "column 3")
    assert examples.facts["part"] == ("train",) * 20 + ("test",) * 20
    assert examples.facts["value"][:20] == tuple(y.tolist())
    with pytest.raises(DataError, match="20 rows and 19 answers"):
        read((x, y[:-1]))
    with pytest.raises(DataError, match="Column 'b' has 1 rows"):
        read({"a": [1, 2], "b": [1]})


def test_days_and_truth_values_are_written_as_a_csv_would_hold_them() -> None:
    import datetime

    day, moment = datetime.date(2024, 5, 31), datetime.datetime(2024, 5, 31, 12, 30)  # noqa: DTZ001 - as users have
    frame = polars.DataFrame({"day": [day] * 9, "at": [moment] * 9, "on": [True, None, False] * 3, "y": [1, 0, 1] * 3})
    found = read(frame).fetch([0, 1], None)
    assert found["day"] == ["2024-05-31"] * 2
    assert found["at"] == ["2024-05-31T12:30:00"] * 2
    assert found["on"] == ["True", None]
    array = np.array(["2024-05-31", "NaT"] * 4, dtype="datetime64[D]")
    assert read({"day": array, "y": [0, 1] * 4}).fetch([0, 1], None)["day"] == ["2024-05-31", None]


def test_parquet_reads_as_its_frame_does(tmp_path: Path) -> None:
    frame = polars.DataFrame({"size": [1.5, None] * 9, "color": ["red", "blue"] * 9, "y": ["u", "v"] * 9})
    frame.write_parquet(tmp_path / "a.parquet")
    found, wanted = read(tmp_path / "a.parquet"), read(frame)
    assert found.columns == wanted.columns
    assert found.facts == wanted.facts
    assert found.ids[0] == "row 1"


# Whose data they are


def test_a_list_of_pictures_is_no_table(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "path,label\na.png,u\nb.png,v\n")
    assert table.recognizes(path) is None
    assert table.recognizes({"path": ["a.png"], "label": ["u"]}) is None
    assert table.recognizes((np.zeros((4, 8, 8)), [0, 1, 0, 1])) is None
    assert table.recognizes(tmp_path) is None
    assert table.recognizes(written(tmp_path / "b.csv", "just one column\nx\n")) is None
    assert table.recognizes(tmp_path / "nothing.csv") is None
    assert reading.recognizing_tasks(written(tmp_path / "c" / "c.csv", rows())) == ["table"]


# Prediction


def test_what_is_predicted_on_comes_as_written(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'color,size,price\n007,?,"$1,200"\n12,3.50,7\n')
    examples = inputs(path)
    assert examples.ids == ("row 1", "row 2")
    assert examples.facts == {}
    assert examples.fetch([0, 1], None) == {"color": ["007", "12"], "size": [None, "3.50"], "price": ["1200.0", "7"]}
    both = inputs([path, path])
    assert both.ids == ("a.csv row 1", "a.csv row 2", "a.csv row 1 (2)", "a.csv row 2 (2)")


def test_a_comma_means_at_prediction_what_it_meant_in_training(tmp_path: Path) -> None:
    trained = "".join(f"{i},125;{'u' if i % 3 else 'v'}\n" for i in range(30)) + "5,5;u\n"
    examples = read(written(tmp_path / "a.csv", "size;y\n" + trained))
    made = prepare.fit(prepare.Options(), examples, range(31))
    gather = dict(made.transforms)["gather_columns"]

    def numbers(text: str) -> list[float]:
        raw = inputs(written(tmp_path / "new.csv", text)).fetch([0], None)
        return gather.apply(raw, [{}])["numbers"][0].tolist()

    assert numbers("size;color\n1,125;red\n") == [1.125]  # alone, it could be a thousand
    assert numbers("size;weight\n1,125;2,5\n") == [1.125]
    assert numbers("size,color\n1.125,red\n") == [1.125]  # written by a program
    assert numbers('size,weight\n"1,125",2.5\n') == [1125.0]  # in this file a comma is for thousands


@pytest.mark.parametrize(
    "source",
    [{"size": 3.5, "color": "red"}, [{"size": 3.5, "color": "red"}], {"size": [3.5], "color": ["red"]}],
)
def test_rows_in_memory_are_predicted_on(source: Any) -> None:
    found = inputs(source).fetch([0], None)
    assert found["color"] == ["red"]
    assert found["size"].tolist() == [3.5]  # type: ignore[union-attr]


@pytest.mark.parametrize("source", ["nothing-like-it.csv", 5, [], np.zeros(3)])
def test_what_holds_no_rows_is_refused(source: Any) -> None:
    with pytest.raises(DataError):
        inputs(source)


# The verbs


def test_check_takes_a_target(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows())
    report = api.check(path, target="color")
    assert set(report.summary["classes"]) == {"red", "blue"}
    assert api.check(path, settings={"target": "2", "reader.drop": "size,"}).summary["classes"] == {
        "red": 20,
        "blue": 10,
    }
    with pytest.raises(RecipeError, match="no option 'targets'"):
        api.check(path, settings={"reader.targets": "color"})


def test_the_sample_is_the_same_everywhere(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        sample.write(tmp_path / name, seed)
    first, again, other = ((tmp_path / name / sample.FILE).read_bytes() for name in "abc")
    assert first == again != other
    examples = reading.read(discovery.task("table"), tmp_path / "a")
    assert len(examples) == sample.ROWS
    assert set(examples.facts["label"]) == {"yes", "no"}
    with pytest.raises(DataError, match="something here already"):
        sample.write(tmp_path / "a")


def test_a_recipe_takes_the_options_of_the_only_reader() -> None:
    drafted = recipe.draft("table", ("quick",), {"target": "price", "reader.drop": "a, b"})
    chosen = drafted.values["reader"]
    assert (chosen["name"], chosen["target"], chosen["drop"]) == ("table", "price", ("a", "b"))
    assert recipe.draft("table", ("quick",)).values["reader"] == {"name": "auto"}


def test_what_was_settled_reads_the_same_again(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", rows().replace(",", ";").partition("\n")[2], "cp1252")
    first = read(path)
    settled = {name: value for name, (value, _) in first.settled.items()}
    again = read(path, **settled)
    assert (again.ids, again.columns, again.facts, again.settled) == (first.ids, first.columns, first.facts, {})
    folder, fresh = discovery.task("table"), written(tmp_path / "b.csv", rows())
    assert reading.read_alike(folder, fresh, {"name": "table", "target": "color"}).columns == ("size", "y")
    assert reading.read_alike(folder, fresh, {"name": "other", "target": "color"}).columns == ("size", "color")


def test_a_list_of_pictures_says_what_it_found(tmp_path: Path) -> None:
    from stepwell.tasks.image_classification.readers import manifest

    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(b"")
    path = written(tmp_path / "a.csv", "path,class\na.png,u\nb.png,v\n")
    settled = manifest.read(path, manifest.Options(path="path")).settled
    assert {name: value for name, (value, _) in settled.items()} == {"label": "class", "group": "none", "split": "none"}


# Cells


@pytest.mark.parametrize(
    ("text", "decimal", "value"),
    [
        ("12", ".", 12),
        (" -1.5e3 ", ".", -1500),
        ("1,234.5", ".", 1234.5),
        ("$5", ".", 5),
        ("12 %", ".", 12),
        ("1.234,5", ",", 1234.5),
        ("3,5", ",", 3.5),
        ("-inf", ".", -np.inf),
        ("1 234,5", ",", 1234.5),
        ("1\u202f234\u00a0€", ",", 1234),
        ("1'234.50", ".", 1234.5),
        ("(1,234.50)", ".", -1234.5),
        ("($5)", ".", -5),
        ("-$5", ".", -5),
        ("$-5", ".", -5),
        ("\u22125", ".", -5),
        ("CHF 5", ".", 5),
        ("-$-5", ".", None),
        ("(-5)", ".", None),
        ("1 23", ".", None),
        ("5 6 2020", ".", None),
        ("1_000", ".", None),
        ("3,5", ".", None),
        ("12,34", ".", None),
        ("12a", ".", None),
        ("", ".", None),
    ],
)
def test_a_number_is_what_people_write(text: str, decimal: str, value: float | None) -> None:
    assert cells.number(text, decimal) == value


@pytest.mark.parametrize("names_", [["00123", "00124"], ["12345678901234567", "1"], ["1_0"], ["a", "1"]])
def test_names_of_things_stay_text(names_: list[str]) -> None:
    assert cells.numbers(names_, cells.Rules()) is None


@settings(max_examples=50, deadline=None)
@given(st.lists(st.one_of(st.floats(allow_nan=True, allow_infinity=True), st.integers(-(10**6), 10**6)), min_size=1))
def test_numbers_come_back_as_they_were_written(values: list[float]) -> None:
    written_ = ["" if value != value else repr(value) for value in values]
    found = cells.numbers(written_, cells.Rules())
    if found is None:  # whole numbers that no float holds are names
        assert any(abs(value) >= 2**53 for value in values if value == value)
    else:
        np.testing.assert_array_equal(found, np.asarray(values, dtype=np.float64))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), st.booleans()), min_size=3)
)
def test_any_text_survives_a_file(tmp_path_factory: pytest.TempPathFactory, content: list[tuple[str, bool]]) -> None:
    out = io.StringIO()
    csv.writer(out).writerows([["n", "text", "y"], *([i, f"t{text}", flag] for i, (text, flag) in enumerate(content))])
    path = written(tmp_path_factory.mktemp("any") / "a.csv", out.getvalue())
    found = separated.read(path, Options(delimiter="comma", header="yes")).columns["text"].at(np.arange(len(content)))
    assert found == [f"t{text}".strip() for text, _ in content]


def test_classes_that_differ_in_case_stop_unless_told_otherwise(tmp_path: Path) -> None:
    examples = read(written(tmp_path / "a.csv", "x,y\n" + "1,Yes\n2,yes\n" * 9))
    found = {one.name: one for one in examples.findings}["classes_alike"]
    assert found.severity == 3
    assert "'Yes' and 'yes'" in found.message


@pytest.mark.parametrize(
    ("header", "row", "target"),
    [
        ("", "{letter},{n},{m}", "column 1"),
        ("", "{letter},{n}.5,{m}", "column 3"),  # the only whole numbers: a count, or a grade
        ("", "{letter},{n}.5,{m}.5", "column 1"),
        ("", "{letter},{letter},{m}", "column 3"),
        ("first,x,other\n", "{letter},{n},{m}", "first"),
        ("", "{letter},{few},{m}", "column 1"),  # a count of few values, as pixels of letters are
        ("", "{letter},{m},{few}", "column 3"),
        ("first,year,other\n", "{letter},{n},{m}", "other"),  # a place in several years
        ("first,x,other\n", "{letter},t{n},{m}", "other"),
        ("x,Class,other\n", "{n},{letter},{m}", "Class"),
    ],
)
def test_the_only_classes_in_the_first_column_are_the_target(
    tmp_path: Path, header: str, row: str, target: str
) -> None:
    lines = [row.format(letter="abc"[i % 3], few=i % 4, n=i % 40, m=(7 * i) % 60) for i in range(120)]
    found = {one.name: one for one in read(written(tmp_path / "a.csv", header + "\n".join(lines))).findings}
    assert found["target_chosen"].where["column"] == target


@pytest.mark.parametrize("name", ["CustomerId", "customer_id", "id", "Loan ID", "rownames", "RowNumber"])
def test_what_is_called_an_id_and_never_repeats_names_the_rows(tmp_path: Path, name: str) -> None:
    lines = [f"{(7919 * i) % 100003},{i % 5},{i % 2}" for i in range(60)]
    examples = read(written(tmp_path / "a.csv", f"{name},x,y\n" + "\n".join(lines)))
    assert examples.columns == ("x",)
    assert examples.ids[1] == "7919"
    assert [one.where for one in examples.findings if one.name == "id_column"] == [{"column": name}]


def test_a_column_with_a_role_can_be_named_as_a_key_of_the_split(tmp_path: Path) -> None:
    lines = [f"{i},{i // 4},{i % 7}.5,{i % 2}" for i in range(60)]
    examples = read(written(tmp_path / "a.csv", "id,patient,x,y\n" + "\n".join(lines)), drop=("x",), group="none")
    assert examples.columns == ("patient",)
    assert splits.key_values(examples, ("patient",))[:5] == [(0.0,), (0.0,), (0.0,), (0.0,), (1.0,)]
    assert splits.key_values(examples, ("id", "x"))[1] == (1.0, 1.5)
