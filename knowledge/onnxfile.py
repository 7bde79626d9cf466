"""Writes a graph of operators in ONNX's file format, as bytes for onnxruntime. Knows no model.

The format is a handful of protobuf messages (onnx.proto3, IR version 8); writing the few that are needed here is
shorter than a dependency that brings a compiler's worth of tools.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

MICROSOFT = "com.microsoft"  # onnxruntime's own operators
_FLOAT = 1
_TYPES = {"float32": _FLOAT, "uint8": 2, "int8": 3, "int64": 7}
_IR_VERSION = 8
_OPSET = 17


class Graph:
    """A graph under construction; every method that adds a value gives back its name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._count = 0

    def constant(self, values: NDArray[Any]) -> str:
        """A tensor that is part of the file."""
        name = self._name()
        dims = b"".join(_field(1, size) for size in values.shape)
        data = np.ascontiguousarray(values).tobytes()
        self._constants.append(dims + _field(2, _TYPES[values.dtype.name]) + _field(8, name) + _field(9, data))
        return name

    def node(self, operator: str, *inputs: str, domain: str = "", **attributes: int | float | Sequence[int]) -> str:
        """The single output of an operator."""
        return self.nodes(operator, *inputs, outputs=1, domain=domain, **attributes)[0]

    def nodes(
        self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: int | float | Sequence[int]
    ) -> list[str]:
        """The outputs of an operator that has several."""
        names = [self._name() for _ in range(outputs)]
        parts = [_field(1, name) for name in inputs] + [_field(2, name) for name in names] + [_field(4, operator)]
        parts += [_field(5, _attribute(name, value)) for name, value in attributes.items()]
        if domain:
            parts.append(_field(7, domain))
        self._nodes.append(b"".join(parts))
        return names

    def model(self, inputs: dict[str, Sequence[int | str]], outputs: dict[str, Sequence[int | str]]) -> bytes:
        """The file. Inputs and outputs are float tensors by name, with their shape; a string is a free size."""
        graph = b"".join(_field(1, node) for node in self._nodes) + _field(2, "graph")
        graph += b"".join(_field(5, constant) for constant in self._constants)
        graph += b"".join(_field(11, _value(name, shape)) for name, shape in inputs.items())
        graph += b"".join(_field(12, _value(name, shape)) for name, shape in outputs.items())
        opsets = [_field(1, "") + _field(2, _OPSET), _field(1, MICROSOFT) + _field(2, 1)]
        return _field(1, _IR_VERSION) + _field(7, graph) + b"".join(_field(8, opset) for opset in opsets)

    def _name(self) -> str:
        self._count += 1
        return f"v{self._count}"


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = [_field(2, size) if isinstance(size, str) else _field(1, size) for size in shape]
    tensor = _field(1, _FLOAT) + _field(2, b"".join(_field(1, size) for size in sizes))
    return _field(1, name) + _field(2, _field(1, tensor))


def _attribute(name: str, value: int | float | Sequence[int]) -> bytes:
    if isinstance(value, float):
        return _field(1, name) + _field(2, value) + _field(20, 1)
    if isinstance(value, int):
        return _field(1, name) + _field(3, value) + _field(20, 2)
    return _field(1, name) + b"".join(_field(8, each) for each in value) + _field(20, 7)


def _field(number: int, value: int | float | str | bytes) -> bytes:
    """One field of a message: an integer as varint, a float as four bytes, else with its length before it."""
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value % (1 << 64))
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)
