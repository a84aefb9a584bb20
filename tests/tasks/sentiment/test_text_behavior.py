"""What texts are changed into by the tests of behavior and by misspelling, and what an answer about a text rests on."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from stepwell.preparation import Preparation, Prepared
from stepwell.schema import Batch, Field, Schema
from stepwell.tasks.sentiment import pictures, reasons, telling
from stepwell.tasks.sentiment.augmentations import misspell
from stepwell.tasks.sentiment.behavior import names, negation, typos, upper_case
from stepwell.tasks.sentiment.embedding import Pool


def changed(test, text, seed=0):
    found = test.change({"text": text, "path": "row 1"}, np.random.default_rng(seed))
    assert found is None or found["path"] == "row 1"
    return None if found is None else found["text"]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("this camera is good", "this camera is not good"),
        ("It WAS really bad.", "It WAS not really bad."),
        ("the lid isn't very sturdy", "the lid is very sturdy"),
        ("the lid is not a good one", "the lid is a good one"),
        ("the lid is gray", None),  # nothing that would turn
        ("the lid is good and the base is bad", None),
        ("it is not bad, nothing more", None),  # which of the two to take out is not clear
        ("is " + "so " * 40 + "good", None),
    ],
)
def test_negation_turns_the_only_opinion(text, other):
    assert changed(negation, text) == other
    if other is not None:
        assert changed(negation, other) == text.replace("n't", " not")


def test_each_test_of_behavior_does_what_its_example_shows():
    assert changed(negation, negation.EXAMPLE[0]) == negation.EXAMPLE[1]
    assert changed(upper_case, upper_case.EXAMPLE[0]) == upper_case.EXAMPLE[1]
    assert changed(upper_case, "123 !") is None
    assert any(changed(typos, typos.EXAMPLE[0], seed) == typos.EXAMPLE[1] for seed in range(200))
    assert any(changed(names, names.EXAMPLE[0], seed) == names.EXAMPLE[1] for seed in range(300))


@given(st.text(st.sampled_from("abcdefgh  '.é"), max_size=200), st.integers(0, 1000))
def test_typos_change_few_letters_and_are_the_same_for_a_seed(text, seed):
    found = changed(typos, text, seed)
    assert found == changed(typos, text, seed)
    if found is None:
        assert max(map(len, text.replace("'", " ").replace(".", " ").split()), default=0) < 4
    else:
        words = len(text.replace("'", " ").replace(".", " ").split())
        assert abs(len(found) - len(text)) <= max(1, words)
        assert found.split()[0][0] == text.split()[0][0]


def test_names_become_other_names_throughout():
    found = changed(names, "Emily told David; Emily was right. Mark my words.")
    first, rest = found.split(" told ")
    assert first != "Emily"
    assert first in names.NAMES
    assert f"; {first} was right. Mark my words." in rest
    assert changed(names, "nobody is named here") is None


@given(st.text(max_size=600))
def test_parts_joined_are_the_text_and_each_can_be_left_out(text):
    one = {"text": text}
    parts = reasons.parts(one)
    assert "".join(parts) == text.lstrip()
    assert len(parts) <= reasons.MOST
    assert reasons.without(one, [])["text"] == text.lstrip()
    for place in range(len(parts)):
        kept = [part for at, part in enumerate(parts) if at != place]
        assert reasons.without(one, [place])["text"] == "".join(kept)


def test_a_text_of_many_words_has_parts_of_several():
    parts = reasons.parts({"text": " ".join(f"w{i}" for i in range(1000))})
    assert len(parts) == reasons.MOST
    assert {len(part.split()) for part in parts} == {15, 16}


WORDS = ("<padding>", "<unknown>", "good", "goood", "GOOD", "bad")
SCHEMA = Schema((Field("tokens", "sequence", "int64", ("time",), classes=WORDS, levels=(len(WORDS),)),), (), ())


def test_misspelling_looks_other_spellings_up_and_leaves_padding():
    tokens = torch.tensor([[2] * 200 + [0] * 5, [5] * 205])
    batch = Batch({"tokens": tokens}, {"tokens": torch.tensor([200, 205])}, np.array([1, 2], dtype=np.uint64))
    drawn = np.random.default_rng(0)

    def draw(_, shape):
        return drawn.random((2, *shape))

    found = misspell.apply(misspell.Options(share=0.5, hidden=0.1), batch, SCHEMA, draw)
    new = found.fields["tokens"]
    assert (new[0, 200:] == 0).all()
    assert set(new[0, :200].tolist()) == {1, 2, 3, 4}
    assert set(new[1].tolist()) == {1, 5}
    assert 0.3 < float((new[1] == 1).float().mean()) < 0.8
    assert tokens[0, 0] == 2  # the batch itself is not changed
    same = misspell.apply(misspell.Options(share=0, hidden=0), batch, SCHEMA, draw)
    assert torch.equal(same.fields["tokens"], tokens)


@pytest.mark.parametrize(("way", "word"), [(0.1, "GOOD"), (0.25, "ogod"), (0.5, "ood"), (0.75, "ggood")])
def test_ways_of_writing_a_word_otherwise(way, word):
    assert misspell.otherwise("good", way) == word


def test_explained_pictures_color_the_words_that_weigh():
    raw = {"text": "a <b> bad day"}
    said = {"label": "bad", "probability": 0.9}
    picture = pictures.explained(raw, {"label": "bad"}, said, np.array([0, -0.1, 0.5, 0.0]))
    drawn = picture.data.decode()
    assert "&lt;b&gt;" in drawn
    assert drawn.count("fill-opacity") == 2
    assert picture.caption == "bad (90 %), rightly; for it spoke most: 'bad'"
    assert pictures.explained(raw, None, None, np.zeros(0)) == pictures.draw(raw, None, None)


class Counting:
    """A transform that keeps so many pieces."""

    longest = 4


def test_lengths_and_unknown_tokens_are_told():
    noted = [{"look_up": {"pieces": pieces, "unknown": unknown}} for pieces, unknown in ((2, 0), (8, 4), (0, 0))]
    columns = telling.columns(noted)
    assert columns["length in tokens"].tolist() == [2, 8, 0]
    assert columns["share of unknown tokens"].tolist() == [0, 0.5, 0]
    assert telling.columns([{}]) == {}
    prepared_by = Preparation(SCHEMA, (("look_up", Counting()),))
    few = Prepared(("row 1", "row 2"), {"tokens": [np.array([2, 5]), np.array([2, 3, 4])]}, {}, ())
    (aside,) = telling.tell(torch.nn.Linear(2, 2), prepared_by, {"test": noted}, few)
    assert aside.rows == (("test", "3", "2", "8", "1 (40.0 % of all tokens)", "40.0 %"),)
    _, near = telling.tell(torch.nn.Sequential(torch.nn.Embedding(6, 3)), prepared_by, {"test": noted}, few)
    assert [row[0] for row in near.rows] == ["good", "goood", "GOOD"]


class Attentive(torch.nn.Module):
    """Weighs tokens by their number."""

    def __init__(self):
        super().__init__()
        self.pool = Pool("attention", 1)
        torch.nn.init.ones_(self.pool.score.weight)

    def forward(self, tokens, lengths):
        return self.pool.score(tokens.unsqueeze(2).float()).sum(1)


def test_attention_is_shown_with_a_warning():
    few = Prepared(("row 1", "row 2"), {"tokens": [np.array([2, 5]), np.array([2, 3, 4])]}, {}, ())
    (aside,) = telling.tell(Attentive(), Preparation(SCHEMA, ()), {}, few)
    assert "need not be" in aside.says
    assert aside.apart
    assert aside.rows[0] == ("row 1", "bad (95 %), good (5 %)")
    assert aside.rows[1][1].startswith("GOOD (67 %), goood (24 %)")
