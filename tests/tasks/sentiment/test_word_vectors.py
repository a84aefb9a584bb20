"""Word vectors: read from files of three kinds, judged by rated pairs, and trained by skip-gram."""

import gzip
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stepwell.errors import DataError
from stepwell.preparation import Preparation, Prepared
from stepwell.schema import Field, Schema
from stepwell.tasks.sentiment import begin, skipgram, vectors, zero_shot

ROWS = {"good": [1.0, 0.5], "bad": [-1.0, 0.25], ". . .": [0.0, 2.0], "naïve": [0.5, 0.5]}


def written(rows, header=False, end="\n"):
    lines = [f"{len(rows)} 2"] if header else []
    return end.join([*lines, *(" ".join([word, *map(str, row)]) for word, row in rows.items())]) + end


@pytest.mark.parametrize("header", [False, True])
@pytest.mark.parametrize("end", ["\n", " \n", "\r\n"])
@pytest.mark.parametrize("packed", [False, True])
def test_files_of_every_kind_give_the_same_vectors(tmp_path, header, end, packed):
    content = written(ROWS, header, end).encode()
    path = tmp_path / ("a.vec.gz" if packed else "a.txt")
    path.write_bytes(gzip.compress(content) if packed else content)
    matrix, found = vectors.read(path, ["bad", "missing", "naïve", "Good", ". . ."])
    assert matrix.dtype == np.float32
    assert found.tolist() == [True, False, True, True, True]
    assert matrix.tolist() == [ROWS["bad"], [0, 0], ROWS["naïve"], ROWS["good"], ROWS[". . ."]]
    assert vectors.words_of(path) == list(ROWS)
    assert vectors.words_of(path, 2) == ["good", "bad"]


def test_a_word_as_it_is_written_comes_before_its_lower_case(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("us 1 1\nUS 2 2\nus 3 3\n")
    matrix, _ = vectors.read(path, ["US", "us", "Us"])
    assert matrix[:, 0].tolist() == [2, 1, 1]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("good 1 2\nbad 1\n", 2),
        ("good 1 2\nbad 1 2\nso 1 2\ncut off", 4),
        ("2 2\ngood 1 2\nbad 1\n", 3),
        ("good 1 2\nbad 1 x\n", 2),
        ("good 1 2\nbad 1 nan\n", 2),
        ("good\n", 1),
    ],
)
def test_a_ragged_line_is_named(tmp_path, content, line):
    path = tmp_path / "a.txt"
    path.write_text(content)
    with pytest.raises(DataError) as error:
        vectors.read(path, ["good", "bad"])
    assert error.value.where.endswith(f"line {line}")


@pytest.mark.parametrize("content", [b"", b"3 99999999\n", b"\x1f\x8b broken"])
def test_what_is_no_file_of_vectors_is_refused(tmp_path, content):
    path = tmp_path / "a.txt.gz"
    path.write_bytes(content if content.startswith(b"\x1f") else gzip.compress(content))
    with pytest.raises(DataError):
        vectors.read(path, ["good"])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=3, max_size=30))
def test_spearman_is_that_of_scipy(pairs):
    stats = pytest.importorskip("scipy.stats")
    one, other = np.array(pairs, dtype=np.float64).T
    if len(set(one)) > 1 and len(set(other)) > 1:
        assert vectors.spearman(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)
    else:
        assert np.isnan(vectors.spearman(one, other))


def test_pairs_and_neighbors(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("# rated\nup\thigh\t9\nup\tdown\t2.5\nUp\thigher\t8\nup\tunknown\t1\n")
    words = ["up", "high", "down", "higher"]
    matrix = np.array([[1, 0], [1, 0.1], [-1, 0], [1, 0.2]], dtype=np.float32)
    assert vectors.similarity(matrix, words, vectors.read_pairs(path)) == (pytest.approx(1.0), 3)
    assert [word for word, _ in vectors.neighbors(matrix, words, "up")] == ["high", "higher", "down"]
    with pytest.raises(KeyError):
        vectors.neighbors(matrix, words, "unknown")
    path.write_text("up\thigh\t1\nup\thigh\tmany\n")
    with pytest.raises(DataError, match="two words and a number") as error:
        vectors.read_pairs(path)
    assert error.value.where.endswith("line 2")


def topical(seed, count=400):
    """Texts of twelve words of one of four topics of ten words each, and a word that is in all."""
    draw = np.random.default_rng(seed)
    return [np.append(draw.integers(0, 10, 11) + 10 * topic, 40) for topic in draw.integers(0, 4, count)]


def test_skipgram_puts_words_of_one_topic_together_and_again_the_same():
    settings = skipgram.Settings(width=8, epochs=10)
    matrix = skipgram.train(topical(0), 42, settings, 1)
    unit = matrix[:40] / np.linalg.norm(matrix[:40], axis=1, keepdims=True)
    cosines = unit @ unit.T
    topic = np.arange(40) // 10
    same = topic[:, None] == topic[None]
    np.fill_diagonal(same, False)
    assert cosines[same].mean() > cosines[topic[:, None] != topic[None]].mean() + 0.5
    assert not matrix[41].any()  # never occurs
    assert np.array_equal(matrix, skipgram.train(topical(0), 42, settings, 1))
    assert not np.array_equal(matrix, skipgram.train(topical(0), 42, settings, 2))


def test_skipgram_keeps_to_its_bound_and_bears_nothing():
    few = skipgram.train(topical(0), 42, skipgram.Settings(width=8, most=1), 1)
    assert np.isfinite(few).all()
    assert not skipgram.train([], 3, skipgram.Settings(width=4), 0).any()
    assert not skipgram.train([np.array([-1, -1])], 3, skipgram.Settings(width=4), 0).any()
    assert np.isfinite(skipgram.train([np.array([0]), np.array([1, -1, 2])], 3, skipgram.Settings(width=4), 0)).all()


def topics(path):
    """Vectors of common words that say nothing, and of words of two topics."""
    draw = np.random.default_rng(0)
    rows = {f"the{i}": draw.normal([1, 0, 0, 0], 0.3) for i in range(20)}
    rows |= {word: draw.normal([1, 2, 0, 0], 0.1) for word in ("kitchen", "pan", "stove")}
    rows |= {word: draw.normal([1, 0, 2, 0], 0.1) for word in ("book", "novel", "author")}
    path.write_text("".join(f"{word} {' '.join(f'{x:.4f}' for x in row)}\n" for word, row in rows.items()))
    return path


def test_labels_that_nothing_was_trained_on_are_told_by_their_words(tmp_path):
    judge = zero_shot.of(topics(tmp_path / "a.txt"), ["Kitchen", "book_author"])
    shares = judge(["the1 pan the2 stove", "a novel, the3", "unknown words alone"])
    assert shares.argmax(axis=1).tolist()[:2] == [0, 1]
    assert shares.sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    assert shares[2].tolist() == pytest.approx([0.5, 0.5])
    assert judge.labels == ("Kitchen", "book_author")


@pytest.mark.parametrize(("labels", "said"), [(["book"], "not two labels"), (["book", "spaceship"], "spaceship")])
def test_labels_without_vectors_are_refused(tmp_path, labels, said):
    with pytest.raises(DataError, match=said):
        zero_shot.of(topics(tmp_path / "a.txt"), labels)


class Tabled(torch.nn.Module):
    """A network with a vector for each token."""

    def __init__(self, count, width):
        super().__init__()
        self.table = torch.nn.Embedding(count, width)


def begun(vectors_named, texts, further=None):
    words = ("<padding>", "<unknown>", *(f"w{i}" for i in range(42)))
    field = Field("tokens", "sequence", "int64", ("time",), classes=words, levels=(len(words),))
    torch.manual_seed(0)
    model = Tabled(len(words), vectors.read(vectors_named, words[2:])[0].shape[1])
    before = model.table.weight.detach().clone()
    drawn = SimpleNamespace(options=lambda _: SimpleNamespace(vectors=vectors_named))
    prepared = Prepared(tuple(map(str, range(len(texts)))), {"tokens": [one + 2 for one in texts]}, {}, ())
    chain = () if further is None else (("numbered", further),)
    notes = begin.begin(model, drawn, Preparation(Schema((field,), (), ()), chain), [prepared], 7)
    return before, model.table.weight.detach(), notes


class Numbered:
    """Makes numbers of words such as w3."""

    reads, writes = ("text",), ("tokens",)

    def apply(self, columns, traces):
        return {"tokens": [np.array([int(word[1:]) + 2 for word in text.split()]) for text in columns["text"]]}


def test_a_network_begins_with_vectors_of_skipgram_where_it_is_told_so(tmp_path):
    before, after, notes = begun("skipgram", topical(0))
    assert torch.equal(before[:2], after[:2])  # what fills up, and what is unknown
    assert torch.equal(before[43], after[43])  # w41 never occurs
    assert not torch.equal(before[2:43], after[2:43])
    assert float(after[2:43].std()) == pytest.approx(float(before[2:].std()), rel=0.2)
    assert "41 tokens trained by skip-gram on 400 training texts" in notes[0]
    assert torch.equal(after, begun("skipgram", topical(0))[1])
    path = tmp_path / "more.txt"
    path.write_text("w41 w1 w2\n" * 30)
    _, more, notes = begun(f"skipgram:{path}", topical(0), Numbered())
    assert not torch.equal(before[43], more[43])
    assert "and 30 of" in notes[0]


def test_a_network_that_is_not_told_so_begins_as_it_was(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("w1 1 2\n")
    before, after, notes = begun(str(path), topical(0))
    assert torch.equal(before, after)
    assert notes == []
