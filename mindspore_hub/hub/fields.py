"""Checks of mappings in a card, field by field: each yields problems with a place and a way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as Facts

from mindspore_hub.hub.findings import Edit, Problem
from mindspore_hub.hub.front_matter import Mapping, Node, Scalar, Sequence
from mindspore_hub.hub.keys import Form, are_known, key_of
from mindspore_hub.hub.values import as_argument, is_null

Check = Callable[[str, Node], Iterator[Problem]]
"""Takes the name of a field and its value."""


def single_value_problems(mapping: Mapping, kinds: tuple[str, ...]) -> Iterator[Problem]:
    """Report each known key that takes one value and has a list or mapping.

    Args:
        mapping: The front matter or an asset.
        kinds: Files of its keys, such as `keys.TOP`.
    """
    for name, value in mapping.entries:
        takes_one = are_known((name.text,), kinds) and key_of(name.text).form is Form.VALUE
        if takes_one and not isinstance(value, Scalar):
            message = f"{name.text} is {_kind(value)}, not one value"
            yield Problem(name.place, message, f"write one value: `{name.text}: <value>`")


def asset_problems(front_matter: Mapping) -> Iterator[Problem]:
    """Report `asset` where it is no list, and what in it is no mapping."""
    for name, value in front_matter.entries:
        if name.text != "asset" or is_null(value):
            continue
        if not isinstance(value, Sequence):
            yield Problem(
                name.place, f"asset is {_kind(value)}, not a list: {_dash(value)}", _ASSET
            )
            continue
        for item in value.items:
            if not isinstance(item, Mapping):
                message = f"an item of asset is {_kind(item)}, not a mapping of its keys"
                yield Problem(item.place, message, _ASSET)


_ASSET = "write `- file-format: ckpt`, and below it, indented, `asset-link` and `asset-sha256`"


def _kind(node: Node) -> str:
    if isinstance(node, Scalar):
        return "a text"
    return "a list" if isinstance(node, Sequence) else "a mapping"


def _dash(node: Node) -> str:
    return f"put a dash before its first {'key' if isinstance(node, Mapping) else 'line'}"


def field_problems(
    key: str, node: Mapping, checks: Facts[str, Check], *, optional: tuple[str, ...]
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
    key: str, node: Mapping, known: tuple[str, ...], optional: tuple[str, ...]
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


def unchecked(name: str, node: Node) -> Iterator[Problem]:
    """A field whose words depend on another one that is wrong, which is reported already."""
    yield from ()


def one_of(words: tuple[str, ...]) -> Check:
    """A single word of these."""

    def check(name: str, node: Node) -> Iterator[Problem]:
        help_ = f"write {' or '.join(words)}"
        if not isinstance(node, Scalar):
            yield Problem(node.place, f"{name} is no single word", help_)
        elif node.text not in words:
            meant = next((word for word in words if word.lower() == node.text.lower()), None)
            edits = (Edit(node.place, node.text, meant),) if meant and node.plain else ()
            yield Problem(node.place, f"{name} is {node.text!r}", help_, edits)

    return check


def some_of(words: tuple[str, ...]) -> Check:
    """A word of these, or a list of different ones."""
    single = one_of(words)

    def check(name: str, node: Node) -> Iterator[Problem]:
        items = node.items if isinstance(node, Sequence) else (node,)
        for item in items:
            yield from single(name, item)
        texts = [item.text for item in items if isinstance(item, Scalar)]
        if not texts or len(set(texts)) < len(texts):
            yield Problem(node.place, f"{name} is empty or repeats a word", f"write {words[0]}")

    return check


def typed(fits: Callable[[object], bool], kind: str, example: str) -> Check:
    """A value that `fits`, such as a whole number; `kind` and `example` are for the message."""

    def check(name: str, node: Node) -> Iterator[Problem]:
        if not fits(as_argument(node)):
            yield Problem(node.place, f"{name} is not {kind}", f"write {example}")

    return check
