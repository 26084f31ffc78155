"""Checks of what is not a single text in a card: each yields problems with a place and a way out."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from mindspore_hub.hub.findings import Edit, Problem
from mindspore_hub.hub.keys import Form, are_known, key_of
from mindspore_hub.hub.values import (
    DTYPES,
    YamlList,
    YamlMapping,
    YamlNode,
    YamlText,
    as_argument,
    is_null,
    is_size,
    single_values,
)

Check = Callable[[str, YamlNode], Iterator[Problem]]
"""Takes the name of a field and its value."""


def _value(node: YamlNode) -> Any:
    return tuple(map(as_argument, node.items)) if isinstance(node, YamlList) else as_argument(node)


class Field(NamedTuple):
    """A field of a mapping in a card.

    Attributes:
        check: Yields what is wrong with its value.
        schema: JSON Schema of its value.
        optional: Whether it may be absent.
        read: What a value means that has no problems.
    """

    check: Check
    schema: Mapping[str, Any]
    optional: bool = False
    read: Callable[[YamlNode], Any] = _value


def single_value_problems(mapping: YamlMapping, known: frozenset[str]) -> Iterator[Problem]:
    """Report each key of these, such as `keys.TOP`, that takes one value and has a list or mapping."""
    for name, value in mapping.entries:
        takes_one = are_known((name.text,), known) and key_of(name.text).form is Form.VALUE
        if takes_one and not isinstance(value, YamlText):
            message = f"{name.text} is {_kind(value)}, not one value"
            yield Problem(name.place, message, f"write one value: `{name.text}: <value>`")


def asset_problems(front_matter: YamlMapping) -> Iterator[Problem]:
    """Report `asset` where it is not a list, and what in it is not a mapping."""
    for name, value in front_matter.entries:
        if name.text != "asset" or is_null(value):
            continue
        if not isinstance(value, YamlList):
            first = "key" if isinstance(value, YamlMapping) else "line"
            message = f"asset is {_kind(value)}, not a list: put a dash before its first {first}"
            yield Problem(name.place, message, _ASSET)
            continue
        for item in value.items:
            if not isinstance(item, YamlMapping):
                message = f"an item of asset is {_kind(item)}, not a mapping of its keys"
                yield Problem(item.place, message, _ASSET)


def input_problems(node: YamlNode) -> Iterator[Problem]:
    """Report what of `input` is not an input with its shape and its type."""
    items = node.items if isinstance(node, YamlList) else ()
    if not items:
        yield Problem(node.place, "input is not a list of inputs", _INPUT)
    for item in items:
        if isinstance(item, YamlMapping):
            yield from field_problems("input", item, _INPUT_FIELDS)
        else:
            yield Problem(item.place, f"an item of input is {_kind(item)}, not a mapping", _INPUT)


def _shape(name: str, node: YamlNode) -> Iterator[Problem]:
    sizes = [as_argument(item) for item in node.items] if isinstance(node, YamlList) else [None]
    if not all(map(is_size, sizes)):
        message = f"{name} is not a list of positive whole numbers"
        yield Problem(node.place, message, "write `[128]`, without the batch axis")


_INPUT = "write `[{shape: [128], dtype: int32}]`, one mapping per input"

_ASSET = "write `- file-format: ckpt`, and below it, indented, `asset-link` and `asset-sha256`"


def _kind(node: YamlNode) -> str:
    if isinstance(node, YamlText):
        return "a text"
    return "a list" if isinstance(node, YamlList) else "a mapping"


def field_problems(key: str, node: YamlMapping, fields: Mapping[str, Field]) -> Iterator[Problem]:
    """What is wrong with the mapping behind a key, by the checks of its fields."""
    times = Counter(node.names)
    for name, _ in node.entries:
        if name.text not in fields:
            message = f"{key} has no field {name.text}"
            yield Problem(name.place, message, f"write one of {', '.join(fields)}")
        elif times[name.text] > 1:
            yield Problem(name.place, f"{name.text} stands {times[name.text]} times", "keep one")
    missing = [name for name in fields if name not in times and not fields[name].optional]
    if missing:
        yield Problem(node.place, f"{key} lacks {', '.join(missing)}", "add it")
    for name, value in node.entries:
        if name.text in fields:
            yield from fields[name.text].check(name.text, value)


def read_fields(
    key: str, node: YamlNode | None, fields: Mapping[str, Field]
) -> dict[str, Any] | None:
    """Values of a mapping, with `_` for `-` in their names; None if it has problems or is none."""
    if not isinstance(node, YamlMapping) or next(field_problems(key, node, fields), None):
        return None
    entries = ((name.text, value) for name, value in node.entries)
    return {name.replace("-", "_"): fields[name].read(value) for name, value in entries}


def stated_fields(facts: Any) -> dict[str, Any]:
    """What `read_fields` made a dataclass of, for JSON: without values that are the default ones."""
    values = {item: getattr(facts, item.name) for item in dataclasses.fields(facts)}
    return {
        item.name.replace("_", "-"): list(value) if isinstance(value, tuple) else value
        for item, value in values.items()
        if value != item.default
    }


def mapping_schema(fields: Mapping[str, Field]) -> dict[str, Any]:
    """JSON Schema of a mapping with these fields."""
    return {
        "type": "object",
        "properties": {name: dict(field.schema) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if not field.optional],
        "additionalProperties": False,
    }


def unchecked(**schema: Any) -> Field:
    """A field that is checked elsewhere, or depends on another one that is wrong."""
    return Field(lambda name, node: iter(()), schema)


def one_of(words: tuple[str, ...]) -> Field:
    """A single word of these."""

    def check(name: str, node: YamlNode) -> Iterator[Problem]:
        help_ = f"write {' or '.join(words)}"
        if not isinstance(node, YamlText):
            yield Problem(node.place, f"{name} is not a single word", help_)
        elif node.text not in words:
            meant = next((word for word in words if word.lower() == node.text.lower()), None)
            edits = (Edit(node.place, node.text, meant),) if meant and node.plain else ()
            yield Problem(node.place, f"{name} is {node.text!r}", help_, edits)

    return Field(check, {"enum": list(words)})


def some_of(words: tuple[str, ...]) -> Field:
    """A word of these, or a list of different ones."""
    single = one_of(words)

    def check(name: str, node: YamlNode) -> Iterator[Problem]:
        items = node.items if isinstance(node, YamlList) else (node,)
        for item in items:
            yield from single.check(name, item)
        texts = [item.text for item in items if isinstance(item, YamlText)]
        if not texts or len(set(texts)) < len(texts):
            yield Problem(node.place, f"{name} is empty or repeats a word", f"write {words[0]}")

    several = {"type": "array", "items": single.schema, "minItems": 1, "uniqueItems": True}
    return Field(check, {"anyOf": [single.schema, several]}, read=_words)


def _words(node: YamlNode) -> tuple[str, ...]:
    return tuple(item.text for item in single_values(node))


def typed(fits: Callable[[object], bool], kind: str, example: str, **schema: Any) -> Field:
    """A value that `fits`, such as a whole number; `kind` and `example` are for the message."""

    def check(name: str, node: YamlNode) -> Iterator[Problem]:
        if not fits(as_argument(node)):
            yield Problem(node.place, f"{name} is not {kind}", f"write {example}")

    return Field(check, schema)


_SIZE = {"type": "integer", "minimum": 1}

_HIGH = "a positive whole number, which integers are below"

_INPUT_FIELDS = {
    "shape": Field(_shape, {"type": "array", "items": _SIZE}),
    "dtype": one_of(DTYPES),
    "high": typed(is_size, _HIGH, "`21128`", **_SIZE)._replace(optional=True),
}

INPUT_SCHEMA = {"type": "array", "items": mapping_schema(_INPUT_FIELDS), "minItems": 1}
"""JSON Schema of `input`."""
