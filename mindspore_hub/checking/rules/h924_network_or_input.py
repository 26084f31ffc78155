"""A card names its network, its family or its inputs in a form that nobody reads.

What: `network` is a module of `models/` and the class in it, with a dot between them. `family` is a
word of small letters, digits, `-` and `_`, that YAML does not read as something else. `input` is a list with the shape of a sample and the type of
its numbers for each input.

Why: `load` imports the class by `network`, `mshub generate` looks for the text of the family under its
name, and inputs that are drawn at random, as by `mshub load`, have the type that `input` says.

Example: `network: resnet50`

Instead: `network: resnet.resnet50`, and `input: [{shape: [128], dtype: int32}]`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.fields import input_problems
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.values import YamlText, is_null

SEVERITY = Severity.ERROR
FIXABLE = True

_NAMES = {
    "network": ("a module and a class", "resnet.resnet50"),
    "family": ("a word of small letters, digits, `-` and `_`", "se-resnet"),
}


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a network without its module, another name of a family, and what is not an input."""
    for key, (wanted, example) in _NAMES.items():
        value = document.values.get(key)
        if isinstance(value, YamlText) and not is_null(value) and not fits(key, value.text):
            message = f"{key} is {value.text!r}, not {wanted}"
            yield Problem(value.place, message, f"write `{example}`, or remove it")
    inputs = document.values.get("input")
    if inputs is not None:
        yield from input_problems(inputs)
