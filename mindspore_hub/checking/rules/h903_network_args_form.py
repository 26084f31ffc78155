"""The arguments of a network are not written as names and plain values.

What: `network-args` of an asset is a mapping of names to single values: numbers that are not
negative, booleans, or words.

Why: What is neither is passed over, and the network is built with its defaults; loading then fails
far from the cause.

Example: `network-args: {num_class: [206]}` or `network-arg: {num_class: 206}`

Instead: `network-args: {num_class: 206}`
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import asset_items
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlMapping, YamlNode, YamlText, as_argument

SEVERITY = Severity.ERROR
HUB_ONLY = True

_KEY = "network-args"
_MISSPELT = pattern(r"(?:net|network|netwrok|newtork)[-_ ]?(?:args?|arguments?)", re.IGNORECASE)
_NOTHING = frozenset({"", "~", "null", "none"})
_HELP = "write `network-args: {<argument>: <value>}`"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report misplaced and misspelt `network-args`, and values that are not a single value."""
    for name, _ in document.front_matter.entries:
        if _MISSPELT.fullmatch(name.text):
            yield Problem(name.place, f"{name.text} stands outside of the asset", "indent it")
    for asset in asset_items(document.front_matter):
        for name, node in asset.entries:
            if name.text == _KEY:
                yield from _value_problems(node)
            elif _MISSPELT.fullmatch(name.text):
                yield Problem(name.place, f"{name.text} is not a key of an asset", f"write {_KEY}")


def _value_problems(node: YamlNode) -> Iterator[Problem]:
    if not isinstance(node, YamlMapping):
        yield Problem(node.place, f"{_KEY} is not a mapping of names to values", _HELP)
        return
    for name, value in node.entries:
        if not isinstance(value, YamlText):
            yield Problem(value.place, f"{name.text} is not a single value", _HELP)
        elif value.plain and value.text.lower() in _NOTHING:
            yield Problem(name.place, f"{name.text} has no value", _HELP)
        elif _is_negative(as_argument(value)):
            yield Problem(value.place, f"{name.text} is {value.text}", "give a positive number")


def _is_negative(value: object) -> bool:
    return isinstance(value, int | float) and value < 0
