"""Labels to indices: natural order, no look-alikes, nothing unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stepwell.errors import DataError, ExampleError, RecipeError
from stepwell.transforms import class_index
from stepwell.transforms.class_index import Fitted, Options


def test_classes_are_in_natural_order() -> None:
    fitted = class_index.fit(Options(), ["class 10", "class 9", "class 9", "class 1"])
    assert fitted.classes == ("class 1", "class 9", "class 10")
    indices = fitted.apply({"label": ["class 10", "class 1"]}, [{}, {}])["label"]
    assert (indices.dtype.name, indices.tolist()) == ("int64", [2, 0])


def test_an_unknown_label_is_named_with_its_file() -> None:
    columns = {"label": ["cat", "cart"], "path": ["1.png", "2.png"]}
    with pytest.raises(ExampleError, match="'cart' is not one of the 2 classes") as caught:
        Fitted(("cat", "dog")).apply(columns, [{}, {}])
    assert (caught.value.where, caught.value.do) == ("2.png", "Did you mean 'cat'?")


@pytest.mark.parametrize("pair", [("Cat", "cat"), ("caf\u00e9", "cafe\u0301"), ("ÄRGER", "ärger")])
def test_classes_that_look_alike_are_refused(pair: tuple[str, str]) -> None:
    with pytest.raises(DataError, match="differ only"):
        class_index.classes_of([*pair, "dog"])


def test_a_table_may_have_classes_that_look_alike() -> None:
    assert class_index.fit(Options(), ["hAd", "had"]).classes == ("hAd", "had")
    assert class_index.alike(["dog", "hAd", "had"]) == [("hAd", "had")]


@given(st.lists(st.text(alphabet=st.sampled_from("ab1<>\"'\n🙂")), min_size=1))
def test_every_label_leads_back_to_itself(labels: list[str]) -> None:
    fitted = class_index.fit(Options(), labels)
    indices = fitted.apply({"label": labels}, [{} for _ in labels])["label"]
    assert [fitted.classes[i] for i in indices] == labels


def test_the_positive_class_comes_last_of_two() -> None:
    assert class_index.fit(Options(), ["ok", "fraud"]).classes == ("fraud", "ok")
    assert class_index.fit(Options("fraud"), ["ok", "fraud"]).classes == ("ok", "fraud")
    with pytest.raises(RecipeError, match="no class 'frau'") as caught:
        class_index.fit(Options("frau"), ["ok", "fraud"])
    assert "fraud" in caught.value.do
    with pytest.raises(RecipeError, match="there are 3"):
        class_index.fit(Options("a"), "abc")
