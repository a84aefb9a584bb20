"""Texts become codes, and codes columns of 0 and 1; what was never seen is 0 and never an error."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import OneHotEncoder

from stepwell.schema import Columns
from stepwell.transforms import encode_categories, one_hot

CELLS = st.one_of(st.none(), st.sampled_from(["a", "b", "c10", "c9", ""]))


def column(*cells: str | None) -> npt.NDArray[np.object_]:
    return np.array([[cell] for cell in cells], dtype=object)


def codes_of(fitted: encode_categories.Fitted, texts: npt.NDArray[np.object_]) -> list[list[int]]:
    back = msgspec.convert(json.loads(msgspec.json.encode(fitted)), encode_categories.Fitted)
    assert back == fitted
    codes = back.apply({"texts": texts}, [{} for _ in texts])["categories"]
    assert isinstance(codes, np.ndarray)
    assert codes.dtype == np.int64
    found: list[list[int]] = codes.tolist()
    return found


def test_values_have_codes_in_natural_order_and_what_is_missing_the_last() -> None:
    train = column("c10", "c9", None, "a")
    fitted = encode_categories.fit(encode_categories.Options(), train, [0])
    assert fitted.levels == (("a", "c9", "c10", None),)
    assert codes_of(fitted, column("c9", "c10", None, "never")) == [[2], [3], [4], [0]]


def test_what_is_rare_or_was_never_missing_counts_as_never_seen() -> None:
    fitted = encode_categories.fit(encode_categories.Options(rare=2), column("a", "a", "b", "c", None), [0])
    assert fitted.sizes == (2,)
    assert codes_of(fitted, column("a", "b", None)) == [[1], [0], [0]]


def test_only_the_columns_asked_for_are_coded() -> None:
    texts = np.array([["x", "2020-01-01", "u"], ["y", "2020-01-02", "u"]], dtype=object)
    fitted = encode_categories.fit(encode_categories.Options(), texts, [0, 2])
    assert codes_of(fitted, texts) == [[1, 1], [2, 1]]


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=20))
def test_one_hot_is_scikit_learn_s(cells: list[tuple[str | None, str | None]]) -> None:
    texts = np.empty((len(cells), 2), dtype=object)
    for row, pair in enumerate(cells):
        texts[row] = pair
    codes = encode_categories.fit(encode_categories.Options(), texts, [0, 1])
    columns = codes.apply({"texts": texts}, [{} for _ in cells])
    hot = one_hot.Fitted(codes.sizes).apply({"numbers": np.zeros((len(cells), 0)), **columns}, [{} for _ in cells])
    order = [["\0" if value is None else value for value in known] for known in codes.levels]
    plain = np.array([["\0" if cell is None else cell for cell in pair] for pair in cells], dtype=object)
    theirs = OneHotEncoder(categories=order, handle_unknown="ignore", sparse_output=False).fit(plain)
    np.testing.assert_array_equal(hot["numbers"], theirs.transform(plain))


def test_hot_columns_stand_after_the_numbers_and_code_0_is_all_0() -> None:
    columns: Columns = {"numbers": np.array([[5.0], [6.0]]), "categories": np.array([[2, 0], [0, 1]])}
    hot = one_hot.Fitted((3, 2)).apply(columns, [{}, {}])["numbers"]
    np.testing.assert_array_equal(hot, [[5, 0, 1, 0], [6, 0, 0, 1]])


def test_a_rare_limit_below_one_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"rare": 0}, encode_categories.Options)
