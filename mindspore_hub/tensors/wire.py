"""Protobuf's wire format, as far as checkpoints use it: https://protobuf.dev/programming-guides/encoding."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from mindspore_hub.errors import CheckpointError

if TYPE_CHECKING:
    from mindspore_hub.tensors.pages import View

_VARINT, _LENGTH = 0, 2


class Field(NamedTuple):
    """A field of a message.

    Attributes:
        number: Its number in the schema.
        is_message: Whether it has a length, as messages, texts and bytes have; it is a number else.
        place: Byte where it begins.
        start: Byte where its content begins.
        end: Byte behind it.
    """

    number: int
    is_message: bool
    place: int
    start: int
    end: int


def read_fields(view: View, message: Field) -> Iterator[Field]:
    """Read the fields of a message one by one."""
    place = message.start
    while place < message.end:
        field = read_field(view, place, message.end)
        yield field
        place = field.end


def read_field(view: View, place: int, end: int) -> Field:
    """Read where a field lies.

    Args:
        view: Bytes of the file.
        place: Byte where the field begins.
        end: Byte behind the message that it belongs to.

    Raises:
        CheckpointError: There is no field that ends before the message does.
    """
    key, start = read_varint(view, place, end)
    number, wire_type = key >> 3, key & 7
    if wire_type == _VARINT:
        _, stop = read_varint(view, start, end)
        return Field(number, False, place, start, stop)
    if wire_type != _LENGTH:
        raise damaged(place, f"wire type {wire_type}")
    length, start = read_varint(view, start, end)
    if length > end - start:
        raise damaged(place, f"{length} bytes where {end - start} are left")
    return Field(number, True, place, start, start + length)


def read_varint(view: View, place: int, end: int) -> tuple[int, int]:
    """Read a number of 64 bits; also where the next byte lies.

    Raises:
        CheckpointError: There is none, or a larger one.
    """
    if place < end and view[place] < 0x80:  # as nearly all are, and all keys
        return view[place], place + 1
    number, shift = 0, 0
    for index in range(place, min(end, place + 10)):
        byte = view[index]
        if byte < 0x80:
            number |= byte << shift
            if number >= 2**64:
                break
            return number, index + 1
        number |= (byte & 0x7F) << shift
        shift += 7
    raise damaged(place, "no number of 64 bits")


def damaged(place: int, problem: str) -> CheckpointError:
    """Error for bytes that no version of MindSpore writes."""
    return CheckpointError(
        f"it is no MindSpore checkpoint, or a damaged one: {problem} at byte {place}."
    )
