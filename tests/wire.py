"""Checkpoint files byte by byte, for what no writer would write."""

import json
from typing import Any


def varint(number: int) -> bytes:
    """Encode a number of 64 bits."""
    digits = bytearray()
    number %= 2**64
    while number >= 0x80:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    digits.append(number)
    return bytes(digits)


def number(field: int, value: int) -> bytes:
    """Encode a field that is a number."""
    return varint(field << 3) + varint(value)


def block(field: int, content: bytes) -> bytes:
    """Encode a field that is a text, bytes or a message."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def tensor(data: bytes, dims: tuple[int, ...] = (), *, dtype: str = "Float32") -> bytes:
    """Encode the field `tensor` of a value."""
    sizes = b"".join(number(1, size) for size in dims)
    return block(2, sizes + block(2, dtype.encode()) + block(3, data))


def value(name: str, *fields: bytes) -> bytes:
    """Encode a value of a checkpoint; a whole checkpoint is nothing but values."""
    return block(1, block(1, name.encode()) + b"".join(fields))


def safetensors(header: Any, data: bytes = b"") -> bytes:
    """Encode a file with this header."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data
