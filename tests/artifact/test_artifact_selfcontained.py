"""Tensors kept in other files are found wherever ONNX allows them; whatever is no ONNX file is said to be none."""

from __future__ import annotations

import contextlib

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from stepwell.artifact.selfcontained import names_other_files


def tensor(*, outside: bool) -> TensorProto:
    made = numpy_helper.from_array(np.arange(4, dtype=np.float32), "weight")
    if outside:
        made.ClearField("raw_data")
        made.data_location = TensorProto.EXTERNAL
        made.external_data.add(key="location", value="../../secret")
    return made


def model(place: str, *, outside: bool) -> bytes:
    """A model whose one tensor lies in an initializer, an attribute, a branch, a function or a sparse tensor."""
    held = tensor(outside=outside)
    constant = helper.make_node("Constant", [], ["location"], value=held)
    nodes = [helper.make_node("Identity", ["location"], ["y"])]
    graph = helper.make_graph(nodes, "g", [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [4])])
    made = helper.make_model(graph)
    if place == "initializer":
        made.graph.initializer.append(held)
    elif place == "attribute":
        made.graph.node.append(constant)
    elif place == "branch":
        branch = helper.make_graph([constant], "b", [], [])
        made.graph.node.append(helper.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch))
    elif place == "function":
        made.functions.append(helper.make_function("own", "f", [], ["location"], [constant], []))
    else:
        made.graph.sparse_initializer.append(onnx.SparseTensorProto(values=held))
    return bytes(made.SerializeToString())


@pytest.mark.parametrize("place", ["initializer", "attribute", "branch", "function", "sparse"])
def test_a_tensor_outside_is_found_and_one_inside_is_not(place: str) -> None:
    assert names_other_files(model(place, outside=True))
    assert not names_other_files(model(place, outside=False))


def test_a_number_written_longer_than_needed_hides_nothing() -> None:
    held = b"\x72\x00"  # data_location written as a bytes field, which no parser of ours should pass over
    long_tag = b"\xba\x80\x00" + bytes([2 + len(held)]) + b"\x2a" + bytes([len(held)]) + held
    assert names_other_files(long_tag)


@pytest.mark.parametrize(
    "content", [b"\xff" * 12, b"\x3a\x7f\x00", b"\x3b", b"\x38\x01", b"\x3a\x80", b"\xff\xff\xff\xff\xff\x01\x00"]
)
def test_bytes_that_are_no_model_are_said_to_be_none(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"^\w+"):
        names_other_files(content)


def test_nesting_without_end_is_refused() -> None:
    content = b""
    for _ in range(200):  # graph -> node -> attribute -> graph -> ...
        content = b"\x32" + _length(content) + content
        content = b"\x2a" + _length(content) + content
        content = b"\x0a" + _length(content) + content
    with pytest.raises(ValueError, match="deeply"):
        names_other_files(b"\x3a" + _length(content) + content)


@given(st.binary(max_size=60), st.integers(0, 400))
def test_only_value_errors_come_out(noise: bytes, place: int) -> None:
    content = model("branch", outside=False)
    for damaged in (noise, content[:place], content[:place] + noise + content[place:]):
        with contextlib.suppress(ValueError):
            names_other_files(damaged)


def _length(content: bytes) -> bytes:
    value, digits = len(content), bytearray()
    while value >= 0x80:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*digits, value])
