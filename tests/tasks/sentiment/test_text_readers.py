"""Labeled texts in every format: what is found, what is said, and what is refused."""

import gzip
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.errors import DataError, ExampleError
from stepwell.tasks.sentiment import language, raw
from stepwell.tasks.sentiment.readers import folder_per_class, labeled_lines, pseudo_xml, rated_sentences, records

GOOD = ["It works as it should.", "I love this phone, really.", "Best camera I ever had!"]
BAD = ["It broke on the second day.", "Never again, what a waste.", "The battery dies in an hour."]


def texts_of(examples):
    columns = examples.fetch(range(len(examples)), None)
    return list(zip(columns["text"], columns["label"], strict=True))


def named(examples):
    return {one.name for one in examples.findings}


PAIRS = [(text, "good") for text in GOOD] + [(text, "bad") for text in BAD]


def write(path: Path) -> Path:
    """The pairs in the format that the ending says."""
    rows = [{"review": text, "verdict": label} for text, label in PAIRS]
    name = path.name.removesuffix(".gz")
    if name.endswith(".jsonl"):
        content = "\n".join(map(json.dumps, rows)).encode()
    elif name.endswith(".parquet"):
        import polars

        polars.DataFrame(rows).write_parquet(path)
        return path
    else:
        sign = "\t" if name.endswith(".tsv") else ","
        lines = [f"review{sign}verdict", *(f'"{text}"{sign}{label}' for text, label in PAIRS)]
        content = "\r\n".join(lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.jsonl", "a.csv.gz", "a.jsonl.gz", "a.parquet"])
def test_every_format_gives_the_same_examples(tmp_path, name):
    path = write(tmp_path / name)
    assert records.recognizes(path) == "a table with texts in 'review' and labels in 'verdict'"
    examples = records.read(path, records.Options())
    assert texts_of(examples) == PAIRS
    assert examples.ids[0] == "row 1"
    assert examples.facts["label"] == tuple(label for _, label in PAIRS)
    assert examples.settled["text"][0] == "review"


@pytest.mark.parametrize(
    "source",
    [
        ([text for text, _ in PAIRS], [label for _, label in PAIRS]),
        {"text": [text for text, _ in PAIRS], "label": [label for _, label in PAIRS]},
        [{"text": text, "label": label} for text, label in PAIRS],
    ],
)
def test_texts_in_memory_are_read(source):
    assert records.recognizes(source)
    assert texts_of(records.read(source, records.Options())) == PAIRS


def test_two_files_are_two_parts(tmp_path):
    write(tmp_path / "train.csv")
    write(tmp_path / "test.csv")
    examples = records.read(tmp_path, records.Options())
    assert examples.facts["part"] == ("train",) * 6 + ("test",) * 6
    assert examples.ids[6] == "test.csv row 1"


def test_columns_are_found_by_contents_and_what_tells_the_label_is_said(tmp_path):
    rows = [
        f'{i},"{text} Again {i}.",{5 if label == "good" else 1},{"yes" if label == "good" else "no"},u{i % 4}'
        for i, (text, label) in enumerate(PAIRS * 4)
    ]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(["id,what people wrote,stars,liked,user", *rows]))
    examples = records.read(path, records.Options())
    assert {name: examples.settled[name][0] for name in records.ROLES} == {
        "text": "what people wrote",
        "label": "stars",
        "group": "user",
        "part": "none",
        "id": "id",
    }
    assert set(examples.facts["label"]) == {"1", "5"}
    assert examples.units[:5] == ("u0", "u1", "u2", "u3", "u0")
    telling = next(one for one in examples.findings if one.name == "columns_that_tell_the_label")
    assert telling.evidence["columns"] == ["liked"]


@pytest.mark.parametrize("head", ["label,massege", "v1,v2"])
def test_columns_that_a_spreadsheet_left_empty_are_neither_rows_nor_labels(tmp_path, head):
    rows = [f'{label},"{text} Again {i}.",{"rest" if i == 3 else ""},,' for i, (text, label) in enumerate(PAIRS * 4)]
    path = tmp_path / "spam.csv"
    path.write_text("\n".join([f"{head},,,", *rows]))
    assert records.recognizes(path)
    examples = records.read(path, records.Options())
    assert (examples.settled["text"][0], examples.settled["label"][0]) == tuple(reversed(head.split(",")))
    assert len(examples) == 24 and set(examples.facts["label"]) == {"good", "bad"}


def test_of_several_columns_of_few_values_the_one_whose_name_ends_so_holds_the_labels(tmp_path):
    rows = [
        f'{0.5 + i % 3 / 10},{label},{"late" if label == "bad" else ""},{"AB"[i % 2]},"{text} Again {i}."'
        for i, (text, label) in enumerate(PAIRS * 4)
    ]
    path = tmp_path / "Tweets.csv"
    path.write_text("\n".join(["airline_sentiment_confidence,airline_sentiment,reason,airline,text", *rows]))
    assert records.recognizes(path)
    assert records.read(path, records.Options()).settled["label"][0] == "airline_sentiment"


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([1, 2, 3, 4, 5, 5], ["negative", "negative", "neutral", "positive", "positive", "positive"]),
        ([0.5, 1, 2.5, 3, 4.5, 5], ["negative", "negative", "negative", "neutral", "positive", "positive"]),
        ([1, 4, 5, 6, 7, 10], ["negative", "negative", "neutral", "neutral", "positive", "positive"]),
        ([-3.7, -0.6, -0.5, 0.5, 0.6, 3.9], ["negative", "negative", "neutral", "neutral", "positive", "positive"]),
        ([0.01, 0.3, 0.5, 0.51, 0.7, 1], ["negative", "negative", "neutral", "neutral", "positive", "positive"]),
        ([0, 1, 0, 1, 1, 0], ["0", "1", "0", "1", "1", "0"]),
        ([-1, 0, 1, 1, 0, -1], ["-1", "0", "1", "1", "0", "-1"]),
    ],
)
def test_ratings_become_classes_by_their_scale(values, classes):
    examples = records.read(([text for text, _ in PAIRS], values), records.Options())
    assert list(examples.facts["label"]) == classes
    assert ("ratings_as_classes" in named(examples)) == (classes[0] == "negative")


def test_thresholds_can_be_set_and_ratings_kept():
    stars, texts = [1, 2, 3, 4, 5, 2], [text for text, _ in PAIRS]
    cut = records.read((texts, stars), records.Options(negative_below=2, positive_above=4))
    assert list(cut.facts["label"]) == ["negative", "neutral", "neutral", "neutral", "positive", "neutral"]
    kept = records.read((texts, stars), records.Options(rating="classes"))
    assert list(kept.facts["label"]) == ["1", "2", "3", "4", "5", "2"]
    with pytest.raises(DataError, match="cannot be negative"):
        records.read((texts, stars), records.Options(negative_below=4, positive_above=2))
    with pytest.raises(DataError, match="is no number"):
        records.read((texts, ["a", "b"] * 3), records.Options(negative_below=4))


def test_stars_out_of_range_are_refused_with_their_row():
    stars = [1, 2, 3, 4, 5] * 20 + [9]
    with pytest.raises(DataError, match="1 ratings lie beyond the scale of all others") as error:
        records.read({"text": [f"it is the case {i}" for i in range(101)], "stars": stars}, records.Options())
    assert "row 100" in error.value.where


@pytest.mark.parametrize(
    ("labels", "said"),
    [(["a"] * 6, "have the label 'a'"), ([None] * 6, "not clear"), ([f"c{i}" for i in range(30)], "are no classes")],
)
def test_labels_that_are_no_classes_are_refused(labels, said):
    texts = [f"it is the case {i}" for i in range(len(labels))]
    with pytest.raises(DataError, match=said):
        records.read((texts, labels), records.Options())


def test_texts_without_label_are_passed_over_and_empty_ones_are_errors_of_their_own():
    source = {"text": [*GOOD, " ", *BAD, None], "label": ["g", "g", None, "g", "b", "b", "b", "b"]}
    examples = records.read(source, records.Options())
    assert "texts_without_label" in named(examples)
    assert examples.ids == tuple(f"row {i}" for i in (0, 1, 3, 4, 5, 6, 7))
    for place in (2, 6):
        with pytest.raises(ExampleError, match="empty"):
            examples.fetch([place], None)
    assert examples.fetch([0, 3], None)["text"] == [GOOD[0], BAD[0]]


def test_no_column_of_texts_is_said():
    with pytest.raises(DataError, match="No column holds texts"):
        records.read({"a": ["x", "y"], "b": ["1", "2"]}, records.Options())
    with pytest.raises(DataError, match="no column 'nope'"):
        records.read({"text": GOOD, "label": ["a", "b", "b"]}, records.Options(label="nope"))
    assert records.recognizes({"a": ["x", "y"], "b": [1, 2]}) is None
    assert records.recognizes(np.zeros((3, 4))) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_are_found(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nSchöne Grüße für alle,gut\nNicht schön für mich,schlecht\n".encode(encoding))
    examples = records.read(path, records.Options())
    assert texts_of(examples)[0] == ("Schöne Grüße für alle", "gut")
    assert ("encoding_guessed" in named(examples)) == (encoding == "cp1252")


def folder(root: Path) -> Path:
    for part in ("train", "test"):
        for label, texts in (("pos", GOOD), ("neg", BAD)):
            (root / "aclImdb" / part / label).mkdir(parents=True)
            for i, text in enumerate(texts):
                (root / "aclImdb" / part / label / f"{i}_9.txt").write_text(text)
    (root / "aclImdb" / "train" / "unsup").mkdir()
    (root / "aclImdb" / "train" / "unsup" / "0_0.txt").write_text("what is this")
    (root / "aclImdb" / "train" / "urls_pos.txt").write_text("none")
    (root / "aclImdb" / "imdbEr.txt").write_text("0.1")
    (root / "aclImdb" / "README").write_text("read me")
    return root


@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_per_class_with_parts_as_imdb_has_it(tmp_path, packed):
    source = folder(tmp_path / "a")
    if packed:
        with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as archive:
            archive.add(source / "aclImdb", "aclImdb")
        source = tmp_path / "a.tar.gz"
    assert folder_per_class.recognizes(source)
    examples = folder_per_class.read(source, folder_per_class.Options())
    assert len(examples) == 12
    assert set(zip(examples.facts["part"], examples.facts["label"], strict=True)) == {
        (part, label) for part in ("train", "test") for label in ("pos", "neg")
    }
    assert {"files_passed_over", "texts_in_no_class", "texts_without_label"} <= named(examples)
    assert sorted(text for text, label in texts_of(examples) if label == "neg") == sorted(BAD * 2)


def test_files_of_other_encodings_are_read_and_said(tmp_path):
    for label, content in (("a", "schön".encode("cp1252")), ("b", "schön".encode("utf-16"))):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.txt").write_bytes(content)
    examples = folder_per_class.read(tmp_path, folder_per_class.Options())
    assert [text for text, _ in texts_of(examples)] == ["schön", "schön"]
    assert next(one for one in examples.findings if one.name == "encodings").evidence == {"cp1252": 1, "utf-16": 1}


def review(text, asin="B1", name="Ann"):
    fields = {"asin": asin, "reviewer": name, "review_text": text}
    return "".join(["<review>\n", *(f"<{key}>\n{one}\n</{key}>\n" for key, one in fields.items()), "</review>\n"])


def test_pseudo_xml_keeps_products_together(tmp_path):
    (tmp_path / "books & more").mkdir()
    good = "<data>\n" + review("Fine & dandy <b>!", "B1") + review("good\x1a again", "B2", "Bob") + "</data>"
    (tmp_path / "books & more" / "positive.review").write_text(good)
    (tmp_path / "books & more" / "negative.review.gz").write_bytes(gzip.compress(review("bad", "B1", "").encode()))
    assert pseudo_xml.recognizes(tmp_path)
    examples = pseudo_xml.read(tmp_path, pseudo_xml.Options())
    assert texts_of(examples) == [("bad", "negative"), ("Fine & dandy <b>!", "positive"), ("good  again", "positive")]
    assert examples.facts["group"] == ("B1", "B1", "B2")
    assert examples.facts["author"] == (None, "Ann", "Bob")
    assert pseudo_xml.read(tmp_path, pseudo_xml.Options("author")).facts["group"] == (None, "Ann", "Bob")


def test_pseudo_xml_without_a_text_is_refused(tmp_path):
    (tmp_path / "positive.review").write_text("<review><asin>1</asin></review>")
    with pytest.raises(DataError, match="Review 1 has no text"):
        pseudo_xml.read(tmp_path, pseudo_xml.Options())


def rated(folder: Path, other_mean="-0.9") -> Path:
    (folder / "x_GroundTruth.txt").write_bytes(b'1_1\t-0.9\tno "picture\r\n1_2\t0.1\tus\r\n2_1\t3.5\tgreat\r\n')
    (folder / "x_anonDataRatings.txt").write_bytes(b"\xef\xbb\xbf1_1\t" + other_mean.encode() + b"\t0.7\t[0, -1]\r\n")
    return folder


def test_rated_sentences_stay_with_their_review(tmp_path):
    assert rated_sentences.recognizes(rated(tmp_path))
    examples = rated_sentences.read(tmp_path, rated_sentences.Options())
    assert texts_of(examples) == [('no "picture', "negative"), ("us", "neutral"), ("great", "positive")]
    assert examples.ids == ("1_1", "1_2", "2_1")
    assert examples.facts["group"] == ("review 1", "review 1", "review 2")


def test_rated_sentences_that_differ_from_their_ratings_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"mean rating of 1_1 is -0\.9"):
        rated_sentences.read(rated(tmp_path, "0.9"), rated_sentences.Options())
    (tmp_path / "x_GroundTruth.txt").write_text("1_1\tmany\tstars\n")
    with pytest.raises(DataError, match="3 cells") as error:
        rated_sentences.read(tmp_path, rated_sentences.Options())
    assert "line 1" in error.value.where


@given(st.text())
def test_clean_text_stays_as_it_is(text):
    once = raw.clean(text)
    assert raw.clean(once) == once
    assert not any(one < " " and one not in "\n\t" for one in once)


def test_a_lone_surrogate_and_an_accent_in_two_signs():
    assert raw.clean("e\u0301\ud83d \x00\ufeffx\r\ny") == "é\ufffd  x\ny"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("The camera is good but the battery is not what I had in mind.", "English"),
        ("Das ist nicht das, was ich mir gewünscht habe, aber es ist gut.", "German"),
        ("C'est une très bonne histoire et les acteurs sont parfaits.", "French"),
        ("Es una historia muy buena y los actores están muy bien.", "Spanish"),
        ("Это очень хороший фильм", "Cyrillic script"),
        ("هذا فيلم جيد", "Arabic script"),
        ("これはいい映画です", "Japanese"),
        ("这是一部好电影", "Chinese characters"),
        ("👍👍👍", language.UNKNOWN),
        ("", language.UNKNOWN),
    ],
)
def test_languages(text, name):
    assert language.of(text) == name


def test_what_texts_are_like_is_said():
    texts = ["This <br /> is the <b>one</b> for me", "The cafÃ© is not what it was"] * 5
    examples = records.read((texts, ["a", "b"] * 5), records.Options())
    said = {one.name: one for one in examples.findings}
    assert {"kind_of_texts", "markup_in_texts", "misread_characters"} <= set(said)
    assert said["kind_of_texts"].evidence["languages"] == {"English": 1.0}
    assert said["markup_in_texts"].evidence == {"texts": 5}
    assert said["misread_characters"].message.startswith("5 texts")


def test_words_that_give_the_label_away_are_said():
    texts = [f"this is text {i} [rated {'good' if i % 2 else 'bad'}]" for i in range(60)]
    labels = ["good" if i % 2 else "bad" for i in range(60)]
    found = records.read((texts, labels), records.Options())
    (finding,) = [one for one in found.findings if one.name == "words_that_tell_the_label"]
    assert set(finding.evidence["words"]) == {"good", "bad"}
    assert finding.severity == 2
    plain = records.read(([f"this is text {i} and {i % 7}" for i in range(60)], labels), records.Options())
    assert "words_that_tell_the_label" not in named(plain)


def test_odd_texts_are_read_as_they_are():
    texts = ["x", "🎉🎉", "שלום עולם", "word " * 100_000, "a\x07b", "plain text"] * 2
    examples = records.read({"text": texts, "label": ["a", "b"] * 6}, records.Options())
    found = examples.fetch(range(6), None)["text"]
    assert found[:3] == ["x", "🎉🎉", "שלום עולם"]
    assert len(found[3].split()) == 100_000
    assert found[4] == "a b"


@pytest.mark.parametrize("name", ["a.txt", "a.train.gz", "a"])
@pytest.mark.parametrize("classes", [("__label__good", "__label__bad"), ("1", "0")])
def test_a_line_begins_with_its_class(tmp_path, name, classes):
    said = dict(zip(("good", "bad"), classes, strict=True))
    lines = [f"{said[label]} {text}\r\n" for text, label in PAIRS]
    content = "\n".join(lines).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert labeled_lines.recognizes(path) == f"a text a line after its class, such as {classes[0]}"
    examples = labeled_lines.read(path, labeled_lines.Options())
    assert texts_of(examples) == [(text, said[label].removeprefix("__label__")) for text, label in PAIRS]
    assert examples.ids[:2] == ("line 1", "line 3")


def test_files_may_be_named_after_the_class_of_their_lines(tmp_path):
    (tmp_path / "rt.pos").write_text("\n".join(GOOD), encoding="cp1252")
    assert labeled_lines.recognizes(tmp_path) is None  # of one class alone
    (tmp_path / "rt.neg").write_text("\n".join([*BAD, "caf\u00e9 by far too dear"]), encoding="cp1252")
    assert labeled_lines.recognizes(tmp_path) == "a text a line in rt.neg and rt.pos"
    examples = labeled_lines.read(tmp_path, labeled_lines.Options())
    said = [*BAD, "caf\u00e9 by far too dear"]
    assert texts_of(examples) == [(text, "neg") for text in said] + [(text, "pos") for text in GOOD]
    assert examples.ids[-1] == "rt.pos line 3"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "1 0.5 0.25\n0 0.25 0.5\n",
        "It works as it should\n",
        "1 it works\nbut not here\n",
        "1 3:0.5 4:0.1\n0 3:0.1\n",
        "".join(f"{number} it works well\n" for number in range(50)),
    ],
)
def test_lines_of_another_kind_are_not_taken_for_labeled_ones(tmp_path, content):
    path = tmp_path / "a.txt"
    path.write_text(content)
    assert labeled_lines.recognizes(path) is None


def test_a_line_without_a_class_or_with_two_is_named(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("__label__a it works\n\nnone here\n")
    with pytest.raises(DataError, match="Line 3 does not begin with a class: 'none here'"):
        labeled_lines.read(path, labeled_lines.Options())
    path.write_text("__label__a it works\n__label__b __label__c it broke\n")
    with pytest.raises(DataError, match="line 2 has several classes"):
        labeled_lines.read(path, labeled_lines.Options())
    path.write_text("__label__a it works\n__label__b\n__label__b it broke\n")
    examples = labeled_lines.read(path, labeled_lines.Options())
    with pytest.raises(ExampleError, match="empty"):
        examples.fetch([1], None)


@pytest.mark.parametrize("name", ["negative.review", "negative.review.gz", "a.txt"])
def test_a_file_that_is_too_large_is_refused_and_not_cut(tmp_path, name, monkeypatch):
    monkeypatch.setattr(raw, "MOST", 40)
    content = b"1 it works as it should and more than that\n0 it broke\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    reader = labeled_lines if name == "a.txt" else pseudo_xml
    with pytest.raises(DataError, match="more than"):
        reader.read(path, reader.Options())


def test_a_damaged_file_is_no_labeled_lines(tmp_path):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(gzip.compress(b"1 it works well\n" * 99)[:-20])
    assert labeled_lines.recognizes(path) is None
    path.write_bytes(b"\x1f\x8b not gzip")
    assert labeled_lines.recognizes(path) is None
