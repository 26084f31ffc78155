"""The values of a card's front matter with their places, and what their text means."""

from __future__ import annotations

import json
import re
from datetime import date
from numbers import Integral, Real
from typing import Any, NamedTuple

from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.patterns import pattern

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
"""What YAML takes for no value where it stands without quotes."""

SHA256 = pattern(r"[0-9a-f]{64}")

# Longer numbers are not arguments of any network; int() refuses them, and float() makes them infinite.
_INTEGER = pattern(r"[-+]?[0-9]{1,18}")
_DECIMAL = pattern(r"[-+]?([0-9]{1,18}\.[0-9]{,18}|\.[0-9]{1,18})([eE][-+]?[0-9]{1,2})?")

_ISO_DATE = pattern(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATE = pattern(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")

Argument = bool | int | float | str
"""A constructor argument as a card can state it."""

Shape = tuple[int, ...]
"""Shape of one sample, without the batch axis."""

DTYPES = ("float32", "float16", "int32", "int64", "bool")
"""What an input of a network may hold."""


class Input(NamedTuple):
    """One input of a network: shape of one sample, and one of `DTYPES`.

    Integers are below `high`, as token ids are below the size of a vocabulary, if it is stated.
    """

    shape: Shape
    dtype: str = "float32"
    high: int | None = None


class YamlText(NamedTuple):
    """A value as written; `plain` when it stands without quotes and no tag makes it a text."""

    text: str
    place: Place
    plain: bool = True


class YamlList(NamedTuple):
    """A list."""

    items: tuple[YamlNode, ...]
    place: Place


class YamlMapping(NamedTuple):
    """Keys and values in order; a key may stand twice."""

    entries: tuple[tuple[YamlText, YamlNode], ...]
    place: Place

    def get(self, key: str) -> YamlNode | None:
        """Value of a key, the last one if it stands twice, or None."""
        found = None
        for name, value in self.entries:
            if name.text == key:
                found = value
        return found

    def text(self, key: str) -> str:
        """Text of a single value, without the `<...>` around links; empty if there is none."""
        value = self.get(key)
        return link_text(value.text) if isinstance(value, YamlText) else ""

    def place_of(self, key: str) -> Place:
        """Where the key of that value stands, or the begin of the mapping if it is absent."""
        found = self.place
        for name, _ in self.entries:
            if name.text == key:
                found = name.place
        return found

    @property
    def names(self) -> list[str]:
        """Names of the keys, in order."""
        return [name.text for name, _ in self.entries]


YamlNode = YamlText | YamlList | YamlMapping

NOTHING = YamlMapping((), Place())
"""A mapping that was never written."""


def single_values(node: YamlNode | None) -> tuple[YamlText, ...]:
    """A value, or the values of a list; nothing for anything else."""
    if isinstance(node, YamlText):
        return (node,)
    items = node.items if isinstance(node, YamlList) else ()
    return tuple(item for item in items if isinstance(item, YamlText))


def link_text(text: str) -> str:
    """A link without the angle brackets that Markdown puts around it."""
    return text[1:-1] if text.startswith("<") and text.endswith(">") else text


def is_null(node: YamlNode | None) -> bool:
    """Whether a key says nothing: there is no such key, or no value behind it."""
    return node is None or (isinstance(node, YamlText) and node.plain and node.text in _NULLS)


def as_builtin(value: object) -> Any:
    """A value whose numbers are Python's own: others, such as NumPy's, are taken like them."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        value = value.item()  # type: ignore[attr-defined]  # its flags are not numbers
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    if isinstance(value, dict):
        return {key: as_builtin(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_builtin(item) for item in value]
    # One with names for its items has a constructor of its own.
    return tuple(map(as_builtin, value)) if type(value) is tuple else value


def as_arguments(node: YamlNode | None) -> dict[str, Argument]:
    """Constructor arguments that a `network-args` mapping states."""
    if not isinstance(node, YamlMapping):
        return {}
    typed = {name.text: as_argument(value) for name, value in node.entries}
    return {name: value for name, value in typed.items() if value is not None}


def as_argument(node: YamlNode | None) -> Argument | None:
    """Value of a plain scalar as YAML 1.2 reads it: a boolean, a number, else its text."""
    if not isinstance(node, YamlText):
        return None
    text = node.text
    if node.plain and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if node.plain and _INTEGER.fullmatch(text):
        return int(text)
    if node.plain and _DECIMAL.fullmatch(text):
        return float(text)
    return text


def as_plain(node: YamlNode | None) -> Any:
    """A value as plain Python: dicts and lists of numbers, booleans and texts; None for nothing."""
    if isinstance(node, YamlMapping):
        return {name.text: as_plain(value) for name, value in node.entries}
    if isinstance(node, YamlList):
        return [as_plain(item) for item in node.items]
    return None if is_null(node) else as_argument(node)


def release_order(version: str) -> list[int]:
    """What orders releases: 1.9 comes before 1.10."""
    return [int(part) if part.isdecimal() else 0 for part in version.split(".")]


def quoted(text: str) -> str:
    """A text in double quotes, ASCII only, as Python and YAML both read it.

    JSON alone writes a character beyond U+FFFF as two, which neither of them joins.
    """
    parts = (
        f"\\U{ord(character):08x}" if ord(character) > 0xFFFF else json.dumps(character)[1:-1]
        for character in text
    )
    return f'"{"".join(parts)}"'


def as_yaml(value: Argument) -> str:
    """A constructor argument as `as_argument` reads it again."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value)
    return text.replace("e", ".0e") if "." not in text else text


def as_shapes(node: YamlNode | None) -> tuple[Shape, ...]:
    """Shapes that a card states, `[3, 288, 144]` or one list per tensor; empty if it is neither."""
    if not isinstance(node, YamlList):
        return ()
    if all(isinstance(item, YamlList) for item in node.items):
        return tuple(shape for item in node.items for shape in as_shapes(item))
    sizes = [as_argument(item) for item in node.items]
    return (tuple(size for size in sizes if type(size) is int),) if sizes else ()


def wrong_part_of_shape(node: YamlNode) -> YamlNode | None:
    """What of a shape is neither a list of sizes nor a list of such lists; None if it is one."""
    if isinstance(node, YamlList) and node.items and isinstance(node.items[0], YamlList):
        return next((wrong for item in node.items if (wrong := _wrong_size(item))), None)
    return _wrong_size(node)


def as_inputs(node: YamlNode | None) -> tuple[Input, ...]:
    """Inputs that a card states, `[{shape: [128], dtype: int32}]`; empty if one means nothing."""
    items = node.items if isinstance(node, YamlList) else ()
    inputs = [_as_input(item) for item in items]
    return () if None in inputs else tuple(item for item in inputs if item)


def _as_input(node: YamlNode) -> Input | None:
    if not isinstance(node, YamlMapping):
        return None
    shape, dtype = node.get("shape"), node.text("dtype") or "float32"
    if not isinstance(shape, YamlList) or dtype not in DTYPES:
        return None
    sizes = [as_argument(item) for item in shape.items]
    known = tuple(size for size in sizes if type(size) is int and size > 0)
    high = as_argument(node.get("high"))
    limit = high if type(high) is int and high > 0 else None
    return Input(known, dtype, limit) if len(known) == len(sizes) else None


def _wrong_size(node: YamlNode) -> YamlNode | None:
    if not isinstance(node, YamlList) or not node.items:
        return node
    return next((item for item in node.items if not is_size(as_argument(item))), None)


def is_size(value: object) -> bool:
    """Whether a value is a whole number above 0."""
    return type(value) is int and value > 0


def is_iso_date(text: str) -> bool:
    """Whether a text has the form YYYY-MM-DD, be there such a day or not."""
    return _ISO_DATE.fullmatch(text) is not None


def iso_date(text: str) -> str:
    """A day of the calendar, year first, as YYYY-MM-DD; empty if the text is not one."""
    match = _DATE.fullmatch(text.strip())
    try:
        return date(*map(int, match.group(1, 3, 4))).isoformat() if match else ""
    except ValueError:
        return ""


def split_items(text: str) -> list[str]:
    """Items of a value such as `inference/transfer-learning`, in lower case."""
    return [item.strip().lower() for item in re.split(r"[/,|;]", text) if item.strip()]
