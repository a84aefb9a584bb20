"""From texts to numbers: cutting, looking up, shortening, and what is refused."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell import discovery
from stepwell.errors import DataError, MissingExtraError
from stepwell.preparation import from_json, needed_extra, run, to_json
from stepwell.schema import Array, Columns, Examples
from stepwell.tasks.sentiment import prepare, ratings
from stepwell.tasks.sentiment.transforms import look_up, split_words

ROOMS = discovery.task("sentiment").rooms("transforms")


def examples(texts: list[str], labels: list[str]) -> Examples:
    ids = tuple(f"row {number}" for number in range(len(texts)))

    def fetch(indices: list[int], views: Array | None) -> Columns:
        return {"text": [texts[i] for i in indices], "label": [labels[i] for i in indices]}

    return Examples(ids, ids, {"label": tuple(labels)}, fetch, "here", "made")


@pytest.mark.parametrize(
    ("options", "text", "pieces"),
    [
        ({}, "Don't buy — it's BAD!!", ["do", "n't", "buy", "—", "it's", "bad", "!", "!"]),
        ({}, "I cannot. I can’t", ["i", "can", "not", ".", "i", "ca", "n’t"]),
        ({"lower": False}, "Very Good", ["Very", "Good"]),
        ({"punctuation": False}, "so-so, 4/5 :)", ["so-so", "4", "5"]),
        ({"stop_words": ("the", "is")}, "The lid is not the base", ["lid", "not", "base"]),
        ({"stemming": "english"}, "terribly disappointing lids", ["terribl", "disappoint", "lid"]),
        ({"unit": "characters"}, "Ab  c!", ["a", "b", " ", "c", "!"]),
        ({}, "cafe\u0301 ☕ שלום", ["café", "☕", "שלום"]),
        ({}, "  \t\n ", []),
    ],
)
def test_a_text_is_cut_as_asked(options: dict[str, object], text: str, pieces: list[str]) -> None:
    assert split_words.Fitted(**options).cut(text) == pieces  # type: ignore[arg-type]


def test_stop_words_never_take_a_negation() -> None:
    cut = split_words.Fitted(stop_words=prepare.stop_words.ENGLISH).cut
    for text in ("not", "no", "never", "nor", "didn't", "cannot", "isn’t", "without", "nothing"):
        kept = cut(f"it was {text} of them")
        assert kept, text
        assert any(one in ("not", "no", "never", "nor", "n't", "n’t", "without", "nothing") for one in kept), text


@given(texts=st.lists(st.lists(st.sampled_from("abcdef"), max_size=9), min_size=1), longest=st.integers(1, 12))
def test_numbers_stand_for_the_pieces_they_came_from(texts: list[list[str]], longest: int) -> None:
    fitted = look_up.fit(look_up.Options(most=4, least=2, longest=longest), texts)
    traces: list[dict[str, object]] = [{} for _ in texts]
    found = fitted.apply({"pieces": texts}, traces)["tokens"]
    for pieces, tokens, trace in zip(texts, found, traces, strict=True):
        assert 1 <= len(tokens) <= max(1, min(longest, len(pieces)))
        assert trace["look_up"]["pieces"] == len(pieces)  # type: ignore[index]
        named = [fitted.vocabulary[n - look_up.FIRST] if n >= look_up.FIRST else None for n in tokens.tolist()]
        head = -(-len(tokens) // 2)
        kept = pieces if len(pieces) <= longest else [*pieces[:head], *pieces[len(pieces) - len(tokens) + head :]]
        assert named == ([one if one in fitted.vocabulary else None for one in kept] or [None])


def test_a_long_text_keeps_its_two_ends() -> None:
    assert look_up.shortened(np.arange(10), 5).tolist() == [0, 1, 2, 8, 9]
    assert look_up.shortened(np.arange(3), 5).tolist() == [0, 1, 2]
    assert look_up.shortened(np.arange(10), 1).tolist() == [0]


def test_the_vocabulary_is_that_of_the_training_part_alone() -> None:
    data = examples(["good thing", "bad thing", "unheard word"], ["yes", "no", "no"])
    prepared = prepare.fit(prepare.Options(), data, [0, 1])
    tokens = prepared.schema.inputs[0]
    assert tokens.classes == ("<padding>", "<unknown>", "thing", "bad", "good")
    columns, traces = run(prepared, data.fetch([0, 1, 2], None))
    assert [one.tolist() for one in columns["tokens"]] == [[4, 2], [3, 2], [1, 1]]
    assert [trace["look_up"]["unknown"] for trace in traces] == [0, 0, 2]


@pytest.mark.parametrize("tokens", ["words", "characters"])
def test_what_was_fitted_travels_as_json(tokens: str) -> None:
    data = examples(["A good thing!", "bad, bad", ""], ["yes", "no", "no"])
    prepared = prepare.fit(prepare.Options(tokens=tokens), data, [0, 1, 2])  # type: ignore[arg-type]
    again = from_json(to_json(prepared), ROOMS)
    raw = data.fetch([0, 1, 2], None)
    for one, other in zip(run(prepared, raw)[0]["tokens"], run(again, raw)[0]["tokens"], strict=True):
        assert one.tolist() == other.tolist()


def test_one_class_and_no_words_are_refused() -> None:
    with pytest.raises(DataError, match="has 1 class"):
        prepare.fit(prepare.Options(), examples(["a", "b"], ["yes", "yes"]), [0, 1])
    with pytest.raises(DataError, match="No token"):
        prepare.fit(prepare.Options(least=2), examples(["a", "b"], ["yes", "no"]), [0, 1])


def test_only_words_have_stop_words_and_endings() -> None:
    with pytest.raises(ValueError, match="tokens words alone"):
        prepare.Options(tokens="characters", stemming=True)


def test_stars_come_in_an_order_and_names_do_not() -> None:
    assert ratings.are_ordered(("1", "2", "3", "4", "5")) and ratings.are_ordered(("negative", "neutral", "positive"))
    assert not ratings.are_ordered(("books", "dvd", "electronics")) and not ratings.are_ordered(("0", "1"))


def test_subwords_are_learned_from_the_training_part_and_travel() -> None:
    texts = ["the lid is unbearable", "the lids were bearable", "a bear and a lid"] * 4 + ["zebra☕"]
    data = examples(texts, ["no", "yes", "so"] * 4 + ["no"])
    prepared = prepare.fit(prepare.Options(tokens="subwords", vocabulary=60), data, range(12))
    again = prepare.fit(prepare.Options(tokens="subwords", vocabulary=60), data, range(12))
    assert to_json(prepared) == to_json(again)
    tokens = prepared.schema.inputs[0]
    assert tokens.classes[:2] == ("<padding>", "<unknown>") and len(tokens.classes) <= 60
    rebuilt = from_json(to_json(prepared), ROOMS)
    columns, traces = run(rebuilt, {"text": ["the lid", "☕☕", ""]})
    assert "".join(tokens.classes[n] for n in columns["tokens"][0].tolist()).replace("▁", " ").strip() == "the lid"
    assert set(columns["tokens"][1].tolist()) >= {look_up.UNKNOWN} and columns["tokens"][2].tolist() == [1]
    assert [trace["subwords"]["pieces"] for trace in traces][2] == 0


@pytest.mark.parametrize(
    ("settings", "needed"), [({"tokens": "subwords"}, "text"), ({"stemming": True}, "text"), ({}, "")]
)
def test_an_artifact_says_which_install_its_texts_need(settings: dict[str, object], needed: str) -> None:
    data = examples(["a good lid", "a bad lid"], ["yes", "no"])
    assert needed_extra(prepare.fit(prepare.Options(**settings), data, [0, 1])) == needed  # type: ignore[arg-type]


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    monkeypatch.setitem(sys.modules, "snowballstemmer", None)
    data = examples(["a good lid", "a bad lid"], ["yes", "no"])
    for settings, package in (({"tokens": "subwords"}, "tokenizers"), ({"stemming": True}, "snowballstemmer")):
        with pytest.raises(MissingExtraError, match=package) as error:
            prepare.fit(prepare.Options(**settings), data, [0, 1])  # type: ignore[arg-type]
        assert 'pip install "stepwell[text]"' in error.value.do
