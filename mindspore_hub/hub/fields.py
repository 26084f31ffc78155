"""Checks of what is not a single text in a card: each yields problems with a place and a way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

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
)

Check = Callable[[str, YamlNode], Iterator[Problem]]
"""Takes the name of a field and its value."""


def single_value_problems(mapping: YamlMapping, known: frozenset[str]) -> Iterator[Problem]:
    """Report each known key that takes one value and has a list or mapping.

    Args:
        mapping: The front matter or an asset.
        known: Its keys, such as `keys.TOP`.
    """
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
            yield Problem(
                name.place, f"asset is {_kind(value)}, not a list: {_dash(value)}", _ASSET
            )
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
            yield from field_problems("input", item, _INPUT_FIELDS, optional=("high",))
        else:
            yield Problem(item.place, f"an item of input is {_kind(item)}, not a mapping", _INPUT)


def _is_positive(value: object) -> bool:
    return type(value) is int and value > 0


def _shape(name: str, node: YamlNode) -> Iterator[Problem]:
    sizes = [as_argument(item) for item in node.items] if isinstance(node, YamlList) else [None]
    if not all(map(_is_positive, sizes)):
        message = f"{name} is not a list of positive whole numbers"
        yield Problem(node.place, message, "write `[128]`, without the batch axis")


_INPUT = "write `[{shape: [128], dtype: int32}]`, one mapping per input"

_ASSET = "write `- file-format: ckpt`, and below it, indented, `asset-link` and `asset-sha256`"


def _kind(node: YamlNode) -> str:
    if isinstance(node, YamlText):
        return "a text"
    return "a list" if isinstance(node, YamlList) else "a mapping"


def _dash(node: YamlNode) -> str:
    return f"put a dash before its first {'key' if isinstance(node, YamlMapping) else 'line'}"


def field_problems(
    key: str, node: YamlMapping, checks: Mapping[str, Check], *, optional: tuple[str, ...]
) -> Iterator[Problem]:
    """What is wrong with a mapping: unknown, repeated and missing fields, and wrong values.

    Args:
        key: Key of the mapping, for messages.
        node: The mapping.
        checks: What is asked of each field.
        optional: Fields that may be absent.
    """
    yield from _name_problems(key, node, tuple(checks), optional)
    for name, value in node.entries:
        if name.text in checks:
            yield from checks[name.text](name.text, value)


def _name_problems(
    key: str, node: YamlMapping, known: tuple[str, ...], optional: tuple[str, ...]
) -> Iterator[Problem]:
    names = node.names
    for name, _ in node.entries:
        if name.text not in known:
            message = f"{key} has no field {name.text}"
            yield Problem(name.place, message, f"write one of {', '.join(known)}")
        elif names.count(name.text) > 1:
            yield Problem(
                name.place, f"{name.text} stands {names.count(name.text)} times", "keep one"
            )
    missing = [name for name in known if name not in names and name not in optional]
    if missing:
        yield Problem(node.place, f"{key} lacks {', '.join(missing)}", "add it")


def unchecked(name: str, node: YamlNode) -> Iterator[Problem]:
    """A field whose words depend on another one that is wrong, which is reported already."""
    yield from ()


def one_of(words: tuple[str, ...]) -> Check:
    """A single word of these."""

    def check(name: str, node: YamlNode) -> Iterator[Problem]:
        help_ = f"write {' or '.join(words)}"
        if not isinstance(node, YamlText):
            yield Problem(node.place, f"{name} is not a single word", help_)
        elif node.text not in words:
            meant = next((word for word in words if word.lower() == node.text.lower()), None)
            edits = (Edit(node.place, node.text, meant),) if meant and node.plain else ()
            yield Problem(node.place, f"{name} is {node.text!r}", help_, edits)

    return check


def some_of(words: tuple[str, ...]) -> Check:
    """A word of these, or a list of different ones."""
    single = one_of(words)

    def check(name: str, node: YamlNode) -> Iterator[Problem]:
        items = node.items if isinstance(node, YamlList) else (node,)
        for item in items:
            yield from single(name, item)
        texts = [item.text for item in items if isinstance(item, YamlText)]
        if not texts or len(set(texts)) < len(texts):
            yield Problem(node.place, f"{name} is empty or repeats a word", f"write {words[0]}")

    return check


def typed(fits: Callable[[object], bool], kind: str, example: str) -> Check:
    """A value that `fits`, such as a whole number; `kind` and `example` are for the message."""

    def check(name: str, node: YamlNode) -> Iterator[Problem]:
        if not fits(as_argument(node)):
            yield Problem(node.place, f"{name} is not {kind}", f"write {example}")

    return check


_INPUT_FIELDS: dict[str, Check] = {
    "shape": _shape,
    "dtype": one_of(DTYPES),
    "high": typed(_is_positive, "a positive whole number, which integers are below", "`21128`"),
}
