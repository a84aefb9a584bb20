"""Looks into an ONNX file, without the package onnx, for tensors that lie in other files.

ONNX lets a tensor name any path for its data (`TensorProto.external_data`); a Stepwell artifact is
one file a network, so such a tensor is refused before onnxruntime sees it. The file is a protocol
buffer: fields of (number << 3 | wire type), then a value. Numbers are those of onnx.proto.
"""

from __future__ import annotations

from collections.abc import Iterator

_INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""For each kind of message, the fields in which a tensor can lie, and the kind of what they hold."""

_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_DEPTH = 64
"""The deepest nesting of messages that is followed; onnxruntime's own limit is near 100."""


def names_other_files(content: bytes) -> bool:
    """Whether a tensor of the ONNX model keeps its data outside; `ValueError` where `content` is no such file."""
    return _outside(memoryview(content), "model", 0)


def _outside(message: memoryview, kind: str, depth: int) -> bool:
    if depth > _DEPTH:
        raise ValueError("messages nested too deeply")
    for number, value in _fields(message):
        if kind == "tensor":
            if number == _EXTERNAL_DATA or (number == _DATA_LOCATION and value != 0):
                return True
        elif number in _INSIDE[kind]:
            if isinstance(value, int):
                raise ValueError(f"field {number} of a {kind} is no message")
            if _outside(value, _INSIDE[kind][number], depth + 1):
                return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """The fields of one message: number, and an integer (varint) or the bytes of any other value."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        wire = tag & 7
        if tag >= 2**32:  # other parsers may cut such a number to 32 bits and see another field
            raise ValueError("a field number out of range")
        if wire == _VARINT:
            value, place = _varint(message, place)
            yield tag >> 3, value
            continue
        if wire == _LENGTH:
            length, place = _varint(message, place)
        elif wire in (_EIGHT_BYTES, _FOUR_BYTES):
            length = 8 if wire == _EIGHT_BYTES else 4
        else:
            raise ValueError(f"wire type {wire}")
        if length > len(message) - place:
            raise ValueError("it ends in the middle of a value")
        yield tag >> 3, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """The integer at `place` (seven bits a byte, lowest first), and the place after it."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(message):
            break
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
    raise ValueError("an integer does not end")
