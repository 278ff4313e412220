"""Writes ONNX models: operators, constants and values in the wire format of Protocol Buffers.

The package `onnx` can do this too; importing it takes longer than all else in a first prediction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

# The versions of the file format and of the operators: of 2022, for runtimes that are still in use.
FORMAT, OPERATORS = 8, 16
# ONNX's numbers of the types of elements, and how it encodes attributes: (type, field).
FLOAT, INT32, INT64 = 1, 6, 7
_TYPES = {np.dtype(np.float32): FLOAT, np.dtype(np.int64): INT64}


class Graph:
    """The operators of a model in their order, with the arrays that they need."""

    def __init__(self) -> None:
        self._fields: list[tuple[int, Any]] = []
        self._count = 0

    def constant(self, array: np.ndarray) -> str:
        """The name of a new constant, float32 or int64."""
        name = self._name("constant")
        data = np.ascontiguousarray(array)
        dims = [(1, size) for size in data.shape]
        # The bytes of an array are little-endian in ONNX, whatever the machine.
        raw = data.astype(data.dtype.newbyteorder("<")).tobytes()
        self._fields.append((5, _message(*dims, (2, _TYPES[data.dtype]), (8, name), (9, raw))))
        return name

    def add(
        self,
        operator: str,
        *inputs: str | np.ndarray | np.generic | Sequence[int] | int,
        place: int = 0,
        **options: Any,
    ) -> str:
        """The name of the output of a new operator.

        Args:
            inputs: names of values ("" is none), or constants, whole numbers as int64.
            place: which of the operator's outputs this is; the others are not computed.
            options: attributes; those that are None are left out.
        """
        names = [
            each if isinstance(each, str) else self.constant(np.asarray(each)) for each in inputs
        ]
        output = self._name(operator)
        attributes = [
            (5, _attribute(key, value)) for key, value in options.items() if value is not None
        ]
        outputs = [*[""] * place, output]
        node = [*((1, n) for n in names), *((2, n) for n in outputs), (3, output), (4, operator)]
        self._fields.append((1, _message(*node, *attributes)))
        return output

    def declare(self, *, inputs: bool, name: str, kind: int, shape: Iterable[int | str]) -> str:
        """Make a value an input or an output of the model; sizes of any length have names."""
        sizes = [(1, _message((1 if isinstance(size, int) else 2, size))) for size in shape]
        tensor = _message((1, kind), (2, _message(*sizes)))
        field = 11 if inputs else 12
        self._fields.append((field, _message((1, name), (2, _message((1, tensor))))))
        return name

    def output(self, value: str, name: str, shape: Iterable[int | str]) -> None:
        """Make a value of floats an output called `name`."""
        self._fields.append((1, _message((1, value), (2, name), (3, name), (4, "Identity"))))
        self.declare(inputs=False, name=name, kind=FLOAT, shape=shape)

    def model(self, name: str, description: str, metadata: Mapping[str, str]) -> bytes:
        """The file; the same calls give the same bytes."""
        properties = [(14, _message((1, key), (2, value))) for key, value in metadata.items()]
        return _message(
            (1, FORMAT),
            (2, "unroll"),
            (6, description),
            # Stable: operators stay in their order.
            (7, _message((2, name), *sorted(self._fields, key=lambda field: field[0]))),
            (8, _message((1, ""), (2, OPERATORS))),
            *properties,
        )

    def _name(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


def _attribute(name: str, value: Any) -> bytes:
    match value:
        case int():
            fields: list[tuple[int, Any]] = [(3, value), (20, 2)]
        case str():
            fields = [(4, value), (20, 3)]
        case [float(), *_]:
            fields = [(7, np.array(value, "<f4").tobytes()), (20, 6)]
        case [int(), *_]:
            fields = [*((8, each) for each in value), (20, 7)]
        case _:
            fields = [*((9, each) for each in value), (20, 8)]
    return _message((1, name), *fields)


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    """Fields, each its number and its value."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts += [_varint(number << 3), _varint(value)]
        else:
            content = value.encode() if isinstance(value, str) else value
            parts += [_varint(number << 3 | 2), _varint(len(content)), content]
    return b"".join(parts)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; negative numbers as 64 bits."""
    value, found = value & (2**64 - 1), bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
